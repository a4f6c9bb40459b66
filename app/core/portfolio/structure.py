"""Where a batch's correlations come from: the dense matrix, or factors when it is large."""

from collections.abc import Sequence

import numpy as np

from app.core.books.market import MarketBook
from app.core.params import MarketParams
from app.core.portfolio.correlation import CorrelationView
from app.core.portfolio.factors import FactorModel, loadings_for
from app.core.types import FloatArray


class Structure:
    """Correlations of any set of symbols, as the optimiser wants them."""

    def __init__(self, market: MarketBook, params: MarketParams) -> None:
        self._market = market
        self._params = params
        self._view = CorrelationView(params)
        self.factors: FactorModel | None = None

    def correlation(self, symbols: Sequence[str]) -> tuple[FloatArray | None, FloatArray | None]:
        """(matrix, None) up to ``dense_up_to`` symbols, (None, loadings) above."""
        if len(symbols) > self._params.dense_up_to:
            return None, loadings_for(self.factors, symbols, self._params)
        if not symbols:
            return np.empty((0, 0)), None
        return self.matrix(symbols), None

    def matrix(self, symbols: Sequence[str]) -> FloatArray:
        """Return the dense positive definite matrix, whatever the size."""
        return self._view.matrix(self._market, symbols)

    def factors_are_stale(self) -> bool:
        """Whether the market has moved on by a refresh interval since the factors were made."""
        model = self.factors
        if model is None:
            return True
        return self._market.version - model.market_version >= self._params.factor_refresh
