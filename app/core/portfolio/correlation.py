"""Correlation matrix of past returns: EWMA, a prior where data are few, made positive definite.

See docs/concepts.md#correlations.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

import numpy as np

from app.core.books.market import MarketBook, ReturnWindow
from app.core.params import MarketParams
from app.core.types import FloatArray, IntArray

NO_PAIRS: Final[IntArray] = np.empty((0, 2), dtype=np.int64)


def constant_correlation(size: int, prior: float) -> FloatArray:
    """Return the matrix with ones on the diagonal and the prior elsewhere.

    Parameters
    ----------
    size : int
    prior : float, correlation in [0, 1)

    Returns
    -------
    ndarray of shape (size, size), dimensionless
    """
    matrix = np.zeros((size, size))
    matrix += prior
    matrix.flat[:: size + 1] = 1.0
    return matrix


def ewma_correlation(window: ReturnWindow, params: MarketParams) -> tuple[FloatArray, FloatArray]:
    r"""Return the EWMA correlation of each pair, over the returns that both symbols have.

    .. math:: \rho_{ij} = \frac{\sum_t \lambda^{T-t} r_{it} r_{jt}}
              {\sqrt{\sum_t \lambda^{T-t} r_{it}^2 \; \sum_t \lambda^{T-t} r_{jt}^2}}

    with sums over joint timestamps and no mean subtracted. Pairs with fewer than
    ``min_joint_returns`` joint returns, or without movement, take the prior.

    Parameters
    ----------
    window : ReturnWindow of n symbols
        Simple returns; NaN where a symbol has fewer than the longest row.
    params : MarketParams

    Returns
    -------
    correlation : ndarray of shape (n, n), in [-1, 1]
        Finite and symmetric with unit diagonal; not yet positive definite.
    joint : ndarray of shape (n, n), count
        Joint returns of each pair.

    References
    ----------
    .. [1] J.P. Morgan/Reuters (1996), "RiskMetrics - Technical Document", section 5.2.
    """
    returns, seen = (window.returns, None) if window.aligned else _align(window)
    size, length = returns.shape
    weights = params.correlation_decay ** np.arange(length - 1, -1, -1, dtype=np.float64)
    # scaled per symbol, so that squares of extreme returns neither overflow nor vanish
    scale = np.maximum(np.abs(returns).max(axis=1, initial=0.0), 1e-300)
    scaled = returns / scale[:, None] * np.sqrt(weights)
    cross = scaled @ scaled.T
    if seen is None:
        joint = np.full((size, size), float(length))
        own = np.diagonal(cross)
        norm = np.sqrt(own[:, None] * own)
    else:
        joint = seen @ seen.T
        own = np.square(scaled) @ seen.T
        norm = np.sqrt(own * own.T)
    known = (joint >= params.min_joint_returns) & (norm > 0.0)
    ratio = np.divide(cross, norm, out=np.zeros_like(cross), where=known)
    matrix = np.where(known, np.clip(ratio, -1.0, 1.0), params.prior_correlation)
    np.fill_diagonal(matrix, 1.0)
    return (matrix + matrix.T) / 2.0, joint


def _align(window: ReturnWindow) -> tuple[FloatArray, FloatArray]:
    """Return the returns on the union of timestamps, 0 where missing, and a 0/1 mask of them."""
    valid = window.times_ns >= 0
    times, place = np.unique(window.times_ns[valid], return_inverse=True)
    values = np.zeros((len(window.times_ns), len(times)))
    seen = np.zeros_like(values)
    rows = np.nonzero(valid)[0]
    values[rows, place] = window.returns[valid]
    seen[rows, place] = 1.0
    return values, seen


def make_definite(matrix: FloatArray, params: MarketParams) -> FloatArray:
    """Return the matrix moved towards the constant one until it is positive definite.

    Parameters
    ----------
    matrix : ndarray of shape (n, n), symmetric with unit diagonal, finite
    params : MarketParams

    Returns
    -------
    ndarray of shape (n, n), smallest eigenvalue >= min_eigenvalue (to 1e-9)
    """
    floor = params.min_eigenvalue
    if len(matrix) < 2 or _is_above(matrix, floor):
        return matrix
    target = constant_correlation(len(matrix), params.prior_correlation)
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2.0
        if _is_above((1.0 - middle) * matrix + middle * target, floor):
            high = middle
        else:
            low = middle
    return (1.0 - high) * matrix + high * target


def _is_above(matrix: FloatArray, floor: float) -> bool:
    try:
        np.linalg.cholesky(matrix - floor * np.eye(len(matrix)))
    except np.linalg.LinAlgError:
        return False
    return True


def diversification_score(correlation: FloatArray) -> float:
    r"""Return one less the mean pairwise correlation, clipped to [0, 1]; 0 for a single symbol.

    Uncorrelated symbols score 1, symbols that move as one score 0.

    Parameters
    ----------
    correlation : ndarray of shape (n, n), symmetric with unit diagonal, finite
    """
    size = len(correlation)
    if size < 2:
        return 0.0
    mean = (correlation.sum() - size) / (size * (size - 1))
    return float(np.clip(1.0 - mean, 0.0, 1.0))


class CorrelationView:
    """Positive definite correlation matrices of a market book, cached per state of the book.

    Parameters
    ----------
    params : MarketParams
    kept : int
        Matrices kept; the oldest is dropped first.
    """

    def __init__(self, params: MarketParams, kept: int = 8) -> None:
        self._params = params
        self._kept = kept
        self._cache: OrderedDict[
            tuple[tuple[int, int], tuple[str, ...]], tuple[FloatArray, IntArray]
        ] = OrderedDict()

    def matrix(self, market: MarketBook, symbols: Sequence[str]) -> FloatArray:
        """Return the correlation matrix of these n symbols: shape (n, n), positive definite."""
        if not market.any_history(symbols):
            return constant_correlation(len(symbols), self._params.prior_correlation)
        return self._estimate(market, symbols)[0]

    def prior_pairs(self, market: MarketBook, symbols: Sequence[str]) -> IntArray:
        """Return the pairs that take the prior: indices, shape (k, 2), the smaller one first."""
        known = self._cache.get((market.moment, tuple(symbols)))
        if known is not None:
            return known[1]
        if not market.any_history(symbols):
            return np.argwhere(np.triu(np.ones((len(symbols), len(symbols))), 1))
        return self._estimate(market, symbols)[1]

    def _estimate(self, market: MarketBook, symbols: Sequence[str]) -> tuple[FloatArray, IntArray]:
        key = (market.moment, tuple(symbols))
        found = self._cache.get(key)
        if found is None:
            raw, joint = ewma_correlation(market.window(symbols), self._params)
            few = joint < self._params.min_joint_returns
            pairs = np.argwhere(np.triu(few, 1)) if few.any() else NO_PAIRS
            found = make_definite(raw, self._params), pairs
            self._cache[key] = found
            if len(self._cache) > self._kept:
                self._cache.popitem(last=False)
        return found
