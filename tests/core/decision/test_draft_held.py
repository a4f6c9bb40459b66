"""Held positions of a draft: whose they are, in every trading state."""

from dataclasses import replace

import pytest

from app.core.decision.draft import Draft, halted_book
from app.core.limits import HeldBook
from app.core.params import BrakeParams
from app.core.types import Signal
from tests.core.decision.batches import (
    EXIT,
    HALTED,
    HALVED,
    PARAMS,
    Desk,
    hold,
    owned_position,
    wish,
)

BUY = wish("one", "A", 0.1)
JUMPS = replace(PARAMS, brakes=BrakeParams(price_jump_from=0.2))


def test_a_held_symbol_with_a_hold_belongs_to_its_strategy_and_uses_its_limits() -> None:
    drafted = Desk().draft(BUY, hold("two", "B"), held={"B": 0.05})
    assert drafted.held.weights == {"B": 0.05}
    assert drafted.held.owned == {("B", "two"): 0.05}
    assert drafted.held.use.of("strategy") == {"two": 0.05}
    assert drafted.held.use.of("portfolio") == {"portfolio": 0.05}
    assert drafted.portfolio.symbols == ["A"]


def test_two_holds_share_a_held_symbol_equally() -> None:
    drafted = Desk().draft(hold("one", "B"), hold("two", "B"), held={"B": 0.05})
    assert drafted.held.owned == {("B", "one"): 0.025, ("B", "two"): 0.025}


def test_a_held_symbol_that_no_signal_names_belongs_to_nobody() -> None:
    drafted = Desk().draft(BUY, held={"Z": -0.05})
    assert drafted.held.weights == {"Z": -0.05}
    assert drafted.held.owned == {}


def test_a_held_symbol_that_a_directional_signal_names_is_not_kept_apart() -> None:
    drafted = Desk().draft(BUY, hold("two", "A"), held={"A": 0.05})
    assert drafted.held.weights == {}
    assert drafted.held.owned == {}


def halted(drafted: Draft) -> HeldBook:
    """Book of HALTED's targets."""
    return halted_book(drafted.observed, drafted.owners, drafted.closed)


def test_halted_keeps_every_position_with_the_signals_of_its_side_as_owners() -> None:
    book = halted(
        Desk(status=HALTED).draft(
            wish("buys", "A", 0.1),
            wish("sells", "A", -0.1),
            hold("holds", "A"),
            hold("holds", "B"),
            wish("sells", "C", -0.1),
            wish("buys", "D", 0.1),
            wish("buys", "E", 0.1),
            held={"A": 0.05, "B": 0.04, "C": -0.03, "D": -0.02, "Z": 0.01},
        )
    )
    assert book.weights == {"A": 0.05, "B": 0.04, "C": -0.03, "D": -0.02, "Z": 0.01}
    assert book.owned == {("A", "buys"): 0.05, ("B", "holds"): 0.04, ("C", "sells"): -0.03}


def test_halted_keeps_the_owners_of_before_whatever_the_signals_say() -> None:
    desk = Desk(status=HALTED)
    desk.beliefs.owners.learn([owned_position("A", 4.0, sells=1.0, silent=3.0)])
    book = halted(desk.draft(wish("sells", "A", -0.1), wish("buys", "A", 0.1), held={"A": 0.08}))
    assert book.owned == {("A", "sells"): 0.02, ("A", "silent"): 0.06}


def test_halted_cuts_positions_to_the_scaled_limits() -> None:
    drafted = Desk(status=HALTED).draft(BUY, held={"A": 0.2, "B": -0.2}, cascade=HALVED)
    assert halted(drafted).weights == {"A": 0.075, "B": -0.075}


def test_halted_and_exit_together_close_everything() -> None:
    drafted = Desk(status=HALTED).draft(BUY, held={"A": 0.2}, cascade=EXIT)
    assert halted(drafted).weights == {"A": 0.0}


def test_halted_and_flat_holds_nothing() -> None:
    book = halted(Desk(status=HALTED).draft(BUY))
    assert book.weights == {}
    assert book.owned == {}


def test_halted_holds_nothing_of_what_is_closed() -> None:
    drafted = Desk(status=HALTED).draft(BUY, held={"A": 0.05, "B": 0.04})
    book = halted_book(drafted.observed, drafted.owners, frozenset({"A"}))
    assert book.weights == {"B": 0.04}
    assert book.owned == {}


@pytest.mark.parametrize("signals", [(BUY,), (BUY, hold("three", "B"))])
def test_a_held_symbol_belongs_to_those_who_owned_its_side_hold_or_no_signal(
    signals: tuple[Signal, ...],
) -> None:
    desk = Desk()
    desk.beliefs.owners.learn([owned_position("B", -8.0, one=-2.0, two=-6.0)])
    drafted = desk.draft(*signals, held={"B": -0.04})
    assert drafted.held.owned == {("B", "one"): -0.01, ("B", "two"): -0.03}
    assert drafted.held.use.of("strategy") == {"one": 0.01, "two": 0.03}
    # the other side was never owned
    assert desk.draft(BUY, held={"B": 0.04}).held.owned == {}


def test_a_doubted_position_belongs_to_its_owners_before_its_signals() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 100.0})
    desk.beliefs.owners.learn([owned_position("A", 1.0, before=1.0)])
    drafted = desk.draft(BUY, positions={"A": 50.0}, prices={"A": 200.0})
    assert drafted.held.owned == {("A", "before"): 0.05}
