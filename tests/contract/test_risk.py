"""What an answer says of the risk of its book."""

import math

import pytest
from hypothesis import given

from app.core.types import Action
from tests.contract.engine import Engine
from tests.contract.requests import VALUE, request, signal
from tests.contract.strategies import Case, cases

SIGMA = 0.0632


def test_targets_and_what_is_held_each_have_their_risk() -> None:
    batch = request(signal(), signal("BBB", Action.HOLD), positions={"BBB": 0.1 * VALUE / 100.0})
    answer = Engine().allocate(batch)
    risk, value = answer["risk"], answer["portfolio_value"]
    assert risk["horizon_sec"] == 86_400.0
    # BBB alone, at the volatility that its HOLD claims
    assert risk["current"]["volatility"] == pytest.approx(0.1 * SIGMA)
    wanted = answer["allocations"]["AAA"] / value
    expected = SIGMA * math.sqrt(wanted**2 + 0.1**2 + wanted * 0.1)
    assert risk["volatility"] == pytest.approx(expected)
    assert risk["es_95"] == pytest.approx(2.063 * expected)


@given(case=cases())
def test_shares_sum_to_one_and_the_shortfall_is_of_the_volatility(case: Case) -> None:
    engine = case.engine()
    answer = engine.allocate(case.batch)
    engine.close()
    risk = answer["risk"]
    assert risk["es_95"] == pytest.approx(2.063 * risk["volatility"])
    assert risk["es_95"] < math.inf
    held = {symbol for symbol, usd in answer["allocations"].items() if usd}
    assert risk["contributions"].keys() <= held
    if risk["volatility"]:
        assert math.fsum(risk["contributions"].values()) == pytest.approx(1.0)
