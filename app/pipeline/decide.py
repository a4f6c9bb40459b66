"""Decide one batch: observe, draft, ask, conclude, journal, report."""

import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import structlog

from app.core.decision.conclude import Conclusion, conclude
from app.core.decision.draft import Draft, draft, policy_inputs
from app.core.decision.observe import observe_batch
from app.core.types import Batch, FallbackReason, PolicyAnswer, PolicyInput
from app.pipeline import events, views
from app.pipeline.answer import Decision, DecisionDetails, DecisionView, compose
from app.pipeline.correlation_alerts import CorrelationAlerts
from app.pipeline.engine import Engine
from app.pipeline.event_log import BatchEntry
from app.pipeline.factor_refresh import FactorRefresh
from app.pipeline.handover import Delivery
from app.pipeline.ports import DecisionIndex, StoredAnswer
from app.pipeline.trace import DecisionSummary, summarise

_LOG = structlog.get_logger(__name__)
_SUMMARIES_KEPT = 512


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """Owner, key, and the digest of the raw request that the key was used with."""

    owner: str
    key: str
    body_digest: str


class Decider:
    """Turns batches into journalled decisions.

    Parameters
    ----------
    engine : Engine
    factors : FactorRefresh
    alerts : CorrelationAlerts
    """

    def __init__(self, engine: Engine, factors: FactorRefresh, alerts: CorrelationAlerts) -> None:
        self._engine = engine
        self._factors = factors
        self._alerts = alerts
        self.counts = {"rl": 0, "fallback": 0}
        self.details: Callable[[], DecisionDetails] | None = None
        self.recent: deque[DecisionSummary] = deque(maxlen=_SUMMARIES_KEPT)

    def stop(self) -> None:
        """Wait for a running estimate of factors to end, and start no other."""
        self._factors.stop()

    async def allocate(
        self, batch: Batch, delivery: Delivery, *, claim: IdempotencyClaim | None = None
    ) -> Decision:
        """Return the decision on one batch, journalled; the delivery is pending from then on.

        Raises
        ------
        InvalidInput
            If a held position cannot be valued; nothing has changed then.
        JournalUnavailable
            If the decision cannot be journalled.
        """
        with self._begun() as begun:
            return await self._decide(batch, claim, delivery, begun)

    async def dry_run(self, batch: Batch) -> Decision:
        """Return what a batch would get; nothing is journalled and no state changes.

        Raises
        ------
        InvalidInput
            If a held position cannot be valued.
        """
        with self._begun() as begun:
            return await self._decide_aside(batch, begun)

    @contextmanager
    def _begun(self) -> Iterator["_Begun"]:
        """Give a decision its id, which its log lines carry too."""
        begun = _Begun(uuid.uuid4().hex, self._engine.world.clock.monotonic())
        tokens = structlog.contextvars.bind_contextvars(decision_id=begun.decision_id)
        try:
            yield begun
        finally:
            structlog.contextvars.reset_contextvars(**tokens)

    async def _decide(
        self,
        batch: Batch,
        claim: IdempotencyClaim | None,
        delivery: Delivery,
        begun: "_Begun",
    ) -> Decision:
        engine, tick = self._engine, self._engine.world.clock.monotonic
        engine.require_journal()
        self._factors.adopt()
        observed = observe_batch(batch, engine.beliefs, engine.params)
        _log_if_empty(observed.batch, dry_run=False)
        with engine.log.observed(batch) as entry:
            drafted = draft(observed, engine.beliefs)
            drafted_at = tick()
            asked = self._questions(drafted)
            if asked:
                # ahead of the decision, and of transitions of the breaker meanwhile
                entry.hold()
            answer = await self._ask(drafted, asked)
            answered_at = tick()
            # nothing is awaited from here to the commit: the state read is that of its place
            concluded = conclude(drafted, answer, engine.beliefs)
            decision = self._answer(concluded, answer, begun)
            durable = self._record(concluded, decision, answer, entry, claim)
            delivery.committed()
        finished_at = tick()
        await durable
        self._report(concluded, decision, (begun.at, drafted_at, answered_at, finished_at, tick()))
        return decision

    def _questions(self, drafted: Draft) -> tuple[PolicyInput, ...]:
        """Return the rows to ask the policy about; none where it would refuse."""
        if self._engine.world.gate.would_refuse():
            return ()
        return policy_inputs(drafted, self._engine.beliefs)

    async def _decide_aside(self, batch: Batch, begun: "_Begun") -> Decision:
        beliefs = self._engine.beliefs.fork()
        observed = observe_batch(batch, beliefs, self._engine.params)
        _log_if_empty(observed.batch, dry_run=True)
        drafted = draft(observed, beliefs)
        gate = self._engine.world.gate
        asked = policy_inputs(drafted, beliefs) if gate.client else ()
        if observed.batch.all_signals:
            answer = await gate.ask_for_dry_run(asked)
        else:
            answer = PolicyAnswer(reason=FallbackReason.EMPTY_BATCH)
        return self._answer(conclude(drafted, answer, beliefs), answer, begun)

    async def _ask(self, drafted: Draft, asked: Sequence[PolicyInput]) -> PolicyAnswer:
        gate = self._engine.world.gate
        if not drafted.observed.batch.all_signals:
            return PolicyAnswer(reason=FallbackReason.EMPTY_BATCH)
        if asked or gate.client is None:
            return await gate.ask(asked)
        nothing_to_ask = not np.count_nonzero(drafted.observed.table.direction)
        reason = FallbackReason.EMPTY_BATCH if nothing_to_ask else FallbackReason.CIRCUIT_OPEN
        return PolicyAnswer(reason=reason)

    def _answer(self, concluded: Conclusion, policy: PolicyAnswer, begun: "_Begun") -> Decision:
        body = compose(concluded)
        now = self._engine.world.clock.monotonic()
        return Decision(
            {
                "decision_id": begun.decision_id,
                "strategy": body.pop("strategy"),
                "fallback_reason": body.pop("fallback_reason"),
                "mode": self._engine.mode,
                **body,
                "circuit_state": str(self._engine.world.gate.breaker.state(now)),
                "model_version": policy.model_version,
                "settings_hash": self._engine.digest_of(concluded.observed.params),
                "latency_ms": 1e3 * (now - begun.at),
                "timestamp_ns": concluded.observed.batch.received_ns,
            }
        )

    def _record(
        self,
        concluded: Conclusion,
        decision: Decision,
        answer: PolicyAnswer,
        entry: BatchEntry,
        claim: IdempotencyClaim | None,
    ) -> Awaitable[None]:
        """Count, learn and journal one decision; the awaitable ends when it is durable."""
        wire, observed, engine = decision.answer, concluded.observed, self._engine
        self.counts[wire["strategy"]] += 1
        if concluded.finished.reason is not None:
            engine.world.gate.record_fallback()
        engine.beliefs.learn_decision(wire)
        index = DecisionIndex(
            decision_id=wire["decision_id"],
            strategy=wire["strategy"],
            fallback_reason=wire["fallback_reason"],
            mode=engine.mode,
            model_version=wire["model_version"],
            settings_hash=wire["settings_hash"],
            symbols=tuple(wire["allocations"]),
            strategies=concluded.final.strategies(observed.table),
        )
        stored = None
        if claim is not None:
            now_ns = engine.world.clock.now_ns()
            key = (claim.owner, claim.key, claim.body_digest)
            stored = StoredAnswer(*key, status=200, body=decision.body, at_ns=now_ns)
        batch_seq = entry.seq
        state_version = engine.log.seq if batch_seq is None else batch_seq - 1

        def payload() -> bytes:
            return views.decision_payload(concluded, decision, answer, batch_seq, state_version)

        return engine.append(events.DECISION, payload, index=index, answer=stored)

    def _report(self, concluded: Conclusion, decision: Decision, times: tuple[float, ...]) -> None:
        drafted, world = concluded.drafted, self._engine.world
        started, drafted_at, answered_at, finished_at, ended = times
        self.details = cache(partial(views.decision_details, drafted, concluded.final))
        view = DecisionView(
            answer=decision.answer,
            stage_ms={
                "sizing": 1e3 * (drafted_at - started),
                "policy": 1e3 * (answered_at - drafted_at),
                "settle": 1e3 * (finished_at - answered_at),
                "journal": 1e3 * (ended - finished_at),
                "total": 1e3 * (ended - started),
            },
            rl_enabled=world.gate.client is not None,
            details=self.details,
        )
        self.recent.append(summarise(view.answer, view.stage_ms["total"]))
        world.telemetry.decided(view)
        world.notices.decided(view)
        if concluded.finished.final.repaired or drafted.portfolio.failure is not None:
            world.telemetry.count("solver_fallbacks")
        portfolio = drafted.portfolio
        if new := self._alerts.count_new(portfolio.correlations, self._engine.beliefs):
            world.telemetry.count("correlation_alerts", new)
        self._factors.begin(portfolio.symbols)


def _log_if_empty(batch: Batch, *, dry_run: bool) -> None:
    if not batch.all_signals:
        _LOG.warning("empty_batch", dry_run=dry_run)


@dataclass(frozen=True, slots=True)
class _Begun:
    """Id of a decision, which its log lines carry too, and when it began, monotonic seconds."""

    decision_id: str
    at: float
