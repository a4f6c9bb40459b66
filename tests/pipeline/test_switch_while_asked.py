"""A decision that waits for the policy ends under the state and limits of its place in the journal.

The strictest of what it began with and what holds at its end counts, and a replay does the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.core.params import EngineParams, LimitParams
from app.core.types import Batch, TradingState
from app.pipeline.service import SizingService
from tests.pipeline.builders import (
    LONG_ONLY,
    WHY,
    WaitingPolicy,
    assert_replays,
    batch_of,
    service_on,
)

ACTIVE, REDUCING, HALTED = TradingState
HELD = {"SYM0": 20.0, "SYM3": 15.0}
Change = Callable[[SizingService], Awaitable[object]]


def switch(state: TradingState, *, flatten: bool = False) -> Change:
    return lambda service: service.operating.set_trading_state(
        state, "drill", "desk", flatten=flatten
    )


def settings(params: EngineParams) -> Change:
    return lambda service: service.operating.change_settings(params, WHY)


def limits(**changes: Any) -> EngineParams:
    return replace(LONG_ONLY, limits=LimitParams(**changes))


def held_batch(step: int = 0, **changes: Any) -> Batch:
    return batch_of(step, positions=HELD, **changes)


async def decide_across(
    path: Path,
    change: Change,
    batch: Batch,
    *,
    before: Change | None = None,
    params: EngineParams = LONG_ONLY,
) -> dict[str, Any]:
    """Return the answer of a batch that waited for the policy while the change was made."""
    policy = WaitingPolicy()
    service = service_on(path, params, policy)
    await service.start()
    if before is not None:
        await before(service)
    waiting = asyncio.create_task(service.allocate(batch))
    await policy.asked.wait()
    await change(service)
    policy.let.set()
    answer = (await waiting).answer
    await service.stop()
    assert_replays(path, 1)
    return answer


async def test_without_a_change_it_trades(tmp_path: Path) -> None:
    answer = await decide_across(tmp_path / "j.db", switch(ACTIVE), held_batch())
    assert any(position["trade_quantity"] > 0.0 for position in answer["positions"])
    assert (answer["trading_state"], answer["control_version"]) == ("ACTIVE", 1)


async def test_halted_while_it_waits_it_keeps_every_position(tmp_path: Path) -> None:
    answer = await decide_across(tmp_path / "j.db", switch(HALTED), held_batch())
    quantities = {each["symbol"]: each["target_quantity"] for each in answer["positions"]}
    assert {symbol: held for symbol, held in quantities.items() if held} == HELD
    assert (answer["trading_state"], answer["control_version"]) == ("HALTED", 1)


async def test_halted_while_it_waits_it_has_no_target_where_positions_are_unknown(
    tmp_path: Path,
) -> None:
    answer = await decide_across(tmp_path / "j.db", switch(HALTED), batch_of(0))
    assert answer["allocations"] == answer["baseline_allocations"] == {}


async def test_reducing_while_it_waits_nothing_grows(tmp_path: Path) -> None:
    answer = await decide_across(tmp_path / "j.db", switch(REDUCING), held_batch())
    for position in answer["positions"]:
        held = HELD.get(position["symbol"], 0.0)
        assert 0.0 <= position["target_quantity"] <= held
    assert (answer["trading_state"], answer["control_version"]) == ("REDUCING", 1)


async def test_flatten_while_it_waits_makes_every_target_zero(tmp_path: Path) -> None:
    answer = await decide_across(tmp_path / "j.db", switch(HALTED, flatten=True), held_batch())
    assert answer["allocations"].keys() >= HELD.keys()
    assert set(answer["allocations"].values()) == {0.0}
    assert set(answer["baseline_allocations"].values()) == {0.0}


@pytest.mark.parametrize(
    ("before", "held"),
    [(switch(HALTED), HELD), (switch(HALTED, flatten=True), {})],
    ids=["halted", "flatten"],
)
async def test_a_state_that_is_lifted_while_it_waits_still_holds(
    tmp_path: Path, before: Change, held: dict[str, float]
) -> None:
    answer = await decide_across(tmp_path / "j.db", switch(ACTIVE), held_batch(), before=before)
    quantities = {each["symbol"]: each["target_quantity"] for each in answer["positions"]}
    assert {symbol: kept for symbol, kept in quantities.items() if kept} == held
    assert answer["control_version"] == 2


@pytest.mark.parametrize(
    ("tight", "largest"),
    [
        (limits(max_position_pct=0.01), lambda sizes: max(sizes) / 0.01),
        (limits(max_portfolio_pct=0.02), lambda sizes: sum(sizes) / 0.02),
    ],
    ids=["position", "portfolio"],
)
async def test_limits_that_become_smaller_while_it_waits_hold(
    tmp_path: Path, tight: EngineParams, largest: Callable[[list[float]], float]
) -> None:
    answer = await decide_across(tmp_path / "j.db", settings(tight), batch_of(0))
    for allocation in (answer["allocations"], answer["baseline_allocations"]):
        sizes = [abs(usd) for usd in allocation.values()]
        assert 0.5 < largest(sizes) / answer["portfolio_value"] <= 1.0 + 1e-6


async def test_limits_that_become_larger_while_it_waits_do_not_hold_yet(tmp_path: Path) -> None:
    tight = limits(max_position_pct=0.01)
    answer = await decide_across(tmp_path / "j.db", settings(LONG_ONLY), batch_of(0), params=tight)
    largest = max(map(abs, answer["allocations"].values()))
    assert largest <= 0.01 * answer["portfolio_value"] * (1.0 + 1e-6)


async def test_a_switch_does_not_wait_for_a_decision_that_waits_for_the_policy(
    tmp_path: Path,
) -> None:
    policy = WaitingPolicy()
    service = service_on(tmp_path / "j.db", LONG_ONLY, policy)
    await service.start()
    waiting = asyncio.create_task(service.allocate(held_batch()))
    await policy.asked.wait()
    async with asyncio.timeout(0.9):
        await service.operating.set_trading_state(HALTED, "drill", "desk")
    assert not waiting.done()
    policy.let.set()
    await waiting
    await service.stop()
