"""Factors are estimated beside the decisions, which go on whatever becomes of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.core.books.market import MarketBook
from app.core.params import EngineParams, MarketParams
from app.core.portfolio.factors import FactorModel, estimate_factors
from app.pipeline.correlation_alerts import CorrelationAlerts
from app.pipeline.decide import Decider
from app.pipeline.engine import Engine
from app.pipeline.factor_refresh import FactorRefresh
from app.pipeline.handover import Delivery, Handover
from app.pipeline.starting import start_engine
from tests.pipeline.builders import DAY_NS, batch_of, world_on

LARGE = 8
PARAMS = replace(EngineParams(), market=MarketParams(dense_up_to=4, factor_refresh=3))


class FailingEstimate:
    """Fails while it is broken; keeps what it made."""

    def __init__(self) -> None:
        self.broken = True
        self.asked = 0
        self.made: list[FactorModel] = []

    def __call__(self, market: MarketBook, params: MarketParams) -> FactorModel:
        self.asked += 1
        if self.broken:
            raise FloatingPointError("SVD did not converge")
        self.made.append(estimate_factors(market, params))
        return self.made[-1]


def engine_on(path: Path, params: EngineParams) -> Engine:
    return Engine(params, world_on(path), "fallback")


def decider_of(engine: Engine, estimate: FailingEstimate) -> Decider:
    return Decider(engine, FactorRefresh(engine, estimate), CorrelationAlerts())


async def decide_until(decider: Decider, holds: Callable[[], bool], start: int) -> int:
    """Decide on until something holds; return the next step."""
    for step in range(start, start + 1000):
        await decider.allocate(batch_of(step, LARGE, every_ns=DAY_NS), Delivery(Handover()))
        if holds():
            return step + 1
    pytest.fail("it never came true")


async def test_an_estimate_of_factors_that_fails_fails_no_decision(tmp_path: Path) -> None:
    estimate = FailingEstimate()
    engine = engine_on(tmp_path / "himari.db", PARAMS)
    await start_engine(engine)
    decider, structure = decider_of(engine, estimate), engine.beliefs.structure
    with capture_logs() as lines:
        step = await decide_until(decider, lambda: bool(lines), 0)
    assert [line["event"] for line in lines] == ["factors_failed"]
    assert str(lines[0]["exc_info"]) == "SVD did not converge"
    assert structure.factors is None
    estimate.broken = False
    await decide_until(decider, lambda: structure.factors is not None, step)
    decider.stop()
    await engine.stop()


async def test_the_last_factors_stay_while_no_others_can_be_estimated(tmp_path: Path) -> None:
    estimate = FailingEstimate()
    estimate.broken = False
    engine = engine_on(tmp_path / "himari.db", PARAMS)
    await start_engine(engine)
    decider, structure = decider_of(engine, estimate), engine.beliefs.structure
    step = await decide_until(decider, lambda: structure.factors is not None, 0)
    estimate.broken = True
    with capture_logs() as lines:
        await decide_until(decider, lambda: bool(lines), step)
    assert structure.factors is estimate.made[-1]
    decider.stop()
    await engine.stop()


async def test_a_failed_estimate_is_not_tried_again_before_a_refresh_interval(
    tmp_path: Path,
) -> None:
    estimate = FailingEstimate()
    rarely = replace(PARAMS, market=replace(PARAMS.market, factor_refresh=10_000))
    engine = engine_on(tmp_path / "himari.db", rarely)
    await start_engine(engine)
    decider, market = decider_of(engine, estimate), engine.beliefs.market
    with capture_logs() as lines:
        step = await decide_until(decider, lambda: bool(lines), 0)
        await decide_until(decider, lambda: market.version >= step + 30, step)
    decider.stop()
    await engine.stop()
    assert estimate.asked == len(lines) == 1
