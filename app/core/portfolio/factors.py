"""Factor form of the correlation matrix, for batches too large for the dense one.

See docs/concepts.md#correlations.
"""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.core.books.market import MarketBook
from app.core.params import MarketParams
from app.core.portfolio.correlation import common_correlation, make_definite, prior_matrix
from app.core.types import FloatArray

MAX_NORM = math.sqrt(1.0 - 1e-3)


@dataclass(frozen=True, slots=True)
class FactorModel:
    """Loadings B of the symbols with history: correlation = B B' + diag(1 - squared row norms).

    ``loadings`` has shape (n_symbols, n_factors), row norms below 1; ``row`` maps a symbol to
    its row; ``market_version`` is the state of the market book it was estimated from.
    """

    row: Mapping[str, int]
    loadings: FloatArray
    market_version: int

    def export(self) -> dict[str, Any]:
        """Return the model as JSON-able data, exact to the last bit."""
        return {
            "symbols": list(self.row),
            "shape": list(self.loadings.shape),
            "loadings": base64.b64encode(self.loadings.tobytes()).decode(),
            "market_version": self.market_version,
        }

    @staticmethod
    def restore(data: Mapping[str, Any]) -> "FactorModel":
        """Return the model that :meth:`export` wrote."""
        raw = np.frombuffer(base64.b64decode(data["loadings"]), dtype=np.float64)
        row = {symbol: place for place, symbol in enumerate(data["symbols"])}
        return FactorModel(row, raw.reshape(data["shape"]).copy(), data["market_version"])


def estimate_factors(market: MarketBook, params: MarketParams) -> FactorModel:
    """Return the principal factors of the correlation of all symbols with enough returns.

    Parameters
    ----------
    market : MarketBook
    params : MarketParams
        ``factors`` is the largest number of factors kept.

    Returns
    -------
    FactorModel
        Without rows when no two symbols have enough history.

    References
    ----------
    .. [1] Grinold and Kahn (2000), "Active Portfolio Management", chapter 3.
    """
    enough = [s for s in market.symbols() if market.count(s) >= params.prior_weight]
    if len(enough) < 2:
        return FactorModel({}, np.empty((0, 1)), market.version)
    prior = prior_matrix(np.ones(len(enough)), params.prior_correlation)
    shrunk = common_correlation(market.window(enough), params)
    matrix, _ = make_definite(shrunk, prior, params.min_eigenvalue)
    values, vectors = np.linalg.eigh(matrix)
    kept = min(params.factors, len(values))
    loadings = vectors[:, -kept:] * np.sqrt(np.maximum(values[-kept:], 0.0))
    row = {symbol: place for place, symbol in enumerate(enough)}
    return FactorModel(row, _bounded(loadings), market.version)


def _bounded(loadings: FloatArray) -> FloatArray:
    # a row norm of 1 would leave no variance of its own and a singular problem
    norm = np.sqrt(np.square(loadings).sum(axis=1))
    bounded: FloatArray = loadings * np.minimum(1.0, MAX_NORM / np.maximum(norm, 1e-12))[:, None]
    return bounded


def loadings_for(
    model: FactorModel | None, symbols: Sequence[str], sides: FloatArray, params: MarketParams
) -> FloatArray:
    """Return the loadings of a batch's symbols; those without history correlate by the prior.

    Symbols without history get the loading closest to the prior correlation with those of their
    side in the batch, and one common factor a side that brings them to the prior among themselves.

    Parameters
    ----------
    model : FactorModel or None
        None gives every pair of one side the prior.
    symbols : sequence of n_symbols str
    sides : ndarray of shape (n_symbols,), +1 or -1
    params : MarketParams

    Returns
    -------
    ndarray of shape (n_symbols, n_factors + 2), dimensionless
        Finite, row norms below 1; of shape (n_symbols, 2) without a model.
    """
    prior = params.prior_correlation
    own = np.stack((sides > 0.0, sides < 0.0), axis=1).astype(np.float64)
    if model is None or not model.row:
        return math.sqrt(prior) * own
    rows = np.array([model.row.get(symbol, -1) for symbol in symbols])
    known = rows >= 0
    kept = np.where(known[:, None], model.loadings[rows], 0.0)
    if known.all():
        return np.concatenate((kept, np.zeros_like(own)), axis=1)
    left = np.zeros(len(symbols))
    for mine in own.T > 0.0:
        new = mine & ~known
        typical = _typical(kept[known], np.where(mine[known], prior, 0.0), prior)
        kept[new] = typical
        left[new] = prior - min(float(typical @ typical), prior)
    return np.concatenate((kept, np.sqrt(left)[:, None] * own), axis=1)


def _typical(loadings: FloatArray, target: FloatArray, prior: float) -> FloatArray:
    """Return the loading closest to a correlation with each symbol, its squared norm the prior."""
    if not target.any():
        return np.zeros(loadings.shape[1])
    typical = np.asarray(np.linalg.lstsq(loadings, target, rcond=None)[0], dtype=np.float64)
    squared = float(typical @ typical)
    return typical * min(1.0, math.sqrt(prior / squared)) if squared else typical
