"""Regimes with hysteresis: the table of moves, and survival."""

import json

import pytest

from app.core.books.regimes import RegimeBook
from app.core.params import RegimeParams
from app.core.types import Regime

UP, FLAT, DOWN = Regime.TRENDING_UP, Regime.RANGING, Regime.TRENDING_DOWN
WILD, CRISIS = Regime.HIGH_VOLATILITY, Regime.CRISIS
SECOND = 10**9
MINUTE = 60 * SECOND


def book_of(confirmations: int = 3, max_symbols: int = 10) -> RegimeBook:
    return RegimeBook(RegimeParams(confirmations=confirmations), max_symbols)


def walk(claims: list[Regime], confirmations: int = 3) -> tuple[list[Regime], RegimeBook]:
    """Observe claims a minute apart."""
    book = book_of(confirmations)
    return [book.observe("A", claim, step * MINUTE) for step, claim in enumerate(claims)], book


def told(claims: list[tuple[int, Regime]]) -> tuple[list[Regime], RegimeBook]:
    """Observe claims at these seconds."""
    book = book_of()
    return [book.observe("A", claim, at * SECOND) for at, claim in claims], book


@pytest.mark.parametrize(
    ("claims", "in_force", "transitions", "false_flips"),
    [
        ([CRISIS], [CRISIS], 0, 0),
        ([UP, UP, UP, UP], [UP, UP, UP, UP], 0, 0),
        ([UP, DOWN, DOWN, DOWN], [UP, UP, UP, DOWN], 1, 0),
        ([UP, DOWN, DOWN, UP], [UP, UP, UP, UP], 0, 1),
        ([UP, DOWN, DOWN, UP, DOWN, DOWN, DOWN], [UP] * 6 + [DOWN], 1, 1),
        ([UP, DOWN, CRISIS, CRISIS, CRISIS], [UP] * 2 + [CRISIS] * 3, 1, 1),
        ([UP, DOWN, CRISIS, DOWN, CRISIS], [UP] * 2 + [CRISIS] * 3, 1, 2),
        ([CRISIS, UP, UP, UP, CRISIS], [CRISIS] * 3 + [UP, CRISIS], 2, 0),
        ([UP, DOWN, WILD, DOWN, WILD], [UP] * 5, 0, 3),
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


@pytest.mark.parametrize("again", [119, 61, 60, 59, 0])
def test_a_claim_less_than_a_minute_after_the_last_that_counted_is_no_period(again: int) -> None:
    book = book_of()
    book.observe("A", UP, 0)
    book.observe("A", DOWN, MINUTE)
    for _ in range(5):
        assert book.observe("A", DOWN, again * SECOND) is UP
    # nor does a contrary one give the candidate up
    assert book.observe("A", UP, again * SECOND) is UP
    assert book.false_flips == 0
    assert book.observe("A", DOWN, 2 * MINUTE) is UP
    assert book.observe("A", DOWN, 3 * MINUTE) is DOWN


def test_three_claims_within_three_nanoseconds_confirm_nothing() -> None:
    book = book_of()
    assert [book.observe("A", claim, at) for at, claim in enumerate([UP, DOWN, DOWN, DOWN])] == (
        [UP] * 4
    )


def test_periods_are_told_from_the_last_claim_that_counted_and_not_from_the_last_one() -> None:
    seen, _ = told([(at, UP if at == 0 else DOWN) for at in range(0, 181, 20)])
    assert seen == [UP] * 9 + [DOWN]


def test_a_period_of_zero_takes_every_newer_claim() -> None:
    book = RegimeBook(RegimeParams(period_sec=0.0), 10)
    claims = [(0, UP), (1, DOWN), (1, DOWN), (2, DOWN), (3, DOWN)]
    assert [book.observe("A", claim, at) for at, claim in claims] == [UP, UP, UP, UP, DOWN]


def test_a_crisis_is_adopted_at_once_within_a_period_too() -> None:
    seen, book = told([(0, UP), (1, CRISIS), (1, CRISIS)])
    assert seen == [UP, CRISIS, CRISIS]
    assert (book.transitions, book.false_flips) == (1, 0)


@pytest.mark.parametrize(("at", "in_force"), [(99, UP), (100, CRISIS)])
def test_a_crisis_older_than_the_newest_claim_is_not_adopted(at: int, in_force: Regime) -> None:
    # the one at 100 s is no period, and the newest stamp all the same
    seen, _ = told([(60, UP), (100, UP), (at, CRISIS)])
    assert seen == [UP, UP, in_force]


def test_a_crisis_that_is_claimed_again_begins_the_wait_anew() -> None:
    seen, book = told(
        [
            (0, CRISIS),
            (60, UP),
            (120, UP),
            (130, CRISIS),
            (180, UP),
            (190, UP),
            (250, UP),
            (310, UP),
        ]
    )
    assert seen == [CRISIS] * 7 + [UP]
    assert (book.transitions, book.false_flips) == (1, 1)


def test_symbols_have_regimes_of_their_own() -> None:
    book = book_of()
    for step in range(4):
        book.observe("A", WILD if step else UP, step * MINUTE)
        book.observe("B", UP, step * MINUTE)
    assert book.current() == {"A": WILD, "B": UP}


def test_beyond_the_bound_the_symbol_seen_longest_ago_is_forgotten() -> None:
    book = book_of(max_symbols=2)
    book.observe("A", CRISIS, 1)
    book.observe("B", CRISIS, 2)
    book.observe("A", CRISIS, 3)
    assert book.observe("C", UP, 4) is UP
    assert set(book.current()) == {"A", "C"}
    # of two seen at the same time the first name goes
    book = book_of(max_symbols=2)
    for name in "BAC":
        book.observe(name, UP, 1)
    assert set(book.current()) == {"B", "C"}


@pytest.mark.parametrize("cut", range(8))
def test_export_and_restore_are_exact_at_every_point(cut: int) -> None:
    claims = [UP, DOWN, DOWN, CRISIS, CRISIS, UP, WILD, WILD, WILD, UP]
    whole, again = book_of(), book_of()
    for step, claim in enumerate(claims):
        if step == cut:
            again.restore(json.loads(json.dumps(whole.export())))
            assert again.export() == whole.export()
        at_ns = 45 * SECOND * step
        seen = whole.observe("A", claim, at_ns)
        if step >= cut:
            assert again.observe("A", claim, at_ns) is seen
    assert again.export() == whole.export()
