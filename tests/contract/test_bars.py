"""Beliefs count time, not requests: the reported cases of history, volatility and correlation."""

from dataclasses import replace

import numpy as np
import pytest

from app.core.params import BrakeParams, EngineParams, MarketParams
from app.pipeline.views import correlation_view
from tests.contract.engine import Engine, run
from tests.contract.requests import DAY, SECOND, request, signal, words
from tests.contract.strategies import NOW

HOUR = 3_600 * SECOND
BELIEVING = EngineParams(brakes=BrakeParams(price_jump_from=0.0))


def feed(engine: Engine, prices: list[float], every_ns: int = DAY, symbol: str = "AAA") -> None:
    """Tell prices of the past, the last one a step ago."""
    for place, price in enumerate(prices):
        at = NOW - (len(prices) - place) * every_ns
        run(engine.service.learning.observe_prices(at, {symbol: price}))


def sigma_of(engine: Engine) -> float:
    found = engine.service.beliefs.market.sigma_over("AAA", 86_400.0)
    assert found is not None
    return found


def near_100(days: int) -> list[float]:
    rng = np.random.default_rng(21)
    closes: list[float] = (100.0 * np.exp(np.cumsum(0.01 * rng.normal(size=days)))).tolist()
    return closes


@pytest.mark.parametrize("params", [EngineParams(), BELIEVING])
def test_c21_one_bad_tick_in_the_history_does_not_rule_the_volatility(
    params: EngineParams,
) -> None:
    closes = near_100(71)
    good, bad = Engine(params), Engine(params)
    feed(good, closes)
    feed(bad, [*closes[:40], 10_000.0, *closes[41:]])
    assert sigma_of(good) == pytest.approx(0.01, rel=0.3)
    assert sigma_of(bad) < 5.0 * sigma_of(good)
    silent = signal(predicted_volatility=None, expected_return=0.0002)
    size = bad.allocate(request(silent, prices={"AAA": closes[-1]}))["allocations"]["AAA"]
    assert size > 1_000.0


def test_c21_a_return_beyond_eight_volatilities_is_told_and_the_history_can_be_forgotten() -> None:
    engine = Engine(BELIEVING)
    feed(engine, near_100(40))
    answer = engine.allocate(request(signal(), prices={"AAA": 10_000.0}))
    assert ("return_clipped", "AAA") in words(answer)
    found = run(engine.service.correcting.forget_symbol("AAA", "a bad tick", "desk"))
    assert found == {"symbol": "AAA", "bars": 40}
    silent = signal(predicted_volatility=None, timestamp_ns=NOW + 1)
    later = engine.allocate(request(silent, prices={"AAA": 100.0}))
    assert any("the default, 0.05" in text for text in later["warnings"])


@pytest.mark.parametrize("every_ns", [DAY, 6 * HOUR, HOUR])
def test_c22_a_missing_volatility_is_of_a_day_however_often_prices_are_told(every_ns: int) -> None:
    rng = np.random.default_rng(22)
    count = 100 * DAY // every_ns
    moves = 0.02 * np.sqrt(every_ns / DAY) * rng.normal(size=count)
    engine = Engine()
    feed(engine, (100.0 * np.exp(np.cumsum(moves))).tolist(), every_ns)
    assert sigma_of(engine) == pytest.approx(0.02, rel=0.25)


def test_c22_the_same_day_told_hourly_or_daily_gets_the_same_size() -> None:
    rng = np.random.default_rng(23)
    closes = (100.0 * np.exp(np.cumsum(0.02 * rng.normal(size=100)))).tolist()
    daily, hourly = Engine(), Engine()
    feed(daily, closes)
    for place, price in enumerate(closes):
        for hour in range(6):
            at = NOW - (len(closes) - place) * DAY + hour * HOUR // 6
            run(hourly.service.learning.observe_prices(at, {"AAA": price}))
    silent = signal(predicted_volatility=None, expected_return=0.0002)
    sizes = [
        engine.allocate(request(silent, prices={"AAA": closes[-1]}))["allocations"]["AAA"]
        for engine in (daily, hourly)
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=0.02)
    assert sizes[0] < 15_000.0


@pytest.mark.parametrize("apart_ns", [0, 1_000_000, 6 * HOUR - SECOND])
def test_c23_symbols_that_two_calls_tell_of_are_joint_all_the_same(apart_ns: int) -> None:
    engine = Engine()
    closes = near_100(60)
    for place, price in enumerate(closes):
        at = (NOW // DAY - (len(closes) - place)) * DAY
        run(engine.service.learning.observe_prices(at, {"AAA": price}))
        run(engine.service.learning.observe_prices(at + apart_ns, {"BBB": 2.0 * price}))
    shown = correlation_view(engine.service.beliefs, ["AAA", "BBB"])
    assert shown["joint_returns"][0][1] == 59
    # a correlation of 1, less what 59 joint bars leave to the prior of 0.5
    assert shown["matrix"][0][1] == pytest.approx((59.0 + 10.0) / 79.0, abs=1e-3)
    both = request(signal(), signal("BBB"), prices={"AAA": closes[-1], "BBB": 2.0 * closes[-1]})
    assert ("prior_pairs", None) not in words(engine.allocate(both))


def test_a_price_that_stands_still_is_warned_of() -> None:
    engine = Engine()
    feed(engine, [100.0] * 8)
    answer = engine.allocate(request(signal()))
    assert "price of AAA has not changed for 5 bars or more" in answer["warnings"]


def test_stamps_at_an_edge_are_warned_of() -> None:
    edge = (NOW % DAY) / 1e9
    engine = Engine(replace(EngineParams(), market=MarketParams(bar_phase_sec=edge)))
    feed(engine, near_100(8))
    answer = engine.allocate(request(signal()))
    assert any("keep within 1 % of an edge" in text for text in answer["warnings"])
    assert not any(
        "of an edge" in text for text in Engine().allocate(request(signal()))["warnings"]
    )


def test_a_short_history_counts_where_it_is_wilder_than_the_default() -> None:
    engine = Engine()
    feed(engine, [100.0, 150.0, 100.0, 150.0])
    silent = signal(predicted_volatility=None)
    answer = engine.allocate(request(silent, prices={"AAA": 150.0}))
    assert any("the EWMA of its returns, 0.3" in text for text in answer["warnings"])
