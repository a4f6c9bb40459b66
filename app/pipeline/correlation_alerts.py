"""Count pairs of symbols whose correlation came above the limit."""

from typing import Final

import numpy as np

from app.core.beliefs import Beliefs
from app.core.portfolio.correlation import Correlations

_REMEMBERED: Final = 10_000


class CorrelationAlerts:
    """Remembers which pairs were above the limit, so that each counts once."""

    def __init__(self) -> None:
        self._moment = (-1, -1)
        self._alerted: set[tuple[str, str]] = set()

    def count_new(self, correlations: Correlations, beliefs: Beliefs) -> int:
        """Count pairs that came above the limit since the last observation."""
        market, matrix, symbols = beliefs.market, correlations.matrix, correlations.symbols
        if market.moment == self._moment or matrix is None:
            return 0
        self._moment = market.moment
        if not market.any_history(symbols):
            return 0
        rows, columns = np.triu(matrix > beliefs.params.market.alert_correlation, 1).nonzero()
        found = zip(rows.tolist(), columns.tolist(), strict=True)
        pairs = {(min(symbols[i], symbols[j]), max(symbols[i], symbols[j])) for i, j in found}
        new = len(pairs - self._alerted)
        known = set(symbols)
        self._alerted = pairs | {pair for pair in self._alerted if not known.issuperset(pair)}
        if len(self._alerted) > _REMEMBERED:
            self._alerted = pairs
        return new
