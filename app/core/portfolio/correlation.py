"""Correlation matrix of past bar returns: EWMA, a prior where data are few, made positive definite.

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


def ewma_correlation(raw: FloatArray, joint: IntArray, params: MarketParams) -> FloatArray:
    """Return the correlation of each pair, the prior where fewer joint bars are known.

    Parameters
    ----------
    raw : ndarray of shape (n, n), in [-1, 1]
    joint : int array of shape (n, n)
        Joint bars of each pair: see :class:`~app.core.books.moments.PairMoments`.
    params : MarketParams
        Pairs with fewer than ``min_joint_returns`` take ``prior_correlation``.

    Returns
    -------
    ndarray of shape (n, n), in [-1, 1]
        Finite and symmetric with unit diagonal; not yet positive definite.

    References
    ----------
    .. [1] J.P. Morgan/Reuters (1996), "RiskMetrics - Technical Document", section 5.2.
    """
    matrix = np.where(joint >= params.min_joint_returns, raw, params.prior_correlation)
    np.fill_diagonal(matrix, 1.0)
    return matrix


def common_correlation(window: ReturnWindow, params: MarketParams) -> FloatArray:
    r"""Return the correlation of many symbols at once, with one decay for all of them.

    .. math:: \rho_{ij} = \frac{\sum_t \lambda^{a_t} x_{it} x_{jt}}
              {\sqrt{\sum_t \lambda^{a_t} x_{it}^2 \; \sum_t \lambda^{a_t} x_{jt}^2}}

    with sums over joint bars and a_t the age of a bar among those of all symbols: what factors
    are of, where moments of each pair would take too long.

    Parameters
    ----------
    window : ReturnWindow of n symbols
    params : MarketParams

    Returns
    -------
    ndarray of shape (n, n)
        As of :func:`ewma_correlation`.
    """
    valid = ~np.isnan(window.returns)
    keys = np.stack((window.ends[valid], window.begins[valid]))
    bars, place = np.unique(keys, axis=1, return_inverse=True)
    values = np.zeros((len(window.returns), bars.shape[1]))
    seen = np.zeros_like(values)
    rows = np.nonzero(valid)[0]
    place = place.reshape(-1)
    values[rows, place], seen[rows, place] = window.returns[valid], 1.0
    _, order = np.unique(bars[0], return_inverse=True)
    order = order.reshape(-1)
    weights = params.correlation_decay ** (order.max(initial=0) - order).astype(np.float64)
    # scaled per symbol, so that squares of extreme returns neither overflow nor vanish
    scale = np.maximum(np.abs(values).max(axis=1, initial=0.0), 1e-300)
    scaled = values / scale[:, None] * np.sqrt(weights)
    cross, joint = scaled @ scaled.T, seen @ seen.T
    own = np.square(scaled) @ seen.T
    norm = np.sqrt(own) * np.sqrt(own.T)
    known = norm > 0.0
    raw = np.divide(cross, norm, out=np.zeros_like(cross), where=known)
    raw = np.clip((raw + raw.T) / 2.0, -1.0, 1.0)
    return ewma_correlation(raw, np.where(known, joint, 0.0).astype(np.int64), params)


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
            raw, joint = market.correlations(symbols)
            few = np.triu(joint < self._params.min_joint_returns, 1)
            pairs = np.argwhere(few) if few.any() else NO_PAIRS
            matrix = ewma_correlation(raw, joint, self._params)
            found = make_definite(matrix, self._params), pairs
            self._cache[key] = found
            if len(self._cache) > self._kept:
                self._cache.popitem(last=False)
        return found
