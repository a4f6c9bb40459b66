"""Correlation matrix of past bar returns: EWMA, shrunk to a prior, made positive definite.

See docs/concepts.md#correlations.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

from app.core.books.market import MarketBook, ReturnWindow
from app.core.books.moments import MOST_JOINT
from app.core.params import MarketParams
from app.core.types import FloatArray, IntArray

NO_PAIRS: Final[IntArray] = np.empty((0, 2), dtype=np.int64)


def prior_matrix(sides: FloatArray, prior: float) -> FloatArray:
    """Return the correlation that is believed before any data.

    Between symbols of one side it is the prior; between opposite sides 0, since a hedge that
    nobody measured is worth nothing.

    Parameters
    ----------
    sides : ndarray of shape (n,), +1 or -1
    prior : float, correlation in [0, 1)

    Returns
    -------
    ndarray of shape (n, n), dimensionless
        Unit diagonal.
    """
    size = len(sides)
    matrix = np.zeros((size, size))
    matrix += prior
    if 0 < np.count_nonzero(sides < 0.0) < size:
        matrix[sides[:, None] != sides] = 0.0
    matrix.flat[:: size + 1] = 1.0
    return matrix


def shrunk_correlation(
    raw: FloatArray, joint: IntArray, prior: FloatArray, params: MarketParams
) -> FloatArray:
    r"""Return the correlation of each pair, shrunk towards the prior by its joint bars.

    .. math:: C_{ij} = \frac{n_{ij} \rho_{ij} + n_0 p_{ij}}{n_{ij} + n_0}

    Parameters
    ----------
    raw : ndarray of shape (n, n), in [-1, 1]
    joint : int array of shape (n, n)
        Joint bars of each pair: see :class:`~app.core.books.moments.PairMoments`.
    prior : ndarray of shape (n, n)
        See :func:`prior_matrix`.
    params : MarketParams
        ``prior_weight`` n0, in joint bars.

    Returns
    -------
    ndarray of shape (n, n), in [-1, 1]
        Finite and symmetric with unit diagonal; not yet positive definite.

    References
    ----------
    .. [1] J.P. Morgan/Reuters (1996), "RiskMetrics - Technical Document", section 5.2.
    .. [2] Ledoit and Wolf (2004), "Honey, I Shrunk the Sample Covariance Matrix", The Journal of
       Portfolio Management 30(4).
    """
    weight = joint / (joint + params.prior_weight)
    matrix: FloatArray = weight * raw + (1.0 - weight) * prior
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
        As of :func:`shrunk_correlation`, with all symbols on one side.
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
    prior = prior_matrix(np.ones(len(raw)), params.prior_correlation)
    count = np.where(known, np.minimum(joint, MOST_JOINT), 0.0).astype(np.int64)
    return shrunk_correlation(raw, count, prior, params)


def make_definite(matrix: FloatArray, prior: FloatArray, floor: float) -> tuple[FloatArray, float]:
    """Move a matrix towards the prior one until it is positive definite.

    Parameters
    ----------
    matrix : ndarray of shape (n, n), symmetric with unit diagonal, finite
    prior : ndarray of shape (n, n)
        See :func:`prior_matrix`.
    floor : float, > 0
        Least eigenvalue.

    Returns
    -------
    ndarray of shape (n, n), smallest eigenvalue >= floor (to 1e-9)
    float, in [0, 1]
        Weight of the prior in it.
    """
    if len(matrix) < 2 or _is_above(matrix, floor):
        return matrix, 0.0
    low, high = 0.0, 1.0
    while high - low > 1e-6:
        middle = (low + high) / 2.0
        if _is_above((1.0 - middle) * matrix + middle * prior, floor):
            high = middle
        else:
            low = middle
    return (1.0 - high) * matrix + high * prior, high


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


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations of n symbols, as a matrix or as factors, and how much of them is the prior.

    Attributes
    ----------
    symbols : sequence of n str
    matrix : ndarray of shape (n, n), positive definite, or None
    loadings : ndarray of shape (n, k), row norms below 1, or None
        Correlation = loadings loadings' + diag(rest).
    prior_pairs : int ndarray of shape (k, 2)
        Pairs in which the prior weighs more than the data, the smaller index first; none where
        factors stand for pairs.
    moved : float, in [0, 1]
        Weight that the prior got beside that, so that the matrix is positive definite.
    """

    symbols: Sequence[str]
    matrix: FloatArray | None
    loadings: FloatArray | None = None
    prior_pairs: IntArray = field(default_factory=lambda: NO_PAIRS)
    moved: float = 0.0

    def times(self, values: FloatArray) -> FloatArray:
        """Return the correlation matrix times a vector of shape (n,)."""
        if self.matrix is not None:
            product: FloatArray = self.matrix @ values
            return product
        if self.loadings is None:
            return values
        own = 1.0 - np.square(self.loadings).sum(axis=1)
        total: FloatArray = self.loadings @ (self.loadings.T @ values) + own * values
        return total

    def between(self, rows: slice, columns: slice, values: FloatArray) -> FloatArray:
        """Return the block of rows and columns times a vector over the columns.

        The two blocks have no symbol in common.
        """
        if self.matrix is not None:
            product: FloatArray = self.matrix[rows, columns] @ values
            return product
        if self.loadings is None:
            return np.zeros(len(range(*rows.indices(len(self.symbols)))))
        return self.loadings[rows] @ (self.loadings[columns].T @ values)


class DenseEstimate(NamedTuple):
    """A positive definite matrix, the pairs that are mostly prior, and what the prior got beside.

    See :class:`Correlations`.
    """

    matrix: FloatArray
    prior_pairs: IntArray
    moved: float


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
        self._cache: OrderedDict[tuple[tuple[int, int], tuple[str, ...], bytes], DenseEstimate] = (
            OrderedDict()
        )

    def dense(self, market: MarketBook, symbols: Sequence[str], sides: FloatArray) -> DenseEstimate:
        """Return the correlation matrix of these n symbols.

        Parameters
        ----------
        market : MarketBook
        symbols : sequence of n str
        sides : ndarray of shape (n,), +1 or -1
        """
        key = (market.moment, tuple(symbols), sides.tobytes())
        found = self._cache.get(key)
        if found is None:
            found = self._estimate(market, symbols, sides)
            self._cache[key] = found
            if len(self._cache) > self._kept:
                self._cache.popitem(last=False)
        return found

    def _estimate(
        self, market: MarketBook, symbols: Sequence[str], sides: FloatArray
    ) -> DenseEstimate:
        params = self._params
        prior = prior_matrix(sides, params.prior_correlation)
        if not market.any_history(symbols):
            pairs = np.argwhere(np.triu(np.ones_like(prior), 1))
            return DenseEstimate(prior, pairs, 0.0)
        raw, joint = market.correlations(symbols)
        few = np.triu(joint < params.prior_weight, 1)
        pairs = np.argwhere(few) if few.any() else NO_PAIRS
        shrunk = shrunk_correlation(raw, joint, prior, params)
        matrix, moved = make_definite(shrunk, prior, params.min_eigenvalue)
        return DenseEstimate(matrix, pairs, moved)
