"""The sizing service: one engine behind HTTP and behind the facade."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog

from app.core.breaker import BreakerMode
from app.core.circuit import Transition
from app.core.errors import JournalUnavailable, UnknownDecision
from app.core.ledger import Beliefs, TradingStatus
from app.core.params import EngineParams
from app.core.portfolio.factors import FactorModel, estimate_factors
from app.core.types import (
    Batch,
    FallbackReason,
    Outcome,
    PolicyAnswer,
    PolicyInput,
    TradingState,
)
from app.pipeline import events, views
from app.pipeline.allocate import Draft, Finished, draft, finish, policy_inputs
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.decision import (
    Decision,
    Weighed,
    compose,
    risk_budget,
    strategy_weights,
    weigh,
)
from app.pipeline.outcomes import OutcomeDesk
from app.pipeline.ports import (
    Clock,
    DecisionIndex,
    DecisionQuery,
    Event,
    Journal,
    StoredAnswer,
    Telemetry,
)

_LOG = structlog.get_logger(__name__)
_DAY_NS = 86_400 * 1_000_000_000
_CHECKPOINT_EVERY = 2_000
_RESTORE_PAGE = 500


@dataclass(frozen=True, slots=True)
class IdempotencyClaim:
    """Whose key, which key, and the digest of the raw request it stands for."""

    owner: str
    key: str
    body_digest: str


@dataclass(frozen=True, slots=True)
class World:
    """What the service needs of the world: journal, policy, clock, telemetry."""

    journal: Journal
    gate: PolicyGate
    clock: Clock
    telemetry: Telemetry


class SizingService:
    """Decide, learn, remember; every change of state is one journalled event.

    Parameters
    ----------
    params : EngineParams
    world : World
    mode : str
        "fallback", "mock" or "real", for the answers.
    """

    def __init__(self, params: EngineParams, world: World, mode: str) -> None:
        self.params = params
        self.mode = mode
        self.world = world
        self.draining = False
        self.settings_hash = params.digest()
        self.counts = {"rl": 0, "fallback": 0}
        self._beliefs = Beliefs(params)
        self._seq = 0
        self._saved_seq = 0
        self._budget: list[dict[str, Any]] = []
        self._factors: Future[FactorModel] | None = None
        self._worker: ThreadPoolExecutor | None = None
        self._outcomes = OutcomeDesk()

    @property
    def beliefs(self) -> Beliefs:
        """What the service believes now."""
        return self._beliefs

    # -- life ------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the journal and become what it says.

        Raises
        ------
        JournalUnavailable
            If it cannot be opened.
        """
        journal = self.world.journal
        await journal.open()
        known: dict[str, Any] | None = None
        circuit: dict[str, Any] | None = None
        checkpoint = await journal.latest_checkpoint()
        if checkpoint is not None:
            self._seq, payload = checkpoint
            data = events.decode(payload)
            known, circuit = data["params"], data["circuit"]
            self._beliefs = Beliefs(EngineParams.from_json(known))
            self._beliefs.restore(data["beliefs"])
        while page := await journal.events_after(self._seq, _RESTORE_PAGE):
            for stored in page:
                data = events.decode(stored.payload)
                self._beliefs = events.apply_event(stored.kind, data, self._beliefs)
                self._seq = stored.seq
                known = data["params"] if stored.kind == events.SETTINGS else known
                circuit = data["circuit"] if stored.kind == events.BREAKER else circuit
        self._saved_seq = self._seq
        if circuit is not None:
            self.world.gate.breaker.restore(circuit, self.world.clock.monotonic())
        if known != self.params.to_json():
            changed = {"params": self.params.to_json(), "digest": self.settings_hash}
            await self._append(events.SETTINGS, lambda: events.encode(changed))
        self._beliefs = self._beliefs.under(self.params)

    async def stop(self) -> None:
        """Leave a checkpoint, write what is queued, close sockets."""
        if self._worker is not None:
            self._worker.shutdown(wait=True, cancel_futures=True)
        if self._seq > self._saved_seq:
            self._checkpoint()
        if self.world.gate.client is not None:
            await self.world.gate.client.close()
        await self.world.journal.close()

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether a load balancer should send requests here, and why not."""
        refusing = self.world.journal.refusing()
        detail = {"journal": refusing or "ok", "draining": self.draining, "mode": self.mode}
        return refusing is None and not self.draining, detail

    # -- deciding --------------------------------------------------------------------------------

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
        tick = self.world.clock.monotonic
        started = tick()
        if not batch.signals:
            _LOG.warning("empty_batch", dry_run=dry_run)
        if dry_run:
            return await self._rehearse(batch, started)
        self._require_journal()
        self._adopt_factors()
        drafted = draft(batch, self._beliefs, self.params)
        drafted_at = tick()
        batch_seq = None
        try:
            asked = () if self.world.gate.is_shut() else policy_inputs(drafted, self._beliefs)
            if asked:
                payload = lambda: events.encode({"batch": events.batch_to_json(batch)})  # noqa: E731
                self._append(events.BATCH, payload)
                batch_seq = self._seq
            answer = await self._ask(drafted, asked)
            answered_at = tick()
            finished = finish(drafted, answer, self.params)
            result = self._result(finished, answer, started)
        except BaseException:
            # what the draft taught must be in the journal, or a replay would not know it
            if batch_seq is None:
                payload = lambda: events.encode({"batch": events.batch_to_json(batch)})  # noqa: E731
                self._append(events.BATCH, payload)
            raise
        durable = self._record(finished, result, answer, batch_seq, claim)
        finished_at = tick()
        await durable
        times = (started, drafted_at, answered_at, finished_at, tick())
        self._tell(finished, result, times)
        return result.decision

    async def _rehearse(self, batch: Batch, started: float) -> Decision:
        beliefs = self._beliefs.fork()
        drafted = draft(batch, beliefs, self.params)
        gate = self.world.gate
        asked = policy_inputs(drafted, beliefs) if gate.client else ()
        if batch.signals:
            answer = await gate.ask_aside(asked)
        else:
            answer = PolicyAnswer(reason=FallbackReason.EMPTY_BATCH)
        return self._result(finish(drafted, answer, self.params), answer, started).decision

    async def _ask(self, drafted: Draft, asked: Sequence[PolicyInput]) -> PolicyAnswer:
        gate = self.world.gate
        if not drafted.batch.signals:
            return PolicyAnswer(reason=FallbackReason.EMPTY_BATCH)
        if asked or gate.client is None:
            return await gate.ask(asked)
        nothing_to_ask = not np.count_nonzero(drafted.table.direction)
        reason = FallbackReason.EMPTY_BATCH if nothing_to_ask else FallbackReason.CIRCUIT_OPEN
        return PolicyAnswer(reason=reason)

    def _result(self, finished: Finished, policy: PolicyAnswer, started: float) -> "_Result":
        drafted = finished.draft
        final = weigh(drafted, finished.final, self.params)
        baseline = (
            final
            if finished.final is finished.baseline
            else weigh(drafted, finished.baseline, self.params)
        )
        weights = strategy_weights(drafted, final)
        drift = self._beliefs.drift.measure(weights)
        body = compose(finished, final, baseline, weights, drift)
        now = self.world.clock.monotonic()
        answer = {
            "decision_id": uuid.uuid4().hex,
            "strategy": body.pop("strategy"),
            "fallback_reason": body.pop("fallback_reason"),
            "mode": self.mode,
            **body,
            "circuit_state": str(self.world.gate.breaker.state(now)),
            "model_version": policy.model_version if finished.reason is None else None,
            "latency_ms": 1e3 * (now - started),
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
            self.world.gate.record_fallback()
        self._beliefs.drift.learn(result.weights)
        decision, drafted, digest = result.decision, finished.draft, self.settings_hash
        index = DecisionIndex(
            decision_id=wire["decision_id"],
            strategy=strategy,
            fallback_reason=wire["fallback_reason"],
            mode=self.mode,
            model_version=wire["model_version"],
            settings_hash=digest,
            symbols=tuple(wire["allocations"]),
            strategies=tuple(drafted.table.strategies),
        )
        stored = None
        if claim is not None:
            now_ns = self.world.clock.now_ns()
            key = (claim.owner, claim.key, claim.body_digest)
            stored = StoredAnswer(*key, status=200, body=decision.body, at_ns=now_ns)
        state_version = self._seq if batch_seq is None else batch_seq - 1

        def payload() -> bytes:
            return views.decision_payload(finished, decision, answer, batch_seq, state_version)

        return self._append(events.DECISION, payload, index=index, answer=stored)

    def _tell(self, finished: Finished, result: "_Result", times: tuple[float, ...]) -> None:
        drafted = finished.draft
        self._budget = risk_budget(drafted, result.final, self.params)
        started, drafted_at, answered_at, finished_at, ended = times
        view = views.telemetry_view(
            drafted,
            result.decision.answer,
            self._budget,
            {
                "phase2": 1e3 * (drafted_at - started),
                "policy": 1e3 * (answered_at - drafted_at),
                "settle": 1e3 * (finished_at - answered_at),
                "journal": 1e3 * (ended - finished_at),
                "total": 1e3 * (ended - started),
            },
            rl_enabled=self.world.gate.client is not None,
        )
        self.world.telemetry.decided(view)
        self._refresh_factors(drafted)

    # -- learning --------------------------------------------------------------------------------

    async def record_outcomes(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """Price decisions with realised returns and teach the strategies.

        Returns
        -------
        dict
            ``accepted``, ``duplicates``, ``rejected`` (index, reason).
        """
        self._require_journal()
        async with self._outcomes.lock:
            resolved = await self._outcomes.resolve(outcomes, self.world.journal)
            if resolved.facts is not None:
                facts = resolved.facts
                refused = events.apply_outcomes(facts, self._beliefs)
                durable = self._append(
                    events.OUTCOMES, lambda: events.encode(facts), outcomes=resolved.pairs
                )
                if refused:
                    self.world.telemetry.count("conformal_refused", refused)
                await durable
        self.world.telemetry.outcomes_recorded(resolved.report)
        return resolved.report

    async def observe_prices(
        self, timestamp_ns: int, prices: Mapping[str, float]
    ) -> dict[str, int]:
        """Learn prices at one time; older or repeated observations are ignored."""
        return await self._observe(
            events.PRICES, self._beliefs.market.observe_prices, timestamp_ns, prices
        )

    async def observe_returns(
        self, timestamp_ns: int, returns: Mapping[str, float]
    ) -> dict[str, int]:
        """Learn simple returns at one time; older or repeated observations are ignored."""
        return await self._observe(
            events.RETURNS, self._beliefs.market.observe_returns, timestamp_ns, returns
        )

    async def _observe(
        self,
        kind: str,
        learn: Callable[[int, Mapping[str, float]], int],
        timestamp_ns: int,
        values: Mapping[str, float],
    ) -> dict[str, int]:
        self._require_journal()
        accepted = learn(timestamp_ns, values)
        if accepted:
            data = {"timestamp_ns": timestamp_ns, "values": dict(values)}
            await self._append(kind, lambda: events.encode(data))
        return {"accepted": accepted, "ignored": len(values) - accepted}

    # -- operating -------------------------------------------------------------------------------

    def trading_state(self) -> dict[str, Any]:
        """Return the kill switch as it stands."""
        status = self._beliefs.trading
        return {"state": status.state.value, "reason": status.reason, "since_ns": status.since_ns}

    async def set_trading_state(
        self, state: TradingState, reason: str | None, actor: str
    ) -> dict[str, Any]:
        """Throw the kill switch; holds from the next decision on and over restarts."""
        self._require_journal()
        now_ns = self.world.clock.now_ns()
        self._beliefs.trading = TradingStatus(state, reason, now_ns)
        data = {"state": state.value, "reason": reason, "since_ns": now_ns, "actor": actor}
        _LOG.warning("trading_state", **data)
        await self._append(events.TRADING_STATE, lambda: events.encode(data))
        return self.trading_state()

    def circuit(self) -> dict[str, Any]:
        """Return the breaker as it stands."""
        return self.world.gate.breaker.snapshot(self.world.clock.monotonic())

    async def reset_circuit(self, reason: str | None, actor: str) -> dict[str, Any]:
        """Force the breaker closed."""
        self._require_journal()
        self.world.gate.breaker.reset(self.world.clock.monotonic(), reason=reason or "reset")
        return await self._operated("circuit_reset", None, reason, actor)

    async def set_circuit_mode(self, mode: str, reason: str | None, actor: str) -> dict[str, Any]:
        """Set the breaker's mode: auto, forced_open or disabled."""
        self._require_journal()
        now = self.world.clock.monotonic()
        self.world.gate.breaker.set_mode(BreakerMode(mode), now, reason=reason or mode)
        return await self._operated("circuit_mode", mode, reason, actor)

    async def _operated(
        self, what: str, value: str | None, reason: str | None, actor: str
    ) -> dict[str, Any]:
        _LOG.warning("operator", what=what, value=value, reason=reason, actor=actor)
        circuit = self.world.gate.breaker.export()
        self._append(events.BREAKER, lambda: events.encode({"circuit": circuit, "reason": what}))
        data = {"what": what, "value": value, "reason": reason, "actor": actor}
        await self._append(events.OPERATOR, lambda: events.encode(data))
        snapshot = self.circuit()
        self.world.telemetry.circuit_changed(snapshot)
        return snapshot

    def circuit_moved(self, transition: Transition) -> None:
        """Journal a breaker transition; to be given to the breaker as its ``on_transition``."""
        circuit = self.world.gate.breaker.export()
        data = {"circuit": circuit, "reason": transition.reason}
        _LOG.warning(
            "circuit_moved",
            was=str(transition.from_state),
            now=str(transition.to_state),
            reason=transition.reason,
        )
        self._append(events.BREAKER, lambda: events.encode(data))
        self.world.telemetry.circuit_changed(self.circuit())

    # -- showing ---------------------------------------------------------------------------------

    def performance(self) -> dict[str, Any]:
        """Return the policy against Phase 2, unpaired and paired."""
        return self._beliefs.performance.report()

    def correlations(self, symbols: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the correlation matrix in use, with alerts and a diversification score."""
        return views.correlation_view(self._beliefs, symbols)

    def risk_budget(self) -> dict[str, Any]:
        """Return the use of every limit by the newest decision."""
        return {"limits": self._budget, "settings_hash": self.settings_hash}

    def state(self) -> dict[str, Any]:
        """Return everything the service believes now."""
        return views.state_view(self, self._seq)

    async def decision(self, decision_id: str) -> dict[str, Any]:
        """Return one journalled decision, whole.

        Raises
        ------
        UnknownDecision
            If there is none of that id.
        """
        stored = await self.world.journal.decision(decision_id)
        if stored is None:
            raise UnknownDecision(f"no decision {decision_id!r} is journalled")
        return views.decision_view(stored)

    async def decisions(self, query: DecisionQuery) -> dict[str, Any]:
        """Return journalled decisions that match, newest first, and where to go on."""
        found = await self.world.journal.decisions(query)
        more = found[-1].seq if len(found) >= query.limit and found else None
        return {
            "decisions": [views.decision_view(stored) for stored in found],
            "next_before_seq": more,
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
        return await self.world.journal.stored_answer(owner, key, not_before)

    # -- remembering -----------------------------------------------------------------------------

    def _require_journal(self) -> None:
        refusing = self.world.journal.refusing()
        if refusing is not None:
            self.world.telemetry.count("journal_errors")
            raise JournalUnavailable(f"the journal cannot be written: {refusing}")

    def _append(
        self,
        kind: str,
        payload: Callable[[], bytes],
        *,
        index: DecisionIndex | None = None,
        answer: StoredAnswer | None = None,
        outcomes: tuple[tuple[str, str], ...] = (),
    ) -> Awaitable[None]:
        seq = self._seq + 1
        event = Event(
            seq=seq,
            kind=kind,
            at_ns=self.world.clock.now_ns(),
            payload=payload,
            decision=index,
            answer=answer,
            outcomes=outcomes,
        )
        durable = self.world.journal.append(event)
        self._seq = seq
        if seq - self._saved_seq >= _CHECKPOINT_EVERY:
            self._checkpoint()
        return durable

    def _checkpoint(self) -> None:
        state = {
            "params": self._beliefs.params.to_json(),
            "beliefs": self._beliefs.export(),
            "circuit": self.world.gate.breaker.export(),
        }
        self.world.journal.save_checkpoint(self._seq, lambda: events.encode(state))
        self._saved_seq = self._seq

    # -- factors, off the request ----------------------------------------------------------------

    def _refresh_factors(self, drafted: Draft) -> None:
        structure, market = self._beliefs.structure, self._beliefs.market
        large = len(drafted.portfolio.symbols) > self.params.market.dense_up_to
        if not large or self._factors is not None or not structure.factors_are_stale():
            return
        if not market.any_history(drafted.portfolio.symbols):
            return
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, thread_name_prefix="factors")
        copied = deepcopy(market)
        self._factors = self._worker.submit(estimate_factors, copied, self.params.market)

    def _adopt_factors(self) -> None:
        if self._factors is None or not self._factors.done():
            return
        model, self._factors = self._factors.result(), None
        self._beliefs.structure.factors = model
        self._append(events.FACTORS, lambda: events.encode(model.export()))


@dataclass(frozen=True, slots=True)
class _Result:
    decision: Decision
    final: Weighed
    weights: dict[str, float]
