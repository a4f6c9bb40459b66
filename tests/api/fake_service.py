"""A service that remembers what reached it and answers what a test sets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import orjson

from app.core.errors import TradingStateDiffers, UnknownDecision
from app.core.params import EngineParams
from app.core.types import Batch, Outcome, TradingState
from app.pipeline.answer import Decision
from app.pipeline.handover import Delivery, Handover
from app.pipeline.ports import DecisionQuery, StoredAnswer
from app.pipeline.service import IdempotencyClaim

Note = Callable[..., None]

CIRCUIT = {
    "state": "closed",
    "mode": "auto",
    "failure_count": 0,
    "consecutive_failures": 0,
    "current_timeout_sec": 30.0,
    "time_until_retry_sec": 0.0,
    "total_requests": 0,
    "total_failures": 0,
    "total_fallbacks": 0,
    "success_rate": 1.0,
    "last_failure_reason": None,
}


class FakeLearning:
    def __init__(self, note: Note, stored: dict[tuple[str, str], StoredAnswer]) -> None:
        self._note = note
        self.stored = stored

    async def record_outcomes(
        self, outcomes: Sequence[Outcome], *, claim: IdempotencyClaim | None = None
    ) -> dict[str, Any]:
        self._note("record_outcomes", list(outcomes))
        report = {"accepted": len(outcomes), "duplicates": 0, "rejected": []}
        if claim is not None:
            key = (claim.owner, claim.key)
            body = orjson.dumps(report)
            self.stored[key] = StoredAnswer(*key, claim.body_digest, 200, body, 0)
        return report

    async def withdraw_outcomes(
        self, pairs: Sequence[tuple[str, str]], reason: str, actor: str
    ) -> dict[str, int]:
        self._note("withdraw_outcomes", list(pairs), reason, actor)
        return {"withdrawn": len(pairs), "unknown": 0}

    async def observe_returns(
        self, timestamp_ns: int, returns: Mapping[str, float]
    ) -> dict[str, Any]:
        self._note("observe_returns", timestamp_ns, dict(returns))
        return {"accepted": len(returns), "ignored": 0, "reasons": {}}

    async def observe_prices(
        self, timestamp_ns: int, prices: Mapping[str, float | None]
    ) -> dict[str, Any]:
        self._note("observe_prices", timestamp_ns, dict(prices))
        return {"accepted": len(prices), "ignored": 0, "reasons": {}}


class FakeCorrecting:
    def __init__(self, note: Note) -> None:
        self._note = note

    async def accept_price(
        self, symbol: str, price: float, reason: str, actor: str
    ) -> dict[str, Any]:
        self._note("accept_price", symbol, price, reason, actor)
        return {"symbol": symbol, "price": price, "was": None}

    async def split_symbol(
        self, symbol: str, ratio: float, reason: str, actor: str
    ) -> dict[str, Any]:
        self._note("split_symbol", symbol, ratio, reason, actor)
        return {"symbol": symbol, "ratio": ratio, "bars": 0}

    async def forget_symbol(self, symbol: str, reason: str, actor: str) -> dict[str, Any]:
        self._note("forget_symbol", symbol, reason, actor)
        return {"symbol": symbol, "bars": 0}


class FakeStanding:
    def __init__(self, note: Note) -> None:
        self._note = note

    def in_force(self) -> dict[str, Any]:
        self._note("in_force")
        return {"signals": []}

    async def end(
        self, strategy_id: str, symbol: str | None, reason: str | None, actor: str
    ) -> dict[str, int]:
        self._note("end", strategy_id, symbol, reason, actor)
        return {"ended": 2}


class FakeOperating:
    def __init__(self, note: Note) -> None:
        self.is_ready = True
        self.state = TradingState.ACTIVE
        self._note = note

    def circuit(self) -> dict[str, Any]:
        self._note("circuit")
        return CIRCUIT

    async def reset_circuit(self, reason: str | None, actor: str) -> dict[str, Any]:
        self._note("reset_circuit", reason, actor)
        return CIRCUIT

    async def set_circuit_mode(self, mode: str, reason: str | None, actor: str) -> dict[str, Any]:
        self._note("set_circuit_mode", mode, reason, actor)
        return CIRCUIT | {"mode": mode}

    def trading_state(self) -> dict[str, Any]:
        self._note("trading_state")
        return {"state": self.state, "reason": None, "since_ns": 0}

    async def set_trading_state(
        self, state: TradingState, reason: str | None, actor: str, **changes: object
    ) -> dict[str, Any]:
        if_state_is = changes.pop("if_state_is", None)
        if if_state_is not in {None, self.state}:
            raise TradingStateDiffers(f"the trading state is {self.state.value}")
        asked = sorted(name for name, wanted in changes.items() if wanted)
        self._note("set_trading_state", state, reason, actor, *asked)
        return {"state": state.value, "reason": reason, "since_ns": 1}

    def ready(self) -> tuple[bool, dict[str, Any]]:
        journal = "ok" if self.is_ready else "disk full"
        return self.is_ready, {"journal": journal, "draining": False, "mode": "fallback"}


class FakeShowing:
    def __init__(self, note: Note) -> None:
        self._note = note

    def performance(self) -> dict[str, Any]:
        self._note("performance")
        return {"rl_advantage": 0.0}

    def correlations(self, symbols: Sequence[str] | None = None) -> dict[str, Any]:
        self._note("correlations", symbols)
        return {"symbols": [], "matrix": []}

    def risk_budget(self) -> dict[str, Any]:
        self._note("risk_budget")
        return {"limits": []}

    def state(self) -> dict[str, Any]:
        self._note("state")
        return {"mode": "fallback"}

    async def decisions(self, query: DecisionQuery) -> dict[str, Any]:
        self._note("decisions", query)
        return {"decisions": [], "next_before_seq": None}

    async def decision(self, decision_id: str) -> dict[str, Any]:
        self._note("decision", decision_id)
        if decision_id != "known":
            raise UnknownDecision(f"no decision {decision_id!r} is journalled")
        return {"decision_id": decision_id}

    async def weights_csv(self, query: DecisionQuery) -> AsyncIterator[str]:
        self._note("weights_csv", query)
        yield "timestamp_ns,weight\n"
        yield "1,0.5\n"


class FakeService:
    """Records every call as ``(name, arguments...)``; ``error`` is raised by all that decide.

    ``hold`` keeps decisions waiting while it is cleared; ``entered`` is released by each.
    """

    params = EngineParams()

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.handover = Handover()
        self.stored: dict[tuple[str, str], StoredAnswer] = {}
        self.error: BaseException | None = None
        self.hold = asyncio.Event()
        self.hold.set()
        self.entered = asyncio.Semaphore(0)
        self.learning = FakeLearning(self._note, self.stored)
        self.correcting = FakeCorrecting(self._note)
        self.standing = FakeStanding(self._note)
        self.operating = FakeOperating(self._note)
        self.showing = FakeShowing(self._note)

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error is not None:
            raise self.error

    async def allocate(
        self,
        batch: Batch,
        *,
        dry_run: bool = False,
        claim: IdempotencyClaim | None = None,
        delivery: Delivery | None = None,
    ) -> Decision:
        self._note("allocate", batch, dry_run, claim)
        number = len(self.calls)
        self.entered.release()
        await self.hold.wait()
        decision = Decision({"decision_id": f"d{number}", "dry_run": dry_run})
        if delivery is not None:
            delivery.committed()
        if claim is not None:
            answer = StoredAnswer(claim.owner, claim.key, claim.body_digest, 200, decision.body, 0)
            self.stored[claim.owner, claim.key] = answer
        return decision

    def delivery(self) -> Delivery:
        return Delivery(self.handover)

    async def stored_answer(self, owner: str, key: str) -> StoredAnswer | None:
        return self.stored.get((owner, key))


class CountedEvents:
    """The part of telemetry that the API uses."""

    def __init__(self) -> None:
        self.counted: list[str] = []

    def count(self, name: str, amount: int = 1) -> None:
        self.counted += [name] * amount
