"""Correlations of a batch: the dense matrix, or factors when the batch is large.

See docs/concepts.md#correlations.
"""

from collections.abc import Sequence

import numpy as np

from app.core.books.market import MarketBook
from app.core.params import MarketParams
from app.core.portfolio.correlation import Correlations, CorrelationView
from app.core.portfolio.factors import FactorModel, loadings_for
from app.core.types import FloatArray


class Structure:
    """Correlations of any set of symbols, in the form that the optimiser reads."""

    def __init__(self, market: MarketBook, params: MarketParams) -> None:
        self._market = market
        self._params = params
        self._view = CorrelationView(params)
        self.factors: FactorModel | None = None

    def correlations(self, symbols: Sequence[str], sides: FloatArray) -> Correlations:
        """Return a matrix up to ``dense_up_to`` symbols, factors above.

        Parameters
        ----------
        symbols : sequence of n str
        sides : ndarray of shape (n,), +1 or -1
        """
        if len(symbols) > self._params.dense_up_to:
            loadings = loadings_for(self.factors, symbols, sides, self._params)
            return Correlations(symbols, None, loadings)
        if not symbols:
            return Correlations(symbols, np.empty((0, 0)))
        matrix, prior_pairs, moved = self._view.dense(self._market, symbols, sides)
        return Correlations(symbols, matrix, prior_pairs=prior_pairs, moved=moved)

    def of_one_side(self, symbols: Sequence[str]) -> FloatArray:
        """Return the dense matrix of any number n of symbols, all on one side: shape (n, n)."""
        return self._view.dense(self._market, symbols, np.ones(len(symbols)))[0]

    def factors_are_stale(self) -> bool:
        """Return whether the market changed ``factor_refresh`` times since the last estimate."""
        model = self.factors
        if model is None:
            return True
        return self._market.version - model.market_version >= self._params.factor_refresh
