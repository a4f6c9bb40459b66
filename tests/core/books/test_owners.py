"""Who owned each side of each symbol when it last had a weight there."""

import json
from typing import Any

import pytest

from app.core.books.owners import OwnerBook


def position(symbol: str, target: float | None, *parts: tuple[str | None, float]) -> dict[str, Any]:
    """Position of an answer, as far as owners are learnt from it."""
    contributions = [{"strategy_id": name, "final_usd": usd} for name, usd in parts]
    return {"symbol": symbol, "target_usd": target, "contributions": contributions}


@pytest.fixture
def book() -> OwnerBook:
    """Know that `one` and `two` own long A, and `two` short B."""
    known = OwnerBook(10)
    known.learn(
        [
            position("A", 400.0, ("one", 100.0), ("two", 300.0)),
            position("B", -50.0, ("one", 0.0), ("two", -50.0)),
        ]
    )
    return known


def test_owners_have_the_proportions_of_their_parts(book: OwnerBook) -> None:
    assert book.of("A", 0.3) == {"one": 0.25, "two": 0.75}
    assert book.of("B", -0.001) == {"two": 1.0}


def test_each_side_has_its_own_owners_and_an_unknown_one_none(book: OwnerBook) -> None:
    assert book.of("A", -0.3) == {}
    assert book.of("B", 0.3) == {}
    assert book.of("C", 0.3) == {}
    book.learn([position("A", -10.0, ("three", -10.0))])
    assert book.of("A", -0.3) == {"three": 1.0}
    assert book.of("A", 0.3) == {"one": 0.25, "two": 0.75}


def test_several_parts_of_a_strategy_are_one_share(book: OwnerBook) -> None:
    book.learn([position("A", 4.0, ("one", 1.0), ("two", 2.0), ("one", 1.0))])
    assert book.of("A", 1.0) == {"one": 0.5, "two": 0.5}


@pytest.mark.parametrize("target", [0.0, None])
def test_a_decision_without_a_weight_there_changes_no_owner(
    book: OwnerBook, target: float | None
) -> None:
    book.learn([position("A", target, ("other", 0.0))])
    assert book.of("A", 0.3) == {"one": 0.25, "two": 0.75}


@pytest.mark.parametrize(
    "parts", [(), ((None, 30.0),), (("one", 0.0),), (("one", 0.0), (None, 9.0))]
)
def test_a_weight_that_nobody_owned_has_no_owner_from_then_on(
    book: OwnerBook, parts: tuple[tuple[str | None, float], ...]
) -> None:
    book.learn([position("A", 30.0, *parts)])
    assert book.of("A", 0.3) == {}


def test_the_largest_numbers_and_the_smallest_keep_their_proportions(book: OwnerBook) -> None:
    book.learn([position("A", 1.7e308, *((name, 8.5e307) for name in ("one", "two")))])
    assert book.of("A", 1.0) == {"one": 0.5, "two": 0.5}
    book.learn([position("A", -2e-308, ("one", -1e-308), ("two", -1e-308))])
    assert book.of("A", -1.0) == {"one": 0.5, "two": 0.5}


def test_owners_of_positions_are_named(book: OwnerBook) -> None:
    assert book.strategies({"A": 0.1, "B": 0.1, "C": 0.1}) == {"one", "two"}
    assert book.strategies({"B": -0.1}) == {"two"}


def test_what_was_learnt_longest_ago_gives_way_but_never_the_newest_decision() -> None:
    book = OwnerBook(2)
    for symbol in ("A", "B", "A", "C"):
        book.learn([position(symbol, 1.0, ("one", 1.0))])
    assert [bool(book.of(symbol, 1.0)) for symbol in "ABC"] == [True, False, True]
    book.learn([position(symbol, 1.0, ("one", 1.0)) for symbol in "DEF"])
    assert [bool(book.of(symbol, 1.0)) for symbol in "ACDEF"] == [False, False, True, True, True]


def test_the_state_survives_a_round_trip_through_json(book: OwnerBook) -> None:
    again = OwnerBook(10)
    again.restore(json.loads(json.dumps(book.export())))
    assert again.export() == book.export()
    assert again.of("A", 0.3) == book.of("A", 0.3)
