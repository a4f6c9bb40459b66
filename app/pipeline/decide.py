"""Decide one batch: draft, ask, finish, remember, tell."""

import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import structlog

from app.core.decision.draft import Draft, Finished, draft, finish, policy_inputs
from app.core.portfolio.factors import FactorModel, estimate_factors
from app.core.types import Batch, FallbackReason, PolicyAnswer, PolicyInput
from app.pipeline import events, views
from app.pipeline.answer import (
    Decision,
    DecisionDetails,
    DecisionView,
    Weighed,
    compose,
    strategy_weights,
    weigh,
)
from app.pipeline.engine import Engine
from app.pipeline.ports import DecisionIndex, StoredAnswer
from app.pipeline.trace import DecisionSummary, summarise

_LOG = structlog.get_logger(__name__)
_ALERTS_REMEMBERED = 10_000
_SUMMARIES_KEPT = 512


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """Whose key, which key, and the digest of the raw request it stands for."""

    owner: str
    key: str
    body_digest: str


class Decider:
    """Turns batches into journalled decisions.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.counts = {"rl": 0, "fallback": 0}
        self.details: Callable[[], DecisionDetails] | None = None
        self.recent: deque[DecisionSummary] = deque(maxlen=_SUMMARIES_KEPT)
        self._factors: Future[FactorModel] | None = None
        self._retry_version = 0
        self._worker: ThreadPoolExecutor | None = None
        self._watched_moment = (-1, -1)
        self._alerted: set[tuple[str, str]] = set()

    def stop(self) -> None:
        """Let a running estimate of factors end, and start no other."""
        if self._worker is not None:
            self._worker.shutdown(wait=True, cancel_futures=True)

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
        begun = _Begun(uuid.uuid4().hex, self._engine.world.clock.monotonic())
        tokens = structlog.contextvars.bind_contextvars(decision_id=begun.decision_id)
        try:
            if not batch.signals:
                _LOG.warning("empty_batch", dry_run=dry_run)
            if dry_run:
                return await self._rehearse(batch, begun)
            return await self._decide(batch, claim, begun)
        finally:
            structlog.contextvars.reset_contextvars(**tokens)

    async def _decide(
        self, batch: Batch, claim: IdempotencyClaim | None, begun: "_Begun"
    ) -> Decision:
        tick = self._engine.world.clock.monotonic
        self._engine.require_journal()
        self._adopt_factors()
        drafted = draft(batch, self._engine.beliefs, self._engine.params)
        drafted_at = tick()
        batch_seq = None
        try:
            asked = self._questions(drafted)
            if asked:
                # ahead of the decision, and of whatever the breaker has to tell meanwhile
                self._engine.log.hold(events.BATCH, lambda: _heard(batch))
                batch_seq = self._engine.log.seq
            answer = await self._ask(drafted, asked)
            answered_at = tick()
            # the draft's own: settings may have changed while the policy was asked
            finished = finish(drafted, answer, drafted.params)
            result = self._result(finished, answer, begun)
        except BaseException:
            # what the draft taught must be in the journal, or a replay would not know it
            if batch_seq is None:
                self._engine.append(events.BATCH, lambda: _heard(batch))
            else:
                # what finds no room now stays held; the caller is to hear of its own trouble
                self._engine.log.try_release()
            raise
        durable = self._record(finished, result, answer, batch_seq, claim)
        finished_at = tick()
        await durable
        times = (begun.at, drafted_at, answered_at, finished_at, tick())
        self._tell(finished, result, times)
        return result.decision

    def _questions(self, drafted: Draft) -> tuple[PolicyInput, ...]:
        """List what to ask; nothing where the answer is known to be a refusal."""
        if self._engine.world.gate.is_shut():
            return ()
        return policy_inputs(drafted, self._engine.beliefs)

    async def _rehearse(self, batch: Batch, begun: "_Begun") -> Decision:
        beliefs = self._engine.beliefs.fork()
        drafted = draft(batch, beliefs, self._engine.params)
        gate = self._engine.world.gate
        asked = policy_inputs(drafted, beliefs) if gate.client else ()
        if batch.signals:
            answer = await gate.ask_aside(asked)
        else:
            answer = PolicyAnswer(reason=FallbackReason.EMPTY_BATCH)
        return self._result(finish(drafted, answer, drafted.params), answer, begun).decision

    async def _ask(self, drafted: Draft, asked: Sequence[PolicyInput]) -> PolicyAnswer:
        gate = self._engine.world.gate
        if not drafted.batch.signals:
            return PolicyAnswer(reason=FallbackReason.EMPTY_BATCH)
        if asked or gate.client is None:
            return await gate.ask(asked)
        nothing_to_ask = not np.count_nonzero(drafted.table.direction)
        reason = FallbackReason.EMPTY_BATCH if nothing_to_ask else FallbackReason.CIRCUIT_OPEN
        return PolicyAnswer(reason=reason)

    def _result(self, finished: Finished, policy: PolicyAnswer, begun: "_Begun") -> "_Result":
        drafted = finished.draft
        final = weigh(drafted, finished.final, drafted.params)
        baseline = (
            final
            if finished.final is finished.baseline
            else weigh(drafted, finished.baseline, drafted.params)
        )
        weights = strategy_weights(drafted, final)
        drift = self._engine.beliefs.drift.measure(weights)
        body = compose(finished, final, baseline, weights, drift)
        now = self._engine.world.clock.monotonic()
        answer = {
            "decision_id": begun.decision_id,
            "strategy": body.pop("strategy"),
            "fallback_reason": body.pop("fallback_reason"),
            "mode": self._engine.mode,
            **body,
            "circuit_state": str(self._engine.world.gate.breaker.state(now)),
            "model_version": policy.model_version if finished.reason is None else None,
            "latency_ms": 1e3 * (now - begun.at),
            "timestamp_ns": drafted.batch.received_ns,
        }
        return _Result(Decision(answer), final, weights)

    def _record(
        self,
        finished: Finished,
        result: "_Result",
        answer: PolicyAnswer,
        batch_seq: int | None,
        claim: IdempotencyClaim | None,
    ) -> Awaitable[None]:
        """Count, learn and journal one decision; the awaitable ends when it is durable."""
        wire = result.decision.answer
        strategy = wire["strategy"]
        self.counts[strategy] += 1
        if finished.reason is not None:
            self._engine.world.gate.record_fallback()
        self._engine.beliefs.drift.learn(result.weights)
        decision, drafted = result.decision, finished.draft
        digest = self._engine.digest_of(drafted.params)
        index = DecisionIndex(
            decision_id=wire["decision_id"],
            strategy=strategy,
            fallback_reason=wire["fallback_reason"],
            mode=self._engine.mode,
            model_version=wire["model_version"],
            settings_hash=digest,
            symbols=tuple(wire["allocations"]),
            strategies=tuple(drafted.table.strategies),
        )
        stored = None
        if claim is not None:
            now_ns = self._engine.world.clock.now_ns()
            key = (claim.owner, claim.key, claim.body_digest)
            stored = StoredAnswer(*key, status=200, body=decision.body, at_ns=now_ns)
        state_version = self._engine.log.seq if batch_seq is None else batch_seq - 1

        def payload() -> bytes:
            return views.decision_payload(finished, decision, answer, batch_seq, state_version)

        return self._engine.append(events.DECISION, payload, index=index, answer=stored)

    def _tell(self, finished: Finished, result: "_Result", times: tuple[float, ...]) -> None:
        drafted = finished.draft
        started, drafted_at, answered_at, finished_at, ended = times
        self.details = cache(partial(views.decision_details, drafted, result.final, drafted.params))
        view = DecisionView(
            answer=result.decision.answer,
            stage_ms={
                "sizing": 1e3 * (drafted_at - started),
                "policy": 1e3 * (answered_at - drafted_at),
                "settle": 1e3 * (finished_at - answered_at),
                "journal": 1e3 * (ended - finished_at),
                "total": 1e3 * (ended - started),
            },
            rl_enabled=self._engine.world.gate.client is not None,
            details=self.details,
        )
        self.recent.append(summarise(view.answer, view.stage_ms["total"]))
        telemetry = self._engine.world.telemetry
        telemetry.decided(view)
        self._engine.world.notices.decided(view)
        broken = finished.final.repaired or drafted.portfolio.failure is not None
        if broken:
            telemetry.count("solver_fallbacks")
        self._watch_correlations(drafted)
        self._refresh_factors(drafted)

    def _watch_correlations(self, drafted: Draft) -> None:
        """Count pairs that came above the alert since the market last moved."""
        market, params = self._engine.beliefs.market, self._engine.params.market
        symbols = drafted.portfolio.symbols
        if market.moment == self._watched_moment or len(symbols) > params.dense_up_to:
            return
        self._watched_moment = market.moment
        if not market.any_history(symbols):
            return
        matrix = self._engine.beliefs.structure.matrix(symbols)
        rows, columns = np.triu(matrix > params.alert_correlation, 1).nonzero()
        pairs = {(symbols[i], symbols[j]) for i, j in zip(rows, columns, strict=True)}
        new = len(pairs - self._alerted)
        if new:
            self._engine.world.telemetry.count("correlation_alerts", new)
        known = set(symbols)
        self._alerted = pairs | {pair for pair in self._alerted if not known.issuperset(pair)}
        if len(self._alerted) > _ALERTS_REMEMBERED:
            self._alerted = pairs

    def _refresh_factors(self, drafted: Draft) -> None:
        structure, market = self._engine.beliefs.structure, self._engine.beliefs.market
        large = len(drafted.portfolio.symbols) > self._engine.params.market.dense_up_to
        if not large or self._factors is not None or not structure.factors_are_stale():
            return
        if market.version < self._retry_version:
            return
        if not market.any_history(drafted.portfolio.symbols):
            return
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="factors")
        copied = deepcopy(market)
        self._factors = self._worker.submit(estimate_factors, copied, self._engine.params.market)

    def _adopt_factors(self) -> None:
        if self._factors is None or not self._factors.done():
            return
        estimate, self._factors = self._factors, None
        if estimate.cancelled():
            return
        market = self._engine.beliefs.market
        if (error := estimate.exception()) is not None:
            # not with the next batch already: what fails there will most likely fail again
            self._retry_version = market.version + self._engine.params.market.factor_refresh
            _LOG.error("factors_failed", exc_info=error)
            return
        model = estimate.result()
        self._engine.beliefs.structure.factors = model
        self._engine.append(events.FACTORS, lambda: events.encode(model.export()))


def _heard(batch: Batch) -> bytes:
    """Encode what a batch taught, which is journalled ahead of its decision or without one."""
    return events.encode({"batch": events.batch_to_json(batch)})


@dataclass(frozen=True, slots=True)
class _Begun:
    """Id of a decision, which its log lines carry too, and when it began, monotonic seconds."""

    decision_id: str
    at: float


@dataclass(frozen=True, slots=True)
class _Result:
    decision: Decision
    final: Weighed
    weights: dict[str, float]
