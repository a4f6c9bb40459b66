"""The kill switch: what it answers, what it refuses, and what it waits for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from app.core.errors import TradingStateDiffers
from app.core.types import TradingState
from app.pipeline.service import SizingService
from tests.pipeline.builders import LONG_ONLY, batch_of, service_on

ACTIVE, REDUCING, HALTED = TradingState


@asynccontextmanager
async def running(path: Path) -> AsyncIterator[SizingService]:
    service = service_on(path, LONG_ONLY)
    await service.start()
    try:
        yield service
    finally:
        await service.stop()


async def test_each_switch_raises_the_version_that_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    async with running(path) as service:
        assert service.operating.trading_state()["control_version"] == 0
        first = await service.operating.set_trading_state(HALTED, "drill", "desk")
        second = await service.operating.set_trading_state(ACTIVE, None, "desk")
    assert first | {"since_ns": 0} == {
        "state": "HALTED",
        "reason": "drill",
        "since_ns": 0,
        "flatten": False,
        "actor": "desk",
        "control_version": 1,
        "portfolio_id": "default",
    }
    assert second["control_version"] == 2
    async with running(path) as service:
        assert service.operating.trading_state() == second


async def test_a_switch_from_another_state_changes_nothing(tmp_path: Path) -> None:
    async with running(tmp_path / "journal.db") as service:
        await service.operating.set_trading_state(REDUCING, "loss", "risk")
        before, seq = service.operating.trading_state(), service.showing.state()["state_version"]
        with pytest.raises(TradingStateDiffers, match="REDUCING"):
            await service.operating.set_trading_state(ACTIVE, None, "desk", if_state_is=HALTED)
        assert service.operating.trading_state() == before
        assert service.showing.state()["state_version"] == seq
        after = await service.operating.set_trading_state(
            ACTIVE, None, "desk", if_state_is=REDUCING
        )
        assert after["state"] == "ACTIVE"


async def test_it_waits_until_earlier_decisions_were_sent(tmp_path: Path) -> None:
    async with running(tmp_path / "journal.db") as service:
        earlier, later = service.delivery(), service.delivery()
        await service.allocate(batch_of(0), delivery=earlier)
        switch = asyncio.create_task(service.operating.set_trading_state(HALTED, None, "desk"))
        await service.allocate(batch_of(1), delivery=later)
        assert not switch.done()
        earlier.sent()
        assert (await switch)["state"] == "HALTED"
        later.sent()


async def test_a_decision_without_a_delivery_counts_as_sent_when_it_returns(
    tmp_path: Path,
) -> None:
    async with running(tmp_path / "journal.db") as service:
        await service.allocate(batch_of(0))
        async with asyncio.timeout(0.9):
            await service.operating.set_trading_state(HALTED, None, "desk")


async def test_a_dry_run_is_not_waited_for(tmp_path: Path) -> None:
    async with running(tmp_path / "journal.db") as service:
        await service.allocate(batch_of(0), dry_run=True, delivery=service.delivery())
        async with asyncio.timeout(0.9):
            await service.operating.set_trading_state(HALTED, None, "desk")
