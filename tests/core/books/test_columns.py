"""Room for symbols: those that matter first, then those that are tracked, then by stamp."""

import json

from app.core.books.market import MarketBook
from app.core.params import MarketParams


def book_of(max_symbols: int) -> MarketBook:
    return MarketBook(MarketParams(max_symbols=max_symbols, history=4))


def test_c25_a_symbol_with_a_signal_finds_room_among_as_many_others_whatever_its_name() -> None:
    names = [f"M{place:04}" for place in range(64)]
    book = book_of(64)
    book.observe_prices(1, dict.fromkeys(names, 1.0))
    quotes = dict.fromkeys([*names, "ZEC"], 2.0)
    report = book.observe_prices(2, quotes, first={"ZEC"})
    assert "ZEC" in report.accepted
    assert len(report.no_room) == 1
    assert len(book.symbols()) == 64
    assert "ZEC" in book.observe_prices(3, quotes).accepted


def test_c25_without_a_signal_those_tracked_keep_their_room_and_the_newcomer_is_told() -> None:
    book = book_of(2)
    book.observe_prices(1, {"M": 1.0, "N": 1.0})
    report = book.observe_prices(2, {"A": 1.0, "M": 1.0, "N": 1.0})
    assert (report.accepted, report.no_room) == (("M", "N"), ("A",))


def test_among_those_that_do_not_matter_the_one_seen_longest_ago_gives_way() -> None:
    book = book_of(3)
    for step, name in enumerate("CBA"):
        book.observe_prices(step, {name: 1.0})
    book.observe_prices(9, {"X": 1.0}, first={"X"})
    assert book.symbols() == ["A", "B", "X"]


def test_a_symbol_that_had_a_signal_does_not_give_way_to_mere_quotes() -> None:
    book = book_of(2)
    book.observe_prices(1, {"HELD": 1.0}, first={"HELD"})
    book.observe_prices(2, {"Q1": 1.0})
    report = book.observe_prices(3, {"Q2": 1.0, "Q3": 1.0})
    assert book.symbols() == ["HELD", "Q2"]
    assert report.no_room == ("Q3",)


def test_a_held_symbol_without_a_quote_is_kept_by_being_held() -> None:
    book = book_of(1)
    book.observe_prices(1, {"HELD": 1.0})
    book.observe_prices(2, {"Q": 1.0}, first={"HELD"})
    assert book.symbols() == ["HELD"]


def test_of_more_symbols_that_matter_than_there_is_room_each_is_told() -> None:
    book = book_of(2)
    report = book.observe_prices(1, {"C": 1.0, "B": 1.0, "A": 1.0}, first={"A", "B", "C"})
    assert (report.accepted, report.no_room) == (("C", "B"), ("A",))


def test_a_run_goes_with_its_symbol() -> None:
    book = book_of(1)
    book.observe_prices(1, {"V": 100.0})
    book.observe_prices(2, {"V": 1.0}, jump_from=0.5)
    book.observe_prices(3, {"W": 5.0}, first={"W"})
    assert book.run_of("V") is None
    book.observe_prices(4, {"V": 1.0}, jump_from=0.5, first={"V"})
    assert book.last_price("V") == 1.0


def test_who_mattered_survives_json() -> None:
    book = book_of(2)
    book.observe_prices(1, {"HELD": 1.0}, first={"HELD"})
    book.observe_prices(2, {"Q": 1.0})
    again = book_of(2)
    again.restore(json.loads(json.dumps(book.export())))
    for each in (book, again):
        each.observe_prices(3, {"R": 1.0})
        assert each.symbols() == ["HELD", "R"]
    assert again.export() == book.export()


def test_a_smaller_bound_keeps_those_that_matter() -> None:
    book = book_of(4)
    book.observe_prices(1, {"HELD": 1.0}, first={"HELD"})
    for step, name in enumerate("XYZ", start=2):
        book.observe_prices(step, {name: 1.0})
    again = book_of(2)
    again.restore(book.export())
    assert again.symbols() == ["HELD", "Z"]
