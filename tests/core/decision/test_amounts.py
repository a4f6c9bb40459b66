"""Targets in units and USD, in whole lots where there are lots."""

from dataclasses import replace

import pytest

from app.core.decision.targets import amounts_of, fraction_notices
from app.core.params import TradingParams
from tests.core.decision.batches import EXIT, HALTED, HALVED, PARAMS, Desk, hold, wish

BUY = wish("one", "A", 0.1)
LOTS = TradingParams(default_lot_size=4.0)


def test_a_target_of_exactly_the_current_weight_keeps_the_exact_quantity() -> None:
    desk = Desk(replace(PARAMS, trading=TradingParams(no_trade_band_pct=0.02)))
    changes = {"positions": {"A": 89.99999999999999}, "prices": {"A": 100.0}}
    targets = desk.targets(BUY, **changes)
    amounts = amounts_of(desk.observe(BUY, **changes), targets)
    assert amounts == {"A": (8999.999999999998, 89.99999999999999, 0.0)}


def test_other_targets_come_to_their_value_over_the_price() -> None:
    desk = Desk()
    targets = desk.targets(BUY, held={"A": 0.05})
    ((usd, quantity, trade),) = amounts_of(desk.observe(BUY, held={"A": 0.05}), targets).values()
    assert usd == targets.weights["A"] * 100_000.0
    assert quantity == usd / 100.0
    assert trade == quantity - 50.0


def test_closing_without_a_price_trades_minus_what_is_held() -> None:
    changes = {"positions": {"Z": 3.25}, "prices": {"A": 100.0}, "cascade": EXIT}
    desk = Desk(replace(PARAMS, trading=LOTS))
    amounts = amounts_of(desk.observe(BUY, **changes), desk.targets(BUY, **changes))
    assert amounts == {"A": (0.0, 0.0, 0.0), "Z": (0.0, 0.0, -3.25)}


def test_what_a_limit_cuts_of_the_held_is_whole_lots_and_its_parts_add_up() -> None:
    desk = Desk(replace(PARAMS, trading=LOTS))
    signals = (hold("one", "A"), hold("two", "A"), hold("one", "B"))
    changes = {"held": {"A": 0.2, "B": 0.055}, "cascade": HALVED}
    targets = desk.targets(*signals, **changes)
    # half of 15 % is 75 units, 18 lots of 4; 55 units are within the limit and stay
    assert targets.weights == {"A": pytest.approx(0.072), "B": 0.055}
    assert targets.parts == pytest.approx([0.036, 0.036, 0.055])
    assert targets.orders == {"A": (72.0, -128.0)}
    assert [(notice.what, notice.symbol) for notice in targets.notices] == [("lot", "A")]
    amounts = amounts_of(desk.observe(*signals, **changes), targets)
    assert amounts == {"A": (7200.0, 72.0, -128.0), "B": (5500.0, 55.0, 0.0)}


def test_halted_cuts_to_whole_lots_too() -> None:
    targets = Desk(replace(PARAMS, trading=LOTS), HALTED).targets(BUY, held={"A": 0.155, "B": 0.01})
    assert targets.weights == {"A": pytest.approx(0.148), "B": 0.01}
    assert targets.orders == {"A": (148.0, -7.0)}
    assert targets.parts == pytest.approx([0.148])


def test_fractions_of_a_lot_are_named_whether_they_are_traded_or_not() -> None:
    desk = Desk(replace(PARAMS, trading=LOTS))
    changes = {"held": {"A": 0.01, "B": 0.02, "C": 0.012, "D": 0.0121}}
    signals = (BUY, wish("one", "D", -0.001))
    targets, seen = desk.targets(*signals, **changes), desk.observe(*signals, **changes)
    told = [
        (notice.what, notice.symbol, notice.detail) for notice in fraction_notices(seen, targets)
    ]
    assert told == [
        ("lot", "A", "the trade of A, 90, is no multiple of its lot 4"),
        ("lot", "D", "the trade of D, -12.1, is no multiple of its lot 4"),
    ]
    kept = {"held": {"B": 0.02, "E": 0.0101}}
    (notice,) = fraction_notices(desk.observe(**kept), desk.targets(**kept))
    assert notice.detail == "E stays at 10.1, which is no multiple of its lot 4"


def test_without_lots_no_fraction_is_named() -> None:
    desk = Desk()
    seen = desk.observe(BUY, held={"A": 0.0123})
    assert list(fraction_notices(seen, desk.targets(BUY, held={"A": 0.0123}))) == []
