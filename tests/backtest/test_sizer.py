"""Days sized one after the other, on what the days before taught."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.backtest.options import BacktestOptions
from app.backtest.session import Backtest
from app.backtest.sizer import Sizer
from app.backtest.tape import MarketDay, Tape
from app.core.params import EngineParams, SignalParams
from app.settings import Settings
from tests.contract.requests import signal
from tests.contract.strategies import NOW
from tests.history.panels import random_walk

DAY_NS = 86_400 * 10**9
PRICES = {f"S{place}": 100.0 for place in range(5)}


def day_of(row: int, symbol: str) -> MarketDay:
    """Day on which one strategy has a signal on one symbol."""
    stamp = NOW + row * DAY_NS
    one = signal(symbol, expected_return=0.02, timestamp_ns=stamp)
    return MarketDay(row, stamp, (one,), PRICES, PRICES, {})


@pytest.mark.parametrize("standing", [False, True])
async def test_a_strategy_meets_its_limit_day_by_day(standing: bool) -> None:  # noqa: FBT001 - a case
    params = replace(EngineParams(), signals=SignalParams(standing=standing))
    sizer = Sizer(params)
    held: dict[str, float] = {}
    for row, symbol in enumerate(PRICES):
        held = await sizer.targets(day_of(row, symbol), 100_000.0, held)
    assert sum(held.values()) * 100.0 == pytest.approx(40_000.0)


def test_a_backtest_keeps_no_signal_whatever_the_settings_say() -> None:
    settings = Settings(signals={"standing": True})
    options = BacktestOptions(prices=Path("prices.csv"), json_path=Path("out.json"))
    backtest = Backtest(Tape(random_walk(420, 2)), options, settings)
    assert settings.to_engine_params().signals.standing
    assert not backtest.params.signals.standing
