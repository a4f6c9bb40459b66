"""Signals that stay in force by strategy and symbol, until their time is over."""

import copy
import json
from typing import Any

import pytest

from app.core.books.standing import PAIRS_KEPT, StandingBook, StandingSignal, standing_until
from app.core.types import Action, Signal
from tests.strategies import NOW_NS, make_signal

SEC = 10**9


def standing(symbol: str = "A", until_sec: int = 100, **changes: Any) -> StandingSignal:
    """Signal of strategy `one` on a symbol, in force for so many seconds."""
    one = make_signal(**{"strategy_id": "one", "symbol": symbol, **changes})
    return StandingSignal(one, NOW_NS + until_sec * SEC)


def pairs(book: StandingBook, at_sec: float = 0.0) -> list[tuple[str, str]]:
    """Strategy and symbol of each signal in force."""
    return [one.pair for one in book.in_force(NOW_NS + round(at_sec * SEC))]


@pytest.fixture
def book() -> StandingBook:
    """Keep two signals of `one` on A, one on B, and one of `two` on A that ends first."""
    kept = StandingBook()
    given = [standing(), standing(confidence=0.1), standing("B")]
    kept.keep([*given, standing(until_sec=10, strategy_id="two")], NOW_NS)
    return kept


def test_all_signals_of_a_pair_stay_up_to_their_last_moment(book: StandingBook) -> None:
    everything = [("one", "A"), ("one", "A"), ("one", "B"), ("two", "A")]
    assert pairs(book) == everything
    assert pairs(book, 10.0) == everything
    assert pairs(book, 10.0 + 1e-9) == everything[:3]
    assert pairs(book, 100.0 + 1e-9) == []


def test_the_newest_batch_replaces_all_that_stood_for_the_pairs_it_names(
    book: StandingBook,
) -> None:
    book.keep([standing(confidence=0.7)], NOW_NS)
    assert pairs(book) == [("one", "B"), ("two", "A"), ("one", "A")]
    assert [one.signal.confidence for one in book.in_force(NOW_NS)][-1] == 0.7


def test_hold_ends_its_pair_unless_a_direction_is_given_with_it(book: StandingBook) -> None:
    book.keep([standing(action=Action.HOLD), standing("B", action=Action.HOLD)], NOW_NS)
    assert pairs(book) == [("two", "A")]
    book.keep([standing("B", action=Action.HOLD), standing("B", action=Action.SELL)], NOW_NS)
    assert [one.signal.action for one in book.in_force(NOW_NS) if one.pair.symbol == "B"] == [
        Action.SELL
    ]


def test_what_stands_beside_a_batch_is_not_of_the_pairs_that_it_names(book: StandingBook) -> None:
    beside = book.beside({("one", "A"), ("two", "B")}, NOW_NS)
    assert [(one.strategy_id, one.symbol) for one in beside] == [("one", "B"), ("two", "A")]
    assert book.beside(set(), NOW_NS + 11 * SEC) == book.beside({("two", "A")}, NOW_NS)


def test_what_is_over_leaves_the_book_with_the_next_batch(book: StandingBook) -> None:
    assert len(book.pairs()) == 3
    book.keep([], NOW_NS + 11 * SEC)
    assert book.pairs() == [("one", "A"), ("one", "B")]


def test_ended_pairs_stand_no_more_and_unknown_ones_are_ignored(book: StandingBook) -> None:
    book.end([("one", "A"), ("nobody", "A")])
    assert book.pairs() == [("one", "B"), ("two", "A")]


def test_without_room_the_pairs_named_longest_ago_end_never_those_of_the_newest_batch() -> None:
    book = StandingBook(max_pairs=2)
    assert book.keep([standing("A"), standing("B")], NOW_NS) == 0
    assert book.keep([standing("A")], NOW_NS) == 0
    assert book.keep([standing("C")], NOW_NS) == 1
    assert [pair.symbol for pair in book.pairs()] == ["A", "C"]
    assert book.keep([standing(name) for name in "DEF"], NOW_NS) == 2
    assert [pair.symbol for pair in book.pairs()] == ["D", "E", "F"]
    assert PAIRS_KEPT == 10_000


def test_a_copy_is_independent(book: StandingBook) -> None:
    copied = copy.deepcopy(book)
    copied.end([("one", "A")])
    copied.keep([standing("Z")], NOW_NS)
    assert len(book.pairs()) == 3
    assert len(copied.pairs()) == 3
    assert copied.pairs() != book.pairs()


def test_the_state_survives_a_round_trip_through_json(book: StandingBook) -> None:
    again = StandingBook()
    again.restore(json.loads(json.dumps(book.export())))
    assert again.export() == book.export()
    assert list(again.in_force(NOW_NS)) == list(book.in_force(NOW_NS))


@pytest.mark.parametrize(
    ("changes", "latest_sec", "expected_sec"),
    [
        ({}, None, 3_600.0),
        ({"valid_for_sec": 0.0}, None, 0.0),
        ({"valid_for_sec": 0.5}, None, 0.5),
        ({"timestamp_ns": NOW_NS - 10 * SEC, "valid_for_sec": 60.0}, 0.0, 50.0),
        ({"timestamp_ns": NOW_NS + 10 * SEC, "valid_for_sec": 60.0}, 0.0, 60.0),
        ({"timestamp_ns": NOW_NS + 10 * SEC, "valid_for_sec": 60.0}, None, 70.0),
    ],
)
def test_a_signal_holds_from_its_stamp_or_the_latest_one_that_counts(
    changes: dict[str, Any], latest_sec: float | None, expected_sec: float
) -> None:
    one: Signal = make_signal(**changes)
    latest = None if latest_sec is None else NOW_NS + round(latest_sec * SEC)
    assert standing_until(one, latest, 3_600.0) == NOW_NS + round(expected_sec * SEC)


def test_no_length_of_time_is_too_long_for_the_journal() -> None:
    assert standing_until(make_signal(valid_for_sec=1e300), None, 1.0) == 2**63 - 1
