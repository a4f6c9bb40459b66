"""What is closed, set apart, idle or refused where prices are doubted or missing."""

from typing import Any

import pytest

from app.core.decision.closing import ALL_SIZED, Rule, Unsized, find_unsized
from app.core.decision.prices import PriceView
from app.core.types import Action, Notice, Signal, TradingState
from tests.core.decision.batches import batch_of, hold, wish

FREE = Rule(TradingState.ACTIVE, closes_all=False, allow_short=True)
HALTED = FREE._replace(state=TradingState.HALTED)
GIVEN = PriceView(100.0, "given", 0.0, 100.0, doubted=False, known=100.0)
DOUBTED = PriceView(100.0, "last", 60.0, 500.0, doubted=True, known=100.0)
MISSING = PriceView(None, "none", None, None, doubted=False, known=None)
TOO_OLD = PriceView(None, "none", None, None, doubted=False, known=80.0)
DOUBTED_TOO_OLD = PriceView(None, "none", None, 500.0, doubted=True, known=80.0)
BUY = wish("one", "A", 0.1)
SELL = wish("two", "A", -0.1)


def found(
    *signals: Signal,
    units: float | None,
    view: PriceView,
    rule: Rule = FREE,
    faults: dict[int, str] | None = None,
) -> Unsized:
    """Find what becomes of A, of which these units are held."""
    batch = batch_of(*signals, positions=None if units is None else {"A": units})
    return find_unsized(batch, {"A": view}, faults or {}, rule)


@pytest.mark.parametrize(
    ("units", "wanted", "changes", "closes"),
    [
        (1.0, (), {}, False),
        (1.0, (-1.0,), {}, True),
        (1.0, (1.0,), {}, False),
        (1.0, (-1.0, 1.0), {}, False),
        (-1.0, (1.0,), {}, True),
        (-1.0, (-1.0,), {}, False),
        (-1.0, (-1.0,), {"allow_short": False}, True),
        (-1.0, (), {"allow_short": False}, True),
        (1.0, (), {"allow_short": False}, False),
        (1.0, (1.0,), {"closes_all": True}, True),
        (1.0, (-1.0,), {"state": TradingState.REDUCING}, True),
        (1.0, (-1.0,), {"state": TradingState.HALTED}, False),
        (1.0, (), {"state": TradingState.HALTED, "closes_all": True}, True),
        (-1.0, (), {"state": TradingState.HALTED, "allow_short": False}, True),
    ],
)
def test_a_position_closes_where_every_direction_the_rule_or_shorts_are_against_it(
    units: float, wanted: tuple[float, ...], changes: dict[str, Any], *, closes: bool
) -> None:
    assert FREE._replace(**changes).closes(units, wanted) is closes


def test_nothing_is_unsized_where_every_price_is_believed() -> None:
    assert found(SELL, units=1.0, view=GIVEN) is ALL_SIZED


@pytest.mark.parametrize("view", [DOUBTED, MISSING, TOO_OLD, DOUBTED_TOO_OLD])
def test_a_sell_closes_its_long_and_is_kept_without_a_size(view: PriceView) -> None:
    assert found(SELL, units=1.0, view=view) == Unsized(closed=frozenset("A"), idle=frozenset("A"))


def test_a_hold_beside_a_sell_does_not_keep_the_position() -> None:
    assert found(SELL, hold("one", "A"), units=1.0, view=MISSING).closed == {"A"}


@pytest.mark.parametrize(
    ("view", "reason"),
    [
        (MISSING, "no usable price in current_prices"),
        (
            TOO_OLD,
            "no usable price in current_prices, and the last known one, 80, is too old",
        ),
        (
            DOUBTED_TOO_OLD,
            "price 500 is not believed, and the last believed one, 80, is too old",
        ),
    ],
)
def test_a_buy_of_a_long_without_a_price_is_refused_and_the_long_set_apart(
    view: PriceView, reason: str
) -> None:
    assert found(BUY, units=1.0, view=view) == Unsized(set_apart=("A",), refused={0: reason})


def test_a_long_whose_price_is_doubted_stays_with_its_signals_idle() -> None:
    assert found(BUY, SELL, units=1.0, view=DOUBTED) == Unsized(idle=frozenset("A"))


def test_mixed_signals_without_a_price_are_refused_and_the_position_stands() -> None:
    seen = found(BUY, SELL, units=1.0, view=MISSING)
    assert seen.closed == frozenset()
    assert seen.set_apart == ("A",)
    assert seen.refused == {
        0: "no usable price in current_prices",
        1: "no usable price in current_prices: its position stays open against it",
    }
    told = "the position in A stays open against its signal: see rejected_signals"
    assert seen.notices == (Notice("left_standing", "A", told),)


def test_halted_leaves_a_position_open_against_its_sell_and_says_so() -> None:
    seen = found(SELL, units=1.0, view=MISSING, rule=HALTED)
    assert seen.closed == frozenset()
    assert seen.set_apart == ("A",)
    told = "the position in A stays open against its signal: trading is HALTED"
    assert seen.notices == (Notice("left_standing", "A", told),)


@pytest.mark.parametrize("units", [None, 0.0])
def test_what_is_not_held_is_neither_closed_nor_set_apart(units: float | None) -> None:
    seen = found(SELL, units=units, view=MISSING)
    assert seen == Unsized(refused={0: "no usable price in current_prices"})


def test_a_refused_sell_closes_a_position_without_a_price_where_no_other_signal_speaks() -> None:
    seen = found(SELL, units=1.0, view=MISSING, faults={0: "too old"})
    assert seen.closed == {"A"}
    assert seen.refused == {0: "too old: its position is closed all the same"}


def test_a_refused_sell_counts_nothing_where_a_taken_signal_speaks() -> None:
    seen = found(SELL, BUY, units=1.0, view=GIVEN, faults={0: "too old"})
    assert seen.closed == frozenset()
    assert seen.refused == {0: "too old"}
    assert seen.notices == ()


def test_a_refused_strong_sell_closes_as_a_plain_one_does() -> None:
    strong = wish("two", "A", -0.1, action=Action.STRONG_SELL)
    assert found(strong, units=1.0, view=MISSING).closed == {"A"}
