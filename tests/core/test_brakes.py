"""Sanity brakes: when each acts, what it leaves, and the sentence that says why."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.books.values import ValueBook
from app.core.brakes import Braking, assess_brakes, price_jumps, strictest
from app.core.params import BrakeParams
from app.core.types import Batch, TradingState
from tests.strategies import NOW_NS, make_batch

ACTIVE, REDUCING, HALTED = TradingState
PRICES = {"A": 100.0, "B": 100.0}


def batch_worth(value: float) -> Batch:
    return make_batch(portfolio_value=value)


def assessed(
    *values: float, params: BrakeParams | None = None, switch: TradingState = ACTIVE
) -> Braking:
    """Assess the last of these values after the others were heard on the same day."""
    params, book = params or BrakeParams(), ValueBook()
    for value in values:
        book.observe(value, NOW_NS, NOW_NS, params)
    return assess_brakes(switch, batch_worth(values[-1]), book, {}, params)


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ({"A": 100.0}, []),
        ({"A": 81.0}, ["A"]),
        ({"A": 125.0}, ["A"]),
        ({"A": 126.0, "B": 60.0}, ["A", "B"]),
        ({"A": 124.9}, []),
        ({"A": 83.4}, []),
        ({"A": None}, []),
        ({}, []),
    ],
)
def test_a_price_jumps_that_moved_by_a_fifth_of_the_last_known(
    known: dict[str, float | None], found: list[str]
) -> None:
    assert sorted(price_jumps(PRICES, known, 0.2)) == found


def test_a_jump_is_the_move_from_the_last_known_price() -> None:
    assert price_jumps(PRICES, {"A": 50.0}, 0.5) == {"A": pytest.approx(1.0)}
    assert price_jumps({"A": 1e308}, {"A": 1e-308}, 0.5) == {"A": math.inf}


def test_without_the_setting_no_move_is_a_jump() -> None:
    assert price_jumps(PRICES, {"A": 1e-9}, 0.0) == {}


def test_by_default_nothing_brakes_whatever_happens_to_the_value() -> None:
    assert assessed(1e9, 1.0) == Braking()


@pytest.mark.parametrize(
    ("value", "state"), [(100.0, ACTIVE), (90.1, ACTIVE), (90.0, REDUCING), (11.0, REDUCING)]
)
def test_a_daily_loss_lets_nothing_grow(value: float, state: TradingState) -> None:
    found = assessed(100.0, value, params=BrakeParams(daily_loss_from=0.1))
    assert found.state is state
    assert len(found.reasons) == (state is REDUCING)


def test_a_daily_loss_holds_when_the_value_comes_back() -> None:
    found = assessed(100.0, 89.0, 100.0, params=BrakeParams(daily_loss_from=0.1))
    assert found.state is REDUCING
    assert "lost 11 % of 100 today" in found.reasons[0]


@pytest.mark.parametrize(("value", "state"), [(50.0, ACTIVE), (49.9, REDUCING)])
def test_a_collapse_of_the_value_lets_nothing_grow(value: float, state: TradingState) -> None:
    found = assessed(100.0, value, params=BrakeParams(collapse_below=0.5))
    assert found.state is state
    assert any("is below 0.5 of the last one, 100" in reason for reason in found.reasons) is (
        state is REDUCING
    )


def test_a_drawdown_multiplies_and_says_so() -> None:
    found = assessed(100.0, 80.0, params=BrakeParams(drawdown_from=0.2, drawdown_multiplier=0.3))
    assert (found.state, found.multiplier) == (ACTIVE, 0.3)
    assert (
        "80 is 20 % below its peak 100: sizes and limits are multiplied by 0.3"
        in (found.reasons[0])
    )


def test_jumps_are_named_in_order_with_their_move() -> None:
    params = BrakeParams(price_jump_from=0.2)
    found = assess_brakes(
        ACTIVE, batch_worth(1.0), ValueBook(), {"B": 0.25, "A": -0.5, "C": math.inf}, params
    )
    assert found.reduce_only == {"A", "B", "C"}
    assert [reason[:32] for reason in found.reasons] == [
        "price of A moved by -50 % from t",
        "price of B moved by 25 % from th",
        "price of C moved by more than ca",
    ]


@pytest.mark.parametrize("switch", TradingState)
def test_the_strictest_of_switch_and_brakes_wins(switch: TradingState) -> None:
    params = BrakeParams(daily_loss_from=0.1)
    assert assessed(100.0, 50.0, params=params, switch=switch).state is (
        HALTED if switch is HALTED else REDUCING
    )
    assert assessed(100.0, 100.0, params=params, switch=switch).state is switch


def test_strictness_is_ordered() -> None:
    assert strictest(ACTIVE, HALTED, REDUCING) is HALTED
    assert strictest(ACTIVE, REDUCING) is REDUCING
    assert strictest(ACTIVE) is ACTIVE


@given(
    values=st.lists(st.floats(1e-3, 1e9), min_size=1, max_size=8),
    switch=st.sampled_from(TradingState),
    limits=st.tuples(*[st.sampled_from((0.0, 0.05, 0.5))] * 3),
)
def test_brakes_never_loosen_and_each_that_acts_gives_its_reason(
    values: list[float], switch: TradingState, limits: tuple[float, float, float]
) -> None:
    drawdown, daily, collapse = limits
    params = BrakeParams(drawdown_from=drawdown, daily_loss_from=daily, collapse_below=collapse)
    found = assessed(*values, params=params, switch=switch)
    assert strictest(found.state, switch) is found.state
    assert 0.0 <= found.multiplier <= 1.0
    acts = found.state is not switch or found.multiplier < 1.0
    assert bool(found.reasons) >= acts
