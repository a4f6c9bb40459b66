"""Bars of another length or phase: begun anew, told, and the same in a replay."""

from dataclasses import replace
from pathlib import Path

from structlog.testing import capture_logs

from app.core.params import EngineParams, MarketParams
from tests.pipeline.builders import (
    DAY_NS,
    LONG_ONLY,
    WHY,
    assert_replays,
    batch_of,
    service_on,
)

NEXT = "MARKET__BAR_SEC or __BAR_PHASE_SEC changed: returns are learnt anew"
BEGUN = "market_bars_begun_anew"


def bars_of(params: EngineParams, **changes: float) -> EngineParams:
    return replace(params, market=MarketParams(**changes))  # type: ignore[arg-type]


async def test_another_phase_begins_bars_anew_and_says_so_for_a_bar(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    await service.start()
    for step in range(12):
        answer = (await service.allocate(batch_of(step, every_ns=DAY_NS))).answer
        assert NEXT not in answer["warnings"]
    market = service.beliefs.market
    count, last = market.count("SYM0"), market.last("SYM0")
    assert count == 11
    with capture_logs() as lines:
        await service.operating.change_settings(bars_of(LONG_ONLY, bar_phase_sec=0.0), WHY)
    assert [line["bar_phase_sec"] for line in lines if line["event"] == BEGUN] == [0.0]
    market = service.beliefs.market
    assert (market.count("SYM0"), market.last("SYM0")) == (0, last)
    told = []
    for step in range(12, 16):
        answer = (await service.allocate(batch_of(step, every_ns=DAY_NS))).answer
        told.append(NEXT in answer["warnings"])
    assert told == [True, False, False, False]
    await service.stop()
    assert_replays(path, 16)


async def test_another_length_at_a_restart_begins_bars_anew_and_keeps_prices(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    for number, params in enumerate((LONG_ONLY, bars_of(LONG_ONLY, bar_sec=3_600.0))):
        service = service_on(path, params)
        with capture_logs() as lines:
            await service.start()
        assert len([line for line in lines if line["event"] == BEGUN]) == number
        if number:
            assert service.beliefs.market.count("SYM0") == 0
            assert service.beliefs.market.last_price("SYM0") is not None
        for step in range(number * 8, number * 8 + 8):
            await service.allocate(batch_of(step, every_ns=DAY_NS))
        await service.stop()
    assert_replays(path, 16)
