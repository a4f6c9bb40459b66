"""A service on a SQLite file, batches for it, and a policy and a journal that tests hold up."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from pathlib import Path

from app.adapters.journal.sql import SqlJournal
from app.adapters.policy.mock import MockPolicyClient
from app.core.errors import JournalUnavailable
from app.core.params import EngineParams, LimitParams, TradingParams
from app.core.policy.circuit import BreakerParams
from app.core.types import (
    Action,
    Batch,
    CascadeIndicators,
    Outcome,
    PolicyInput,
    Prediction,
    Regime,
    Signal,
    TradingState,
)
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.engine import SettingsChange
from app.pipeline.ports import Event, PolicyClient
from app.pipeline.service import SizingService, World
from app.pipeline.shared_breaker import SharedBreaker
from app.replay import replay_journal
from tests.fakes import FakeClock, FakeTelemetry

START_NS = 1_735_226_000_000_000_000
DAY_NS = 86_400 * 10**9
LONG_ONLY = EngineParams()
SLOW_SHORTS = EngineParams(
    limits=LimitParams(allow_short=True, max_strategy_pct=0.3),
    trading=TradingParams(rebalance_span=10.0),
)
WHY = SettingsChange("kelly_fraction", "the file changed", "settings")


class WaitingPolicy(MockPolicyClient):
    """Answers when it is let."""

    def __init__(self) -> None:
        super().__init__(seed=3)
        self.asked = asyncio.Event()
        self.let = asyncio.Event()

    async def predict(self, inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        self.asked.set()
        await self.let.wait()
        return await super().predict(inputs)


class FullJournal(SqlJournal):
    """Has no room for one more event while it is full."""

    full = False

    def append(self, event: Event) -> Awaitable[None]:
        if self.full:
            raise JournalUnavailable("10000 events wait for the journal")
        return super().append(event)


def world_on(
    path: Path, client: PolicyClient | None = None, journal: SqlJournal | None = None
) -> World:
    """Make a world with a SQLite file for its journal and a clock that stands still."""
    clock = FakeClock()
    gate = PolicyGate(client, SharedBreaker(BreakerParams()), clock)
    return World(journal or SqlJournal(f"sqlite:///{path}"), gate, clock, FakeTelemetry())


def service_on(
    path: Path,
    params: EngineParams,
    client: PolicyClient | None = None,
    journal: SqlJournal | None = None,
) -> SizingService:
    """Make a service in such a world."""
    return SizingService(params, world_on(path, client, journal), "mock" if client else "fallback")


def batch_of(step: int, symbols: int = 4, *, every_ns: int = 1, **changes: object) -> Batch:
    """Four strategies' view of some symbols at one step, prices moving in their own ways."""
    at_ns = START_NS + step * every_ns
    actions = [Action.BUY, Action.SELL, Action.STRONG_BUY, Action.HOLD]
    regimes = list(Regime)
    signals = tuple(
        Signal(
            strategy_id=f"s{place % 4}",
            symbol=f"SYM{place}",
            action=actions[(place + step) % 4],
            confidence=0.5 + 0.1 * (place % 5),
            risk_score=0.2,
            regime=regimes[(step // 3) % 5],
            timestamp_ns=at_ns,
            expected_return=0.001 + 0.0005 * (place % 3),
            predicted_volatility=None if place % 7 == 6 else 0.02 + 0.002 * (place % 5),
        )
        for place in range(symbols)
    )
    prices = {f"SYM{i}": 100.0 + i + ((step * (i + 3)) % 7) / 3.0 for i in range(symbols)}
    batch = Batch(
        signals=signals,
        cascade=CascadeIndicators(oi_change_pct=-0.02 * (step % 9)),
        prices=prices,
        portfolio_value=100_000.0 + 100.0 * step,
        received_ns=at_ns,
        positions={"SYM0": 20.0, "SYM3": 15.0, "SYM2": -3.0} if step % 2 else None,
    )
    return replace(batch, **changes)  # type: ignore[arg-type]


async def live(service: SizingService, steps: range, symbols: int = 4) -> None:
    """Decide, post outcomes, throw the kill switch now and then."""
    for step in steps:
        decided = await service.allocate(batch_of(step, symbols))
        outcomes = [
            Outcome(f"SYM{i}", 0.01 * ((step + i) % 5 - 2), decided.answer["decision_id"])
            for i in range(min(symbols, 4))
        ]
        await service.learning.record_outcomes(outcomes)
        await service.learning.observe_returns(START_NS + step, {"SYM0": 0.01, "OTHER": -0.02})
        if step % 11 == 5:
            state = list(TradingState)[step % 3]
            await service.operating.set_trading_state(state, "exercise", "test")


def assert_replays(path: Path, decisions: int) -> None:
    """Recompute every decision of a journal; each must come out equal."""
    report = replay_journal(f"sqlite:///{path}")
    assert report.differences == []
    assert (report.compared, report.equal) == (decisions, decisions)
