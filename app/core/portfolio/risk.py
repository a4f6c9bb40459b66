"""Volatility, expected shortfall and contributions of a whole book, held positions included.

See docs/concepts.md#risk.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.portfolio.correlation import Correlations
from app.core.types import FloatArray

# mean of a standard normal beyond its 95 % quantile: density(1.645) / 0.05
SHORTFALL_95: Final = 2.063


@dataclass(frozen=True, slots=True)
class Risk:
    """Predicted risk of a book over the horizon of claims; fractions of portfolio value.

    Attributes
    ----------
    volatility : float, >= 0
        Finite.
    contributions : dict of symbol to float
        Share of each symbol in the variance; they sum to 1. A hedge has a negative one. Empty
        where the volatility is 0.
    """

    volatility: float
    contributions: dict[str, float]

    @property
    def shortfall(self) -> float:
        """Expected loss beyond the 95 % quantile, of a normal of mean 0, >= 0."""
        return SHORTFALL_95 * self.volatility


@dataclass(frozen=True, slots=True)
class RiskModel:
    """Volatilities and correlations of every symbol that a book may hold.

    Attributes
    ----------
    volatility : ndarray of shape (n,), return over the horizon of claims, > 0
        The largest claimed for the symbol; else learnt or the default.
    correlations : Correlations of the n symbols
    """

    volatility: FloatArray
    correlations: Correlations

    def vector(self, weights: Mapping[str, float]) -> FloatArray:
        """Return signed weights as an array of shape (n,), 0 for symbols that are not named."""
        return np.array([weights.get(symbol, 0.0) for symbol in self.correlations.symbols])

    def assess(self, weights: Mapping[str, float]) -> Risk:
        """Return the risk of signed weights.

        Parameters
        ----------
        weights : mapping of symbol to float, signed fraction of portfolio value
            Symbols outside the model have no part in it.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            risk = self.vector(weights) * self.volatility
            # scaled to at most 1, so that squares neither overflow nor vanish
            largest = float(np.abs(risk).max(initial=0.0))
            if not 0.0 < largest < math.inf:
                return Risk(_LARGEST if largest > 0.0 else 0.0, {})
            risk = risk / largest
            marginal = risk * self.correlations.times(risk)
            variance = float(marginal.sum())
        if variance <= 0.0:
            return Risk(0.0, {})
        shares = (marginal / variance).tolist()
        named = zip(self.correlations.symbols, shares, strict=True)
        volatility = min(largest * math.sqrt(variance), _LARGEST)
        return Risk(volatility, {symbol: share for symbol, share in named if share != 0.0})


_LARGEST: Final = float(np.finfo(np.float64).max) / SHORTFALL_95
