"""Read access to state, performance, limits and journalled decisions."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from app.core.errors import UnknownDecision
from app.pipeline import trace, views
from app.pipeline.decide import Decider
from app.pipeline.engine import Engine
from app.pipeline.operating import CIRCUIT_ACTS, Operating
from app.pipeline.ports import DecisionQuery, StoredEvent

# journal entries that one query of operations reads
_OPERATIONS_WINDOW = 20_000


class Showing:
    """Reads and changes nothing; every answer is JSON-able.

    Parameters
    ----------
    engine : Engine
    decider : Decider
        Its counts, and its newest decisions.
    operating : Operating
        For switch and breaker, which are parts of the state.

    Attributes
    ----------
    extra_state : dict of str to callable
        Further fields of ``GET /state`` by name, from parts that run beside the engine.
    """

    def __init__(self, engine: Engine, decider: Decider, operating: Operating) -> None:
        self.extra_state: dict[str, Callable[[], dict[str, Any]]] = {}
        self._engine = engine
        self._decider = decider
        self._operating = operating

    @property
    def counts(self) -> dict[str, int]:
        """Decisions since start, by strategy: rl and fallback."""
        return self._decider.counts

    def performance(self) -> dict[str, Any]:
        """Return the comparison of the policy with Phase 2, unpaired and paired."""
        return self._engine.beliefs.performance.report()

    def correlations(self, symbols: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the correlation matrix in use, with alerts and a diversification score."""
        return views.correlation_view(self._engine.beliefs, symbols)

    def risk_budget(self) -> dict[str, Any]:
        """Return the use of every limit by the newest decision."""
        details = self._decider.details
        limits = [] if details is None else details().risk_budget
        return {"limits": limits, "settings_hash": self._engine.settings_hash}

    def state(self) -> dict[str, Any]:
        """Return the whole state of the service, as of ``GET /state``."""
        client = self._engine.world.gate.client
        counts = self.counts
        total = sum(counts.values())
        return {
            "mode": self._engine.mode,
            "settings_hash": self._engine.settings_hash,
            "params": self._engine.params.to_json(),
            "state_version": self._engine.log.seq,
            "trading_state": self._operating.trading_state(),
            "circuit": self._operating.circuit(),
            "policy": None if client is None else client.statistics(),
            "total_decisions": total,
            "rl_decisions": counts["rl"],
            "fallback_decisions": counts["fallback"],
            "rl_usage_rate": counts["rl"] / total if total else 0.0,
            **views.beliefs_view(self._engine.beliefs),
            **{name: value() for name, value in self.extra_state.items()},
        }

    async def decision(self, decision_id: str) -> dict[str, Any]:
        """Return one journalled decision with its batch and trace.

        Raises
        ------
        UnknownDecision
            If there is none of that id.
        """
        return views.decision_view(await self._stored(decision_id))

    async def decisions(self, query: DecisionQuery) -> dict[str, Any]:
        """Return journalled decisions that match, newest first, and the cursor of the next page."""
        found = await self._engine.world.journal.decisions(query)
        more = found[-1].seq if len(found) >= query.limit and found else None
        return {
            "decisions": [views.decision_view(stored) for stored in found],
            "next_before_seq": more,
        }

    def recent(self) -> list[trace.DecisionSummary]:
        """Return the last decisions of this process, newest first, at most 512."""
        return list(reversed(self._decider.recent))

    async def decision_trace(self, decision_id: str) -> dict[str, Any]:
        """Return one journalled decision signal by signal.

        Raises
        ------
        UnknownDecision
            If there is none of that id.
        """
        return trace.decision_trace(await self._stored(decision_id))

    async def operations(self, before_seq: int | None = None) -> dict[str, Any]:
        """Return recent changes by operators, breaker and settings, newest first.

        Searches the last 20,000 entries of this process's journal, or those before
        ``before_seq``; ``next_before_seq`` is the cursor of the next page.
        """
        before = self._engine.log.seq + 1 if before_seq is None else before_seq
        found = await self._engine.world.journal.events_of(
            views.OPERATIONS, before, window=_OPERATIONS_WINDOW
        )
        more = before - _OPERATIONS_WINDOW
        return {
            "operations": [
                entry
                for entry in map(views.operation_view, found)
                # the operator's entry beside it has actor and reason
                if entry["what"] != "circuit" or entry["reason"] not in CIRCUIT_ACTS
            ],
            "next_before_seq": more if more > 1 else None,
        }

    async def weights_csv(self, query: DecisionQuery) -> AsyncIterator[str]:
        """Yield the weight history as CSV lines, header first, newest decision first."""
        yield views.WEIGHTS_HEADER
        for stored in await self._engine.world.journal.decisions(query):
            for line in views.weight_lines(stored):
                yield line

    async def _stored(self, decision_id: str) -> StoredEvent:
        stored = await self._engine.world.journal.decision(decision_id)
        if stored is None:
            raise UnknownDecision(f"no decision {decision_id!r} is journalled")
        return stored
