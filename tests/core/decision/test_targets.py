"""Targets of every symbol, in each trading state."""

import itertools
from dataclasses import replace
from math import copysign

import pytest

from app.core.beliefs import TradingStatus
from app.core.decision.finish import finish
from app.core.decision.targets import (
    build_targets,
    held_parts,
    missing_targets,
)
from app.core.limits import HeldBook
from app.core.params import BrakeParams, LimitParams, TradingParams
from app.core.signals import tabulate
from app.core.types import CascadeIndicators, Notice
from tests.core.decision.batches import (
    ACTIVE,
    EXIT,
    FLATTENED,
    HALTED,
    HALVED,
    NO_POLICY,
    PARAMS,
    REDUCING,
    Desk,
    batch_of,
    hold,
    owned_position,
    wish,
)

BUY = wish("one", "A", 0.1)
LOTS = TradingParams(default_lot_size=4.0)
JUMPS = replace(PARAMS, brakes=BrakeParams(price_jump_from=0.2))


def told_without(rest: str) -> Notice:
    """Notice of symbols that have no target."""
    return Notice(None, None, f"current_positions was not given: {rest}")


def test_a_buy_alone_has_its_size_as_target_and_owns_all_of_it() -> None:
    targets = Desk().targets(BUY)
    assert targets.weights == {"A": pytest.approx(0.1)}
    assert targets.parts == pytest.approx([0.1])
    assert targets.beside == {}


def test_two_strategies_on_a_symbol_share_the_larger_size_in_proportion_to_theirs() -> None:
    targets = Desk().targets(BUY, wish("two", "A", 0.05))
    assert targets.weights == {"A": pytest.approx(0.1)}
    assert targets.parts == pytest.approx([0.1 * 2 / 3, 0.1 / 3])


def test_a_seller_takes_from_the_size_and_owns_nothing_of_a_long() -> None:
    targets = Desk().targets(BUY, wish("two", "A", -0.04))
    assert targets.weights == {"A": pytest.approx(0.06)}
    assert targets.parts == pytest.approx([0.06, 0.0])


def test_directional_held_and_unnamed_symbols_all_have_targets() -> None:
    targets = Desk().targets(
        wish("one", "C", -0.1), hold("two", "B"), BUY, held={"B": 0.05, "Z": -0.02}
    )
    assert targets.weights == {
        "A": pytest.approx(0.1),
        "B": 0.05,
        "C": pytest.approx(-0.1),
        "Z": -0.02,
    }
    assert targets.parts == pytest.approx([0.1, 0.05, -0.1])
    assert targets.beside == {}


def test_a_hold_of_a_symbol_that_is_not_held_has_zero_as_target() -> None:
    targets = Desk().targets(hold("one", "B"), held={})
    assert targets.weights == {"B": 0.0}
    assert targets.parts.tolist() == [0.0]


def test_a_sell_closes_a_long_where_shorts_are_off_and_the_zero_has_no_sign() -> None:
    desk = Desk(replace(PARAMS, limits=LimitParams()))
    targets = desk.targets(wish("one", "A", -0.1), held={"A": 0.1})
    assert targets.weights == {"A": 0.0}
    assert copysign(1.0, targets.weights["A"]) == 1.0
    assert targets.parts.tolist() == [0.0]


def test_the_cascade_scales_targets() -> None:
    targets = Desk().targets(BUY, hold("two", "B"), held={"B": 0.15}, cascade=HALVED)
    assert targets.weights == {"A": pytest.approx(0.05), "B": 0.075}


def test_exit_leaves_a_short_no_signed_zero() -> None:
    targets = Desk().targets(wish("one", "A", -0.1), cascade=EXIT)
    assert copysign(1.0, targets.weights["A"]) == 1.0


@pytest.mark.parametrize("held", [None, {"A": 0.1, "B": 0.05}])
def test_exit_makes_every_target_zero(held: dict[str, float] | None) -> None:
    targets = Desk().targets(BUY, hold("one", "B"), held=held, cascade=EXIT)
    assert targets.weights == {"A": 0.0, "B": 0.0}
    assert targets.parts.tolist() == [0.0, 0.0]


def test_halted_targets_the_current_positions() -> None:
    targets = Desk(status=HALTED).targets(
        BUY,
        wish("two", "B", -0.1),
        wish("two", "C", 0.1),
        hold("three", "D"),
        held={"A": 0.03, "B": 0.04, "D": -0.05, "Z": 0.01},
    )
    assert targets.weights == {"A": 0.03, "B": 0.04, "C": 0.0, "D": -0.05, "Z": 0.01}
    assert targets.parts.tolist() == [0.03, 0.0, 0.0, -0.05]
    # a SELL owns no long, and nobody was asked about Z
    assert targets.beside == {"B": {None: 0.04}}


def test_halted_and_flat_targets_zero_for_every_symbol_with_a_signal() -> None:
    targets = Desk(status=HALTED).targets(BUY, held={})
    assert targets.weights == {"A": 0.0}
    assert targets.beside == {}


