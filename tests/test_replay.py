"""Replay: decisions recomputed from a real database, over restarts and settings changes."""

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from app.adapters.policy.mock import MockPolicyClient
from app.core.params import BrakeParams
from app.core.types import (
    PolicyInput,
    Prediction,
    TradingState,
)
from app.pipeline.service import SizingService
from app.replay import replay_journal
from tests.pipeline.builders import LONG_ONLY, SLOW_SHORTS, START_NS, batch_of, live, service_on

BRAKED = replace(
    SLOW_SHORTS,
    brakes=BrakeParams(
        drawdown_from=0.08, daily_loss_from=0.05, collapse_below=0.5, price_jump_from=0.01
    ),
)
DAY_NS = 86_400 * 10**9


class SlowPolicy(MockPolicyClient):
    """Lets other batches be heard between a question and its answer."""

    async def predict(self, inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return await super().predict(inputs)


async def test_decisions_over_restarts_and_settings_changes_replay_to_the_last_bit(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    lives = [(LONG_ONLY, None), (SLOW_SHORTS, MockPolicyClient(seed=3)), (LONG_ONLY, None)]
    for number, (params, client) in enumerate(lives):
        service = service_on(path, params, client)
        await service.start()
        await live(service, range(number * 30, number * 30 + 30))
        await service.stop()
    report = replay_journal(f"sqlite:///{path}")
    assert report.differences == []
    assert (report.compared, report.equal) == (90, 90)


async def test_decisions_in_whole_lots_replay_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    trading = replace(SLOW_SHORTS.trading, default_lot_size=0.001, default_min_notional_usd=3_000.0)
    service = service_on(path, replace(SLOW_SHORTS, trading=trading), MockPolicyClient(seed=5))
    await service.start()
    told: set[str] = set()
    for step in range(30):
        answer = (await service.allocate(batch_of(step))).answer
        told |= {notice["what"] for notice in answer["notices"]}
    await service.stop()
    assert {"lot", "minimum"} <= told
    report = replay_journal(f"sqlite:///{path}")
    assert (report.compared, report.differences) == (30, [])


async def live_through_losses(service: SizingService, steps: range) -> list[str]:
    """Decide over several days of losses, glitches and switches; return every warning."""
    warnings: list[str] = []
    for step in steps:
        value = 1_000.0 if step % 9 == 7 else 100_000.0 * (1.0 - 0.02 * (step % 6))
        batch = batch_of(step, portfolio_value=value, received_ns=START_NS + step * DAY_NS // 5)
        warnings += (await service.allocate(batch)).answer["warnings"]
        if step % 13 == 4:
            flatten = step % 2 == 0
            state = TradingState.HALTED if flatten else TradingState.ACTIVE
            await service.operating.set_trading_state(
                state, None, "t", flatten=flatten, rebase=not flatten
            )
    return warnings


async def test_brakes_and_switches_replay_to_the_last_bit_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    warnings: list[str] = []
    for number in range(3):
        service = service_on(path, BRAKED, SlowPolicy(seed=2) if number == 1 else None)
        await service.start()
        warnings += await live_through_losses(service, range(number * 20, number * 20 + 20))
        await service.stop()
    reasons = (
        "nothing is sized on it",
        "below its peak",
        "today",
        "portfolio value 1000 is not",
        "with flatten",
    )
    for reason in reasons:
        assert any(reason in warning for warning in warnings), reason
    report = replay_journal(f"sqlite:///{path}")
    assert (report.compared, report.differences) == (60, [])


async def test_bars_that_close_between_decisions_replay_over_restarts(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    for number in range(3):
        service = service_on(path, LONG_ONLY)
        await service.start()
        for step in range(number * 40, number * 40 + 40):
            await service.allocate(batch_of(step, every_ns=DAY_NS // 3))
        await service.stop()
    report = replay_journal(f"sqlite:///{path}")
    assert (report.compared, report.differences) == (120, [])


async def test_decisions_that_overlap_replay_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, SLOW_SHORTS, SlowPolicy(seed=1))
    await service.start()
    for wave in range(6):
        batches = [batch_of(10 * wave + place) for place in range(8)]
        await asyncio.gather(*(service.allocate(batch) for batch in batches))
    await service.stop()
    report = replay_journal(f"sqlite:///{path}")
    assert (report.compared, report.differences) == (48, [])


async def test_large_batches_with_factors_replay_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    await service.start()
    steps = 0
    # factors are made beside the requests, and adopted by the first one after
    while steps < 40 or service.beliefs.structure.factors is None:
        await service.allocate(batch_of(steps, 160, every_ns=DAY_NS))
        steps += 1
        assert steps < 1000
    await service.stop()
    with sqlite3.connect(path) as database:
        kinds = {row[0] for row in database.execute("select distinct kind from events")}
    assert "factors" in kinds
    report = replay_journal(f"sqlite:///{path}")
    assert (report.compared, report.differences) == (steps, [])


async def test_a_tampered_decision_is_found(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    await service.start()
    await live(service, range(3))
    await service.stop()
    with sqlite3.connect(path) as database:
        query = "select seq, payload from events where kind = 'decision' order by seq limit 1"
        seq, payload = database.execute(query).fetchone()
        data = json.loads(payload)
        data["answer"]["allocations"]["SYM0"] += 1.0
        database.execute(
            "update events set payload = ? where seq = ?", (json.dumps(data).encode(), seq)
        )
    report = replay_journal(f"sqlite:///{path}")
    assert [found.path for found in report.differences] == ["allocations"]
    assert report.equal == report.compared - 1


@pytest.mark.parametrize("checkpointed", [True, False])
async def test_a_restarted_service_believes_what_it_believed(
    tmp_path: Path,
    checkpointed: bool,  # noqa: FBT001 - a case
) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    await service.start()
    await live(service, range(12))
    await live_through_losses(service, range(12, 24))
    await service.operating.set_trading_state(TradingState.HALTED, "flood", "risk", flatten=True)
    before = json.dumps(service.beliefs.export())
    if checkpointed:
        await service.stop()
    else:
        # as after kill -9: no checkpoint, only the events
        await service.world.journal.close()
    again = service_on(path, LONG_ONLY)
    await again.start()
    assert json.dumps(again.beliefs.export()) == before
    assert again.operating.trading_state() == service.operating.trading_state()
    assert again.operating.trading_state()["flatten"]
    await again.stop()
