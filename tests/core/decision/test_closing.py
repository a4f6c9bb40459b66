"""When a position is closed whatever its price."""

import pytest

from app.core.decision.closing import ALL_SIZED, Rule, find_unsized
from app.core.decision.prices import PriceView
from app.core.types import TradingState
from tests.strategies import make_batch, make_signal

ACTIVE, REDUCING, HALTED = TradingState
GIVEN = PriceView(1.0, "given", 0.0, 1.0, doubted=False, known=1.0)


@pytest.mark.parametrize(
    ("rule", "units", "wanted", "closed"),
    [
        (Rule(ACTIVE, closes_all=False, allow_short=True), 5.0, {-1.0}, True),
        (Rule(REDUCING, closes_all=False, allow_short=True), 5.0, {-1.0}, True),
        (Rule(HALTED, closes_all=False, allow_short=True), 5.0, {-1.0}, False),
        (Rule(ACTIVE, closes_all=False, allow_short=True), -5.0, {1.0}, True),
        (Rule(ACTIVE, closes_all=False, allow_short=True), 5.0, {-1.0, 1.0}, False),
        (Rule(ACTIVE, closes_all=False, allow_short=True), 5.0, set(), False),
        (Rule(HALTED, closes_all=True, allow_short=True), 5.0, set(), True),
        (Rule(HALTED, closes_all=False, allow_short=False), -5.0, set(), True),
    ],
)
def test_a_position_is_closed_where_all_signals_are_against_it_or_every_target_is_zero(
    rule: Rule,
    units: float,
    wanted: set[float],
    closed: bool,  # noqa: FBT001 - a case
) -> None:
    assert rule.closes(units, wanted) is closed


def test_where_every_price_is_believed_and_every_stamp_in_time_all_is_sized() -> None:
    batch = make_batch(make_signal(), positions={"BTC-USD": 1.0})
    rule = Rule(ACTIVE, closes_all=False, allow_short=False)
    assert find_unsized(batch, {"BTC-USD": GIVEN}, {}, rule) is ALL_SIZED