@pytest.mark.parametrize("status", [HALTED, REDUCING])
def test_without_positions_neither_halted_nor_reducing_has_a_target(status: TradingStatus) -> None:
    desk = Desk(status=status)
    targets = desk.targets(BUY, hold("two", "B"))
    assert targets.weights == {}
    assert targets.parts.tolist() == [0.0, 0.0]
    assert targets.beside == {}


@pytest.mark.parametrize("status", [HALTED, REDUCING])
def test_exit_without_positions_has_targets_in_every_state(status: TradingStatus) -> None:
    desk = Desk(status=status)
    assert desk.targets(BUY, cascade=EXIT).weights == {"A": 0.0}
    assert missing_targets(desk.observe(BUY, cascade=EXIT)) is None


@pytest.mark.parametrize("held", [None, {"A": 0.1, "Z": -0.05}])
def test_flatten_targets_zero_with_and_without_positions(held: dict[str, float] | None) -> None:
    targets = Desk(status=FLATTENED).targets(BUY, held=held)
    assert targets.weights == dict.fromkeys(held or ("A",), 0.0)
    assert targets.parts.tolist() == [0.0]
    assert targets.beside == {}


def test_reducing_lets_symbols_go_down_and_never_up() -> None:
    targets = Desk(status=REDUCING).targets(
        BUY,
        wish("one", "B", 0.02),
        wish("one", "C", -0.1),
        wish("one", "D", 0.1),
        held={"A": 0.03, "B": 0.05, "C": 0.04, "Z": 0.01},
    )
    assert targets.weights == {
        "A": pytest.approx(0.03),
        "B": pytest.approx(0.02),
        "C": 0.0,
        "D": 0.0,
        "Z": 0.01,
    }


def test_a_doubted_price_leaves_its_symbol_no_target_where_positions_are_not_given() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 200.0, "B": 100.0})
    signals = (BUY, wish("one", "B", 0.1))
    targets = desk.targets(*signals)
    assert targets.weights == {"B": pytest.approx(0.1)}
    assert targets.parts == pytest.approx([0.0, 0.1])


def test_a_doubted_symbol_that_is_only_sold_has_zero_as_target_where_shorts_are_off() -> None:
    desk = Desk(replace(JUMPS, limits=LimitParams()))
    desk.know({"A": 200.0, "B": 200.0})
    # without positions: whatever is held of A is a long and to be closed
    sells = (wish("one", "A", -0.1), hold("two", "A"))
    mixed = (wish("one", "B", -0.1), wish("two", "B", 0.1))
    seen = desk.observe(*sells, *mixed)
    assert missing_targets(seen) == told_without("no target for B")
    assert desk.targets(*sells, *mixed).weights == {"A": 0.0}


def test_a_doubted_price_keeps_its_position_as_it_is() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 200.0, "B": 100.0})
    targets = desk.targets(BUY, wish("one", "B", 0.1), held={"A": 0.03})
    # 30 units at the 200 USD that are believed
    assert targets.weights == {"A": 0.06, "B": pytest.approx(0.1)}
    assert targets.parts == pytest.approx([0.06, 0.1])
    assert targets.beside == {}


def test_a_doubted_price_opens_nothing() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 200.0})
    targets = desk.targets(BUY, held={})
    assert targets.weights == {"A": 0.0}
    assert targets.parts.tolist() == [0.0]


def test_a_position_that_stays_against_its_signals_belongs_to_none_of_them() -> None:
    desk = Desk(JUMPS, HALTED)
    desk.know({"A": 200.0})
    targets = desk.targets(wish("one", "A", -0.1), held={"A": 0.03})
    assert targets.weights == {"A": 0.06}
    assert targets.beside == {"A": {None: 0.06}}


@pytest.mark.parametrize("status", [ACTIVE, REDUCING])
def test_a_sell_closes_a_position_whose_price_is_doubted(status: TradingStatus) -> None:
    desk = Desk(JUMPS, status)
    desk.know({"A": 200.0})
    targets = desk.targets(wish("one", "A", -0.1), held={"A": 0.03})
    assert targets.weights == {"A": 0.0}
    assert targets.parts.tolist() == [0.0]
    assert targets.beside == {}


def test_a_buy_closes_a_short_whose_price_is_doubted() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 200.0})
    assert desk.targets(BUY, held={"A": -0.03}).weights == {"A": 0.0}


def test_a_sell_closes_a_position_without_any_price_and_opens_no_short() -> None:
    sell = wish("one", "Z", -0.1)
    targets = Desk().targets(BUY, sell, positions={"Z": 3.0}, prices={"A": 100.0})
    assert targets.weights == {"A": pytest.approx(0.1), "Z": 0.0}
    assert copysign(1.0, targets.weights["Z"]) == 1.0
    assert targets.parts == pytest.approx([0.1, 0.0])


@pytest.mark.parametrize("status", [ACTIVE, REDUCING, HALTED])
def test_a_position_that_is_set_apart_has_no_target(status: TradingStatus) -> None:
    desk = Desk(status=status)
    signals = (BUY, hold("two", "Z"))
    targets = desk.targets(*signals, positions={"A": 30.0, "Z": 3.0}, prices={"A": 100.0})
    assert list(targets.weights) == ["A"]


