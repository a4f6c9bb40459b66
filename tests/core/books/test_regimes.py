"""Regimes with hysteresis: the table of moves, and survival."""

import json

import pytest

from app.core.books.regimes import RegimeBook
from app.core.types import Regime

UP, FLAT, DOWN = Regime.TRENDING_UP, Regime.RANGING, Regime.TRENDING_DOWN
WILD, CRISIS = Regime.HIGH_VOLATILITY, Regime.CRISIS


def walk(claims: list[Regime], confirmations: int = 3) -> tuple[list[Regime], RegimeBook]:
    book = RegimeBook(confirmations, 10)
    return [book.observe("A", claim, step) for step, claim in enumerate(claims)], book


@pytest.mark.parametrize(
    ("claims", "in_force", "transitions", "false_flips"),
    [
        ([CRISIS], [CRISIS], 0, 0),
        ([UP, UP, UP, UP], [UP, UP, UP, UP], 0, 0),
        ([UP, DOWN, DOWN, DOWN], [UP, UP, UP, DOWN], 1, 0),
        ([UP, DOWN, DOWN, UP], [UP, UP, UP, UP], 0, 1),
        ([UP, DOWN, DOWN, UP, DOWN, DOWN, DOWN], [UP] * 6 + [DOWN], 1, 1),
        ([UP, DOWN, CRISIS, CRISIS, CRISIS], [UP] * 4 + [CRISIS], 1, 1),
        ([UP, DOWN, CRISIS, DOWN, CRISIS], [UP] * 5, 0, 3),
        ([UP, DOWN, DOWN, WILD, UP], [UP] * 5, 0, 2),
        ([UP, DOWN, DOWN, DOWN, UP, UP, UP], [UP, UP, UP, DOWN, DOWN, DOWN, UP], 2, 0),
        ([FLAT, WILD, WILD, WILD, WILD, FLAT], [FLAT] * 3 + [WILD] * 3, 1, 0),
    ],
)
def test_a_change_needs_three_consecutive_periods(
    claims: list[Regime], in_force: list[Regime], transitions: int, false_flips: int
) -> None:
    seen, book = walk(claims)
    assert seen == in_force
    assert (book.transitions, book.false_flips) == (transitions, false_flips)


def test_with_one_confirmation_every_new_claim_is_adopted() -> None:
    seen, book = walk([UP, DOWN, CRISIS], confirmations=1)
    assert seen == [UP, DOWN, CRISIS]
    assert (book.transitions, book.false_flips) == (2, 0)


@pytest.mark.parametrize("again", [4, 3, 0])
def test_the_same_or_an_older_timestamp_is_not_a_period(again: int) -> None:
    book = RegimeBook(3, 10)
    book.observe("A", UP, 3)
    book.observe("A", DOWN, 4)
    for _ in range(5):
        assert book.observe("A", DOWN, again) is UP
    assert book.observe("A", UP, again) is UP
    assert book.false_flips == 0
    assert book.observe("A", DOWN, 5) is UP
    assert book.observe("A", DOWN, 6) is DOWN


def test_symbols_have_regimes_of_their_own() -> None:
    book = RegimeBook(3, 10)
    for step in range(4):
        book.observe("A", CRISIS if step else UP, step)
        book.observe("B", UP, step)
    assert book.current() == {"A": CRISIS, "B": UP}


def test_beyond_the_bound_the_symbol_seen_longest_ago_is_forgotten() -> None:
    book = RegimeBook(3, 2)
    book.observe("A", CRISIS, 1)
    book.observe("B", CRISIS, 2)
    book.observe("A", CRISIS, 3)
    assert book.observe("C", UP, 4) is UP
    assert set(book.current()) == {"A", "C"}
    # of two seen at the same time the first name goes
    book = RegimeBook(3, 2)
    for name in "BAC":
        book.observe(name, UP, 1)
    assert set(book.current()) == {"B", "C"}


@pytest.mark.parametrize("cut", range(8))
def test_export_and_restore_are_exact_at_every_point(cut: int) -> None:
    claims = [UP, DOWN, DOWN, CRISIS, CRISIS, UP, CRISIS, CRISIS, CRISIS, UP]
    whole = RegimeBook(3, 10)
    again = RegimeBook(3, 10)
    for step, claim in enumerate(claims):
        if step == cut:
            again.restore(json.loads(json.dumps(whole.export())))
            assert again.export() == whole.export()
        seen = whole.observe("A", claim, step)
        if step >= cut:
            assert again.observe("A", claim, step) is seen
    assert again.export() == whole.export()
