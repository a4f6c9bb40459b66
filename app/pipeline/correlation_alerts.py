"""Count pairs of symbols whose correlation came above the limit."""

from typing import Final

import numpy as np

from app.core.beliefs import Beliefs

_REMEMBERED: Final = 10_000


class CorrelationAlerts:
    """Remembers which pairs were above the limit, so that each counts once."""

    def __init__(self) -> None:
        self._moment = (-1, -1)
        self._alerted: set[tuple[str, str]] = set()

    def count_new(self, symbols: list[str], beliefs: Beliefs) -> int:
        """Count pairs that came above the limit since the last observation."""
        market, params = beliefs.market, beliefs.params.market
        if market.moment == self._moment or len(symbols) > params.dense_up_to:
            return 0
        self._moment = market.moment
        if not market.any_history(symbols):
            return 0
        matrix = beliefs.structure.matrix(symbols)
        rows, columns = np.triu(matrix > params.alert_correlation, 1).nonzero()
        pairs = {(symbols[i], symbols[j]) for i, j in zip(rows, columns, strict=True)}
        new = len(pairs - self._alerted)
        known = set(symbols)
        self._alerted = pairs | {pair for pair in self._alerted if not known.issuperset(pair)}
        if len(self._alerted) > _REMEMBERED:
            self._alerted = pairs
        return new
