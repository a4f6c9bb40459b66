"""Sanity brakes: when each acts, what it leaves, and the sentence that says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.books.values import ValueBook, ValueReport
from app.core.brakes import Braking, assess_brakes, strictest
from app.core.params import BrakeParams
from app.core.types import Batch, Notice, TradingState
from tests.strategies import NOW_NS, make_batch

ACTIVE, REDUCING, HALTED = TradingState


def batch_worth(value: float) -> Batch:
    return make_batch(portfolio_value=value)


def assessed(
    *values: float, params: BrakeParams | None = None, switch: TradingState = ACTIVE
) -> Braking:
    """Assess the last of these values after the others were heard on the same day."""
    params, book = params or BrakeParams(), ValueBook()
    report = ValueReport(values[-1], believed=True, confirmed=False)
    for value in values:
        report = book.observe(value, NOW_NS, NOW_NS, params)
    found = assess_brakes(batch_worth(values[-1]), report, book, params)
    return found.under(switch, flatten=False)


def test_by_default_nothing_brakes_whatever_happens_to_the_value() -> None:
    assert assessed(1e9, 2e8) == Braking()


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
    assert "lost 11 % of 100 today" in found.reasons[0].detail


@pytest.mark.parametrize(("value", "state"), [(50.0, ACTIVE), (49.9, REDUCING)])
def test_a_collapse_of_the_value_lets_nothing_grow(value: float, state: TradingState) -> None:
    found = assessed(100.0, value, params=BrakeParams(collapse_below=0.5))
    assert found.state is state
    assert [reason.what for reason in found.reasons] == ["value_disbelieved"] * (state is REDUCING)


@pytest.mark.parametrize("value", [9.9, 1001.0])
def test_a_value_beyond_ten_times_either_way_lets_nothing_grow_and_says_what_is_used(
    value: float,
) -> None:
    found = assessed(100.0, value)
    assert found.state is REDUCING
    (reason,) = found.reasons
    assert reason.what == "value_disbelieved"
    assert f"{value:g} is not believed, the last believed one, 100, is used" in reason.detail


def test_flatten_leaves_nothing_and_says_so_first() -> None:
    found = Braking(REDUCING, 0.5, (Notice(None, None, "loss"),)).under(HALTED, flatten=True)
    assert (found.state, found.multiplier) == (HALTED, 0.0)
    assert [reason.detail for reason in found.reasons] == [
        "trading is HALTED with flatten: every target is zero",
        "loss",
    ]


def test_a_drawdown_multiplies_and_says_so() -> None:
    found = assessed(100.0, 80.0, params=BrakeParams(drawdown_from=0.2, drawdown_multiplier=0.3))
    assert (found.state, found.multiplier) == (ACTIVE, 0.3)
    assert (
        "80 is 20 % below its peak 100: sizes and limits are multiplied by 0.3"
        in found.reasons[0].detail
    )


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
