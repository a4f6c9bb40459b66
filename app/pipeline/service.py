"""The sizing service: one engine behind HTTP and behind the facade."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

import structlog

from app.core.beliefs import Beliefs
from app.core.errors import JournalUnavailable, UnknownDecision
from app.core.params import EngineParams
from app.core.types import Batch
from app.pipeline import views
from app.pipeline.answer import Decision
from app.pipeline.decide import Decider, IdempotencyClaim
from app.pipeline.engine import Engine, World
from app.pipeline.learning import Learning
from app.pipeline.operating import CIRCUIT_ACTS, Operating
from app.pipeline.ports import DecisionQuery, StoredAnswer, StoredEvent
from app.pipeline.trace import DecisionSummary, decision_trace
from app.pipeline.what_if import Changes, rehearse

__all__ = ["IdempotencyClaim", "SizingService", "World"]

_LOG = structlog.get_logger(__name__)
_DAY_NS = 86_400 * 1_000_000_000
# entries of the journal that one look for operators' acts goes through
_OPERATIONS_WINDOW = 20_000


class SizingService:
    """Decide, learn, operate, show; every change of state is one journalled event.

    Parameters
    ----------
    params : EngineParams
    world : World
    mode : str
        "fallback", "mock" or "real", for the answers.

    Attributes
    ----------
    asides : dict of str to callable
        Further rooms of ``GET /state``: what lives beside the engine tells of itself there.
    """

    def __init__(self, params: EngineParams, world: World, mode: str) -> None:
        self.mode = mode
        self.world = world
        self.asides: dict[str, Callable[[], dict[str, Any]]] = {}
        self._engine = Engine(params, world, mode)
        self._decider = Decider(self._engine)
        self.learning = Learning(self._engine)
        self.operating = Operating(self._engine)

    @property
    def beliefs(self) -> Beliefs:
        """What the service believes now."""
        return self._engine.beliefs

    @property
    def params(self) -> EngineParams:
        """The parameters in force."""
        return self._engine.params

    @property
    def settings_hash(self) -> str:
        """Digest of the parameters in force."""
        return self._engine.settings_hash

    @property
    def counts(self) -> dict[str, int]:
        """Decisions since start, by strategy: rl and fallback."""
        return self._decider.counts

    async def start(self) -> None:
        """Open the journal and become what it says.

        Raises
        ------
        JournalUnavailable
            If it cannot be opened.
        """
        await self._engine.start()

    async def stop(self) -> None:
        """Leave a checkpoint, write what is queued, close sockets."""
        self._decider.stop()
        await self._engine.stop()

    async def allocate(
        self, batch: Batch, *, dry_run: bool = False, claim: IdempotencyClaim | None = None
    ) -> Decision:
        """Decide one batch; journalled before it is answered, unless a dry run.

        Raises
        ------
        InvalidInput
            If a held position cannot be valued; nothing has changed then.
        JournalUnavailable
            If the decision cannot be journalled.
        """
        return await self._decider.allocate(batch, dry_run=dry_run, claim=claim)

    def what_if(self, batch: Batch, changes: Changes) -> dict[str, Any]:
        """Size a batch under other numbers with Phase 2 alone; nothing is kept, no policy asked.

        Raises
        ------
        InvalidInput
            If a held position cannot be valued.
        """
        return rehearse(batch, self._engine.beliefs, self._engine.params, changes)

    # -- showing ---------------------------------------------------------------------------------

    def performance(self) -> dict[str, Any]:
        """Return the policy against Phase 2, unpaired and paired."""
        return self._engine.beliefs.performance.report()

    def correlations(self, symbols: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the correlation matrix in use, with alerts and a diversification score."""
        return views.correlation_view(self._engine.beliefs, symbols)

    def risk_budget(self) -> dict[str, Any]:
        """Return the use of every limit by the newest decision."""
        details = self._decider.details
        limits = [] if details is None else details().risk_budget
        return {"limits": limits, "settings_hash": self.settings_hash}

    def state(self) -> dict[str, Any]:
        """Return everything the service believes now."""
        client = self.world.gate.client
        total = sum(self._decider.counts.values())
        return {
            "mode": self.mode,
            "settings_hash": self.settings_hash,
            "params": self.params.to_json(),
            "state_version": self._engine.log.seq,
            "trading_state": self.operating.trading_state(),
            "circuit": self.operating.circuit(),
            "policy": None if client is None else client.statistics(),
            "total_decisions": total,
            "rl_decisions": self._decider.counts["rl"],
            "fallback_decisions": self._decider.counts["fallback"],
            "rl_usage_rate": self._decider.counts["rl"] / total if total else 0.0,
            **views.beliefs_view(self._engine.beliefs),
            **{name: tell() for name, tell in self.asides.items()},
        }

    async def decision(self, decision_id: str) -> dict[str, Any]:
        """Return one journalled decision, whole.

        Raises
        ------
        UnknownDecision
            If there is none of that id.
        """
        return views.decision_view(await self._stored(decision_id))

    async def decisions(self, query: DecisionQuery) -> dict[str, Any]:
        """Return journalled decisions that match, newest first, and where to go on."""
        found = await self.world.journal.decisions(query)
        more = found[-1].seq if len(found) >= query.limit and found else None
        return {
            "decisions": [views.decision_view(stored) for stored in found],
            "next_before_seq": more,
        }

    def recent(self) -> list[DecisionSummary]:
        """Return the last decisions of this process, newest first, at most 512."""
        return list(reversed(self._decider.recent))

    async def decision_trace(self, decision_id: str) -> dict[str, Any]:
        """Return one journalled decision signal by signal.

        Raises
        ------
        UnknownDecision
            If there is none of that id.
        """
        return decision_trace(await self._stored(decision_id))

    async def _stored(self, decision_id: str) -> StoredEvent:
        stored = await self.world.journal.decision(decision_id)
        if stored is None:
            raise UnknownDecision(f"no decision {decision_id!r} is journalled")
        return stored

    async def operations(self, before_seq: int | None = None) -> dict[str, Any]:
        """Return what operators, breaker and settings changed lately, newest first.

        Looks through the last 20,000 entries of this process's journal, or those before
        ``before_seq``; ``next_before_seq`` is where to look further.
        """
        before = self._engine.log.seq + 1 if before_seq is None else before_seq
        found = await self.world.journal.events_of(
            views.OPERATIONS, before, window=_OPERATIONS_WINDOW
        )
        more = before - _OPERATIONS_WINDOW
        return {
            "operations": [
                entry
                for entry in map(views.operation_view, found)
                # the operator's own act is the entry beside it, with who and why
                if entry["what"] != "circuit" or entry["reason"] not in CIRCUIT_ACTS
            ],
            "next_before_seq": more if more > 1 else None,
        }

    async def weights_csv(self, query: DecisionQuery) -> AsyncIterator[str]:
        """Yield the weight history as CSV lines, header first, newest decision first."""
        yield views.WEIGHTS_HEADER
        for stored in await self.world.journal.decisions(query):
            for line in views.weight_lines(stored):
                yield line

    async def stored_answer(self, owner: str, key: str) -> StoredAnswer | None:
        """Return the answer of an Idempotency-Key of the last 24 h."""
        not_before = self.world.clock.now_ns() - _DAY_NS
        try:
            return await self.world.journal.stored_answer(owner, key, not_before)
        except JournalUnavailable:
            # what asks for it is about to decide: a request refused for the journal like any other
            self.world.telemetry.count("journal_errors")
            raise
