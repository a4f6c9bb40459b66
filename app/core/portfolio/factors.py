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
from app.core.portfolio.correlation import common_correlation, make_definite
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
    enough = [s for s in market.symbols() if market.count(s) >= params.min_joint_returns]
    if len(enough) < 2:
        return FactorModel({}, np.empty((0, 1)), market.version)
    matrix = make_definite(common_correlation(market.window(enough), params), params)
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
    model: FactorModel | None, symbols: Sequence[str], params: MarketParams
) -> FloatArray:
    """Return the loadings of a batch's symbols; those without history correlate by the prior.

    Symbols without history get the loading closest to the prior correlation with the others, and
    one common factor that brings them to the prior among themselves.

    Parameters
    ----------
    model : FactorModel or None
        None gives every symbol the prior.
    symbols : sequence of n_symbols str
    params : MarketParams

    Returns
    -------
    ndarray of shape (n_symbols, n_factors + 1), dimensionless
        Finite, row norms below 1; of shape (n_symbols, 1) without a model.
    """
    prior = params.prior_correlation
    if model is None or not model.row:
        return np.full((len(symbols), 1), np.sqrt(prior))
    rows = np.array([model.row.get(symbol, -1) for symbol in symbols])
    known = rows >= 0
    loadings = np.zeros((len(symbols), model.loadings.shape[1] + 1))
    loadings[known, :-1] = model.loadings[rows[known]]
    if not known.all():
        target = np.full(len(model.loadings), prior)
        typical, *_ = np.linalg.lstsq(model.loadings, target, rcond=None)
        squared = float(typical @ typical)
        typical = typical * np.sqrt(min(1.0, prior / squared)) if squared > 0.0 else typical
        loadings[~known, :-1] = typical
        loadings[~known, -1] = np.sqrt(max(prior - min(squared, prior), 0.0))
    return loadings
