"""Signals that stay in force: shown, and ended before their time."""

import copy
from collections.abc import Collection
from typing import Any

import structlog

from app.core.books.standing import Pair
from app.core.errors import JournalUnavailable
from app.core.signals import signal_to_json
from app.pipeline import events
from app.pipeline.engine import Engine

_LOG = structlog.get_logger(__name__)


class StandingSignals:
    """Shows the standing signals and ends some; batches alone make them.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def count(self) -> int:
        """Count the signals in force now."""
        return sum(1 for _ in self._engine.beliefs.standing.in_force(self._now_ns()))

    def in_force(self) -> dict[str, Any]:
        """Return the signals in force now, by symbol and strategy, as of ``GET /signals``."""
        standing = list(self._engine.beliefs.standing.in_force(self._now_ns()))
        standing.sort(key=lambda one: (one.signal.symbol, one.signal.strategy_id))
        return {
            "signals": [
                {**signal_to_json(one.signal), "source": one.source, "until_ns": one.until_ns}
                for one in standing
            ]
        }

    async def end(
        self, strategy_id: str, symbol: str | None, reason: str | None, actor: str
    ) -> dict[str, int]:
        """End the signals of a strategy, on one symbol or on all.

        Parameters
        ----------
        strategy_id : str
        symbol : str, optional
        reason, actor : str
            Why (if anybody said) and who; both are journalled.

        Returns
        -------
        dict
            ``ended`` counts signals; nothing is journalled where there is none.

        Raises
        ------
        JournalUnavailable
            If it cannot be journalled; nothing has ended then.
        """
        self._engine.require_journal()
        ended = [
            one.pair
            for one in self._engine.beliefs.standing.in_force(self._now_ns())
            if one.pair.strategy_id == strategy_id and symbol in {None, one.pair.symbol}
        ]
        if ended:
            await self._end(ended, reason, actor)
        return {"ended": len(ended)}

    async def end_all(self, reason: str, actor: str) -> None:
        """End whatever stands, in force or not."""
        pairs = self._engine.beliefs.standing.pairs()
        if pairs:
            await self._end(pairs, reason, actor)

    async def _end(self, pairs: Collection[Pair], reason: str | None, actor: str) -> None:
        named = list(dict.fromkeys(pairs))
        data = {"ended": [list(pair) for pair in named], "reason": reason, "actor": actor}
        beliefs = self._engine.beliefs
        before, beliefs.standing = beliefs.standing, copy.deepcopy(beliefs.standing)
        beliefs.standing.end(named)
        try:
            durable = self._engine.append(events.SIGNAL, lambda: events.encode(data))
        except JournalUnavailable:
            beliefs.standing = before
            raise
        _LOG.warning("signals_ended", **data)
        await durable

    def _now_ns(self) -> int:
        return self._engine.world.clock.now_ns()
