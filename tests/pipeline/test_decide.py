"""Factors are estimated beside the decisions, which go on whatever becomes of them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.core.books.market import MarketBook
from app.core.params import EngineParams, MarketParams
from app.core.portfolio.factors import FactorModel, estimate_factors
from app.pipeline import decide
from app.pipeline.service import SizingService
from tests.pipeline.builders import batch_of, service_on

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


async def decide_until(service: SizingService, holds: Callable[[], bool], start: int) -> int:
    """Decide on until something holds; return the next step."""
    for step in range(start, start + 1000):
        await service.allocate(batch_of(step, LARGE))
        if holds():
            return step + 1
    pytest.fail("it never came true")


async def test_an_estimate_of_factors_that_fails_fails_no_decision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate = FailingEstimate()
    monkeypatch.setattr(decide, "estimate_factors", estimate)
    service = service_on(tmp_path / "himari.db", PARAMS)
    await service.start()
    structure = service.beliefs.structure
    with capture_logs() as lines:
        step = await decide_until(service, lambda: bool(lines), 0)
    assert [line["event"] for line in lines] == ["factors_failed"]
    assert str(lines[0]["exc_info"]) == "SVD did not converge"
    assert structure.factors is None
    estimate.broken = False
    await decide_until(service, lambda: structure.factors is not None, step)
    await service.stop()


async def test_the_last_factors_stay_while_no_others_can_be_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate = FailingEstimate()
    estimate.broken = False
    monkeypatch.setattr(decide, "estimate_factors", estimate)
    service = service_on(tmp_path / "himari.db", PARAMS)
    await service.start()
    structure = service.beliefs.structure
    step = await decide_until(service, lambda: structure.factors is not None, 0)
    estimate.broken = True
    with capture_logs() as lines:
        await decide_until(service, lambda: bool(lines), step)
    assert structure.factors is estimate.made[-1]
    await service.stop()


async def test_a_failed_estimate_is_not_tried_again_before_a_refresh_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estimate = FailingEstimate()
    monkeypatch.setattr(decide, "estimate_factors", estimate)
    rarely = replace(PARAMS, market=replace(PARAMS.market, factor_refresh=10_000))
    service = service_on(tmp_path / "himari.db", rarely)
    await service.start()
    with capture_logs() as lines:
        step = await decide_until(service, lambda: bool(lines), 0)
        await decide_until(service, lambda: service.beliefs.market.version >= step + 30, step)
    await service.stop()
    assert estimate.asked == len(lines) == 1