@pytest.mark.parametrize("action", ["EXIT", "flatten"])
def test_what_makes_every_target_zero_closes_what_is_doubted_and_what_has_no_price(
    action: str,
) -> None:
    desk = Desk(JUMPS, FLATTENED if action == "flatten" else ACTIVE)
    desk.know({"A": 200.0})
    cascade = EXIT if action == "EXIT" else CascadeIndicators()
    held = {"positions": {"A": 30.0, "Z": -3.0}, "prices": {"A": 100.0}}
    targets = desk.targets(BUY, cascade=cascade, **held)
    assert targets.weights == {"A": 0.0, "Z": 0.0}
    assert targets.parts.tolist() == [0.0]
    assert targets.beside == {}


def test_exit_closes_a_doubted_symbol_where_positions_are_not_given() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 200.0})
    assert desk.targets(BUY, cascade=EXIT).weights == {"A": 0.0}


@pytest.mark.parametrize(("status", "state"), [(HALTED, "HALTED"), (REDUCING, "REDUCING")])
def test_a_state_without_targets_is_told_with_its_symbols(
    status: TradingStatus, state: str
) -> None:
    seen = Desk(status=status).observe(wish("one", "B", 0.1), BUY)
    assert missing_targets(seen) == Notice(
        None,
        None,
        f"trading is {state} and current_positions was not given: no target for A, B",
    )


def test_a_state_without_targets_and_without_signals_is_told_too() -> None:
    assert missing_targets(Desk(status=HALTED).observe()) == Notice(
        None,
        None,
        "trading is HALTED and current_positions was not given: no target for any symbol",
    )


def test_at_most_20_symbols_without_a_target_are_named() -> None:
    names = [f"S{place:02}" for place in range(25)]
    signals = [wish("one", name, 0.01) for name in names]
    named = ", ".join(names[:20])
    told = missing_targets(Desk(status=HALTED).observe(*signals))
    assert told is not None
    assert told.detail.endswith(f"no target for {named}")
    desk = Desk(JUMPS)
    desk.know(dict.fromkeys(names, 200.0))
    assert missing_targets(desk.observe(*signals)) == told_without(f"no target for {named}")


def test_every_symbol_has_a_target_where_positions_are_given_or_trading_is_active() -> None:
    assert missing_targets(Desk().observe(BUY)) is None
    for status in (HALTED, REDUCING):
        assert missing_targets(Desk(status=status).observe(BUY, held={})) is None
    desk = Desk(JUMPS)
    desk.know({"A": 200.0})
    assert missing_targets(desk.observe(BUY, held={})) is None


def test_parts_of_held_positions_lie_with_the_signals_of_their_owners() -> None:
    table, _ = tabulate(
        batch_of(
            wish("buys", "A", 0.1),
            wish("buys", "A", 0.2),
            hold("buys", "A"),
            hold("holds", "A"),
            wish("sells", "A", -0.1),
            hold("idle", "B"),
        )
    )
    shares = {"buys": 0.4, "holds": 0.3, "sells": 0.2, "silent": 0.1}
    book = HeldBook({"A": shares, "B": {}, "C": {"silent": 1.0}, "D": {"silent": 1.0}})
    for symbol, weight in {"A": 1.0, "B": -0.5, "C": 0.25, "D": 0.0}.items():
        book.hold(symbol, weight)
    parts, beside = held_parts(book, table)
    # rows of A: the HOLD and the two BUYs of `buys`, then holds, sells; a SELL carries no long
    assert sorted(parts.tolist()) == [0.0, 0.0, 0.0, 0.2, 0.2, 0.3]
    assert [one.strategy_id for one in itertools.compress(table.signals, parts)] == [
        "buys", "buys", "holds",
    ]  # fmt: skip
    assert beside == {
        "A": {"sells": 0.2, "silent": pytest.approx(0.1)},
        "B": {None: -0.5},
        "C": {"silent": 0.25},
    }


def test_without_held_positions_no_part_lies_anywhere() -> None:
    parts, beside = held_parts(HeldBook(), tabulate(batch_of(BUY))[0])
    assert parts.tolist() == [0.0]
    assert beside == {}


def test_owners_that_sent_nothing_count_among_the_strategies_and_their_gross() -> None:
    desk = Desk()
    desk.beliefs.owners.learn([owned_position("Z", -2.0, two=-0.5, silent=-1.5)])
    drafted = desk.draft(BUY, wish("two", "B", 0.05), held={"Z": -0.04})
    targets = build_targets(drafted, finish(drafted, NO_POLICY).final)
    assert targets.weights["Z"] == -0.04
    assert targets.beside == {"Z": {"two": pytest.approx(-0.01), "silent": pytest.approx(-0.03)}}
    table = drafted.observed.table
    assert targets.strategies(table) == ("one", "two", "silent")
    assert targets.gross_by_strategy(table) == {
        "one": pytest.approx(0.1),
        "two": pytest.approx(0.06),
        "silent": pytest.approx(0.03),
    }
