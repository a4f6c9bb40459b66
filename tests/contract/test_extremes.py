"""The ends of the number range: every answer is finite, every limit holds."""

import json
from dataclasses import replace
from typing import Any

import pytest

from app.core.types import Action, Outcome
from tests.contract.engine import Engine
from tests.contract.requests import SHORTS, VALUE, ask, request, signal
from tests.contract.strategies import NOW

BIG = 0.02

EXTREMES: list[dict[str, Any]] = [
    {"portfolio_value": value, "prices": {"AAA": price, "BBB": price}}
    for value in (1e-9, 1.0, 1e15)
    for price in (1e-12, 1.0, 1e12)
]


@pytest.mark.parametrize("changed", EXTREMES)
@pytest.mark.parametrize("volatility", [1e-6, 0.05, 10.0])
@pytest.mark.parametrize("edge", [0.0, 1e-12, 0.002, 1e6, None])
def test_extreme_requests_get_finite_answers_within_limits(
    changed: dict[str, Any], volatility: float, edge: float | None
) -> None:
    one = signal(expected_return=edge, predicted_volatility=volatility)
    other = replace(one, symbol="BBB", action=Action.SELL, predicted_volatility=0.05)
    answer = ask(one, other, params=SHORTS, **changed)
    value = changed["portfolio_value"]
    json.dumps(answer, allow_nan=False)
    assert 0.0 <= answer["allocations"]["AAA"] <= 0.15 * value * (1.0 + 1e-9)
    assert -0.15 * value * (1.0 + 1e-9) <= answer["allocations"]["BBB"] <= 0.0


HUGE = 1.7e308
TINY = 5e-324


@pytest.mark.parametrize("edge", [HUGE, TINY, -HUGE, 1e200])
@pytest.mark.parametrize("volatility", [HUGE, TINY, 1e-160, 1e200])
@pytest.mark.parametrize("value", [1e300, VALUE, 1e-300])
def test_the_ends_of_the_number_range_get_finite_answers(
    edge: float, volatility: float, value: float
) -> None:
    one = signal(expected_return=edge, predicted_volatility=volatility)
    twins = [replace(one, symbol=name, strategy_id=name) for name in ("AAA", "BBB", "CCC")]
    for batch in (request(one, portfolio_value=value), request(*twins, portfolio_value=value)):
        answer = Engine().allocate(batch)
        json.dumps(answer, allow_nan=False)
        assert answer["total_allocated_usd"] <= 0.8 * value * (1.0 + 1e-6)


def test_the_largest_portfolio_gets_finite_answers() -> None:
    crowd = [
        signal(f"S{place}", strategy_id=f"s{place}", expected_return=BIG) for place in range(9)
    ]
    answer = ask(*crowd, portfolio_value=HUGE)
    json.dumps(answer, allow_nan=False)
    assert answer["total_allocated_usd"] <= 0.8 * HUGE * (1.0 + 1e-6)


@pytest.mark.parametrize("returns", [(HUGE, -1.0), (HUGE, HUGE), (1e160, -1.0), (-1.0, -1.0)])
@pytest.mark.parametrize("action", [Action.BUY, Action.SELL])
def test_extreme_outcomes_do_not_poison_a_strategy(
    returns: tuple[float, float], action: Action
) -> None:
    engine = Engine(SHORTS)
    for realized in returns:
        told = engine.allocate(request(signal(action=action, predicted_volatility=1.0)))
        outcome = Outcome("AAA", realized, decision_id=told["decision_id"])
        # beyond 20 claimed volatilities it is refused: no price moved like that
        assert engine.record([outcome])["accepted"] == (abs(realized) <= 20.0)
    free: dict[str, Any] = {
        "strategy_id": "mean",
        "predicted_return": 0.0,
        "predicted_volatility": 1.0,
    }
    for realized in (HUGE, HUGE):
        engine.record([Outcome("AAA", realized, **free)])
    for other in (Action.BUY, Action.SELL):
        answer = engine.allocate(request(signal(action=other)))
        json.dumps(answer, allow_nan=False)
        assert abs(answer["allocations"]["AAA"]) <= 0.15 * VALUE + 0.1
    json.dumps(engine.service.showing.state(), allow_nan=False)
    json.dumps(engine.service.showing.performance(), allow_nan=False)


@pytest.mark.parametrize("largest", [HUGE, 1e160, 1e-300])
def test_extreme_returns_do_not_poison_correlations(largest: float) -> None:
    engine = Engine(SHORTS)
    rows = [{"AAA": largest, "BBB": -0.9}, {"AAA": -1.0, "BBB": largest}] * 15
    engine.feed_returns(rows, until_ns=NOW - 1)
    unclaimed: dict[str, Any] = {"predicted_volatility": None}
    answer = engine.allocate(request(signal(**unclaimed), signal("BBB", **unclaimed)))
    json.dumps(answer, allow_nan=False)
    json.dumps(engine.service.showing.state(), allow_nan=False)
    json.dumps(engine.service.showing.correlations(), allow_nan=False)
    assert all(0.0 <= usd <= 0.15 * VALUE + 0.1 for usd in answer["allocations"].values())
