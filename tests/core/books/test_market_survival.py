"""The market book through export and restore."""

import json

import numpy as np
import pytest

from app.core.books.market import MarketBook
from app.core.params import MarketParams

DAY = 86_400 * 10**9


def busy_book(history: int = 16, steps: int = 100, **params: int) -> MarketBook:
    book = MarketBook(MarketParams(history=history, **params))
    rng = np.random.default_rng(5)
    for step in range(1, steps + 1):
        values = dict(zip("ABC", rng.normal(0.0, 0.02, 3).tolist(), strict=True))
        if step % 4 == 0:
            del values["B"]
        book.observe_returns(step * DAY, values)
        book.observe_prices(step * DAY, {"D": 100.0 + step, "A": 50.0 + step})
    return book


def through_json(book: MarketBook, params: MarketParams) -> MarketBook:
    again = MarketBook(params)
    again.restore(json.loads(json.dumps(book.export())))
    return again


@pytest.mark.parametrize("steps", [1, 15, 16, 31, 32, 33, 100])
def test_export_and_restore_are_exact(steps: int) -> None:
    book = busy_book(steps=steps)
    again = through_json(book, MarketParams(history=16))
    assert again.export() == book.export()
    for round_ in range(40):
        for each in (book, again):
            each.observe_returns((1000 + round_) * DAY, {"A": 0.01 * round_, "new": 0.02})
            each.observe_prices((1000 + round_) * DAY, {"D": 70.0 + round_})
    assert again.export() == book.export()
    assert again.symbols() == ["A", "B", "C", "D", "new"]
    for name in again.symbols():
        assert again.history(name)[0].tolist() == book.history(name)[0].tolist()
        assert again.volatility(name) == book.volatility(name)


def test_an_empty_book_survives() -> None:
    again = through_json(MarketBook(MarketParams()), MarketParams())
    assert again.symbols() == []
    again.observe_prices(1 * DAY, {"A": 1.0})
    assert again.last_price("A") == 1.0


@pytest.mark.parametrize("steps", [3, 8, 20, 33, 100])
@pytest.mark.parametrize("history", [1, 8, 16, 40])
def test_another_history_length_keeps_the_newest_returns(steps: int, history: int) -> None:
    book = busy_book(steps=steps)
    again = through_json(book, MarketParams(history=history))
    for name in "ABCD":
        theirs = book.history(name)[0].tolist()[-history:]
        assert again.history(name)[0].tolist() == theirs
        assert again.volatility(name) == book.volatility(name)
        assert again.count(name) == book.count(name)
        assert again.last_price(name) == book.last_price(name)
    old, new = book.window(["A", "C"]), again.window(["A", "C"])
    kept = min(steps, history, 16)
    assert new.ends[0, -kept:].tolist() == old.ends[0, -kept:].tolist()
    assert new.returns[:, -kept:].tolist() == old.returns[:, -kept:].tolist()
    values = []
    for round_ in range(60):
        values.append(0.001 * round_)
        again.observe_returns((1000 + round_) * DAY, {"A": values[-1]})
    expected = (book.history("A")[0].tolist()[-history:] + values)[-history:]
    assert again.history("A")[0].tolist() == expected


def test_restoring_replaces_what_was_there() -> None:
    book, other = busy_book(), MarketBook(MarketParams(history=16))
    other.observe_prices(1 * DAY, {"X": 1.0})
    other.restore(book.export())
    assert other.symbols() == ["A", "B", "C", "D"]
    assert other.version == book.version


def test_many_symbols_survive() -> None:
    book = MarketBook(MarketParams(history=4))
    names = [f"S{place}" for place in range(30)]
    book.observe_returns(1 * DAY, {name: float(place) for place, name in enumerate(names)})
    again = through_json(book, MarketParams(history=4))
    assert [again.history(name)[0][0] for name in names] == list(range(30))


def test_a_smaller_bound_is_met_after_restoring() -> None:
    book = MarketBook(MarketParams(history=4))
    for step, name in enumerate("ABCDE"):
        book.observe_returns(step * DAY, {name: 0.1})
    again = through_json(book, MarketParams(history=4, max_symbols=3))
    again.observe_returns(9 * DAY, {"F": 0.1})
    assert len(again.symbols()) <= 3
    assert "F" in again.symbols()
