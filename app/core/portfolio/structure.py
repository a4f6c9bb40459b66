"""Correlations of a batch: the dense matrix, or factors when the batch is large.

See docs/concepts.md#correlations.
"""

from collections.abc import Sequence

import numpy as np

from app.core.books.market import MarketBook
from app.core.params import MarketParams
from app.core.portfolio.correlation import NO_PAIRS, CorrelationView
from app.core.portfolio.factors import FactorModel, loadings_for
from app.core.types import FloatArray, IntArray


class Structure:
    """Correlations of any set of symbols, in the form that the optimiser reads."""

    def __init__(self, market: MarketBook, params: MarketParams) -> None:
        self._market = market
        self._params = params
        self._view = CorrelationView(params)
        self.factors: FactorModel | None = None

    def correlation(self, symbols: Sequence[str]) -> tuple[FloatArray | None, FloatArray | None]:
        """Return (matrix, None) up to ``dense_up_to`` symbols, (None, loadings) above.

        Parameters
        ----------
        symbols : sequence of n str

        Returns
        -------
        matrix : ndarray of shape (n, n), positive definite, or None
        loadings : ndarray of shape (n, k), row norms below 1, or None
        """
        if len(symbols) > self._params.dense_up_to:
            return None, loadings_for(self.factors, symbols, self._params)
        if not symbols:
            return np.empty((0, 0)), None
        return self.matrix(symbols), None

    def matrix(self, symbols: Sequence[str]) -> FloatArray:
        """Return the dense correlation matrix of shape (n, n), positive definite, for any n."""
        return self._view.matrix(self._market, symbols)

    def prior_pairs(self, symbols: Sequence[str]) -> IntArray:
        """Return the pairs of these symbols whose correlation is the prior, shape (k, 2).

        Indices, the smaller one first. Above ``dense_up_to`` symbols, where factors stand for
        pairs, there are none.
        """
        if not 1 < len(symbols) <= self._params.dense_up_to:
            return NO_PAIRS
        return self._view.prior_pairs(self._market, symbols)

    def factors_are_stale(self) -> bool:
        """Return whether the market changed ``factor_refresh`` times since the last estimate."""
        model = self.factors
        if model is None:
            return True
        return self._market.version - model.market_version >= self._params.factor_refresh
