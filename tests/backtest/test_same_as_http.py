"""The in-process pipeline gives the numbers of ``POST /allocate`` and ``POST /outcomes``."""

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
import structlog

from app.adapters.policy.mock import MockPolicyClient
from app.backtest.sizer import Sizer
from app.backtest.tape import MarketDay, Tape
from app.core.types import Signal
from app.history.account import Ledger
from app.main import create_app
from app.settings import Settings
from tests.backtest.panels import gappy

TAPE = Tape(gappy())
# around the late start of one symbol, the early end of another, and a day without any price
ROWS = range(325, 390)


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Give the process its logging back: a started application takes it over."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def settings_of(folder: Path, *, short: bool, rl: bool) -> Settings:
    return Settings(
        database_url=f"sqlite:///{folder / 'journal.db'}",
        synchronous="NORMAL",
        log_level="ERROR",
        rebalance_span=10.0,
        allow_short=short,
        enable_rl=rl,
        use_mock_rl=rl,
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://himari") as client,
    ):
        yield client


async def post(client: httpx.AsyncClient, path: str, body: dict[str, Any]) -> dict[str, Any]:
    response = await client.post(
        path, content=orjson.dumps(body), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 200, response.text
    answer: dict[str, Any] = response.json()
    return answer


def wire(signal: Signal) -> dict[str, Any]:
    fields = {name: getattr(signal, name) for name in Signal.__slots__}
    return fields | {"action": signal.action.value, "regime": signal.regime.name}


async def over_http(
    client: httpx.AsyncClient, day: MarketDay, value: float, held: dict[str, float]
) -> dict[str, float]:
    """Ask the service for one day and post the day's outcomes, symbol by symbol."""
    if not day.signals:
        prices = {"timestamp_ns": day.timestamp_ns, "prices": day.prices}
        await post(client, "/market/prices", prices)
        return {}
    body = {
        "signals": [wire(signal) for signal in day.signals],
        "cascade_indicators": {
            "funding_rate": 0.0,
            "oi_change_pct": 0.0,
            "volume_ratio": 1.0,
            "onchain_whale_pressure": 0.0,
            "exchange_netflow_zscore": 0.0,
        },
        "current_prices": day.prices,
        "portfolio_value": value,
        "current_positions": held,
    }
    answer = await post(client, "/allocate", body)
    outcomes = [
        {
            "decision_id": answer["decision_id"],
            "symbol": symbol,
            "realized_return": day.next_returns[symbol],
        }
        for symbol in sorted({signal.symbol for signal in day.signals})
        if symbol in day.next_returns
    ]
    if outcomes:
        assert (await post(client, "/outcomes", {"outcomes": outcomes}))["rejected"] == []
    return {each["symbol"]: each["target_quantity"] for each in answer["positions"]}


@pytest.mark.parametrize("short", [False, True], ids=["long_flat", "long_short"])
@pytest.mark.parametrize("rl", [False, True], ids=["phase2", "mock_rl"])
async def test_every_target_equals_the_services_to_the_last_bit(
    tmp_path: Path, *, short: bool, rl: bool
) -> None:
    settings = settings_of(tmp_path, short=short, rl=rl)
    sizer = Sizer(settings.to_engine_params(), MockPolicyClient(settings.mock_seed) if rl else None)
    ledger = Ledger(settings.portfolio_value, 5.0)
    traded: list[str] = []
    async with serving(settings) as client:
        for row in range(ROWS.start):
            day = TAPE.day(row)
            sizer.watch(day)
            prices = {"timestamp_ns": day.timestamp_ns, "prices": day.prices}
            await post(client, "/market/prices", prices)
        for row in ROWS:
            day = TAPE.day(row)
            value = ledger.value_usd(day.marks)
            ours = await sizer.targets(day, value, ledger.quantities)
            theirs = await over_http(client, day, value, ledger.quantities)
            assert ours == theirs, f"row {row}"
            traded += [name for name in ours if ours[name] != ledger.quantities.get(name, 0.0)]
            ledger.trade_to(ours, day.marks)
            sizer.learn(day)
    assert len(traded) > 50
    assert len(set(traded)) >= 3
    assert ("rl" in sizer.decisions.values()) is rl
