"""What the market book believes: jumps, runs, an operator's word, and returns that are clipped."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.books.market import LastPrice, MarketBook
from app.core.books.runs import is_price_jump
from app.core.errors import InvalidInput, UnknownSymbol
from app.core.params import MarketParams

MINUTE = 60 * 1_000_000_000
DAY = 86_400 * 10**9


def book_with(price: float = 100.0, symbol: str = "V") -> MarketBook:
    book = MarketBook(MarketParams())
    book.observe_prices(0, {symbol: price})
    return book


def through_json(book: MarketBook) -> MarketBook:
    again = MarketBook(MarketParams())
    again.restore(json.loads(json.dumps(book.export())))
    return again


def test_c01_a_price_a_hundred_times_too_low_is_not_learnt_however_often_it_is_said() -> None:
    book = book_with()
    for step in (1, 2, 3, 4):
        report = book.observe_prices(step, {"V": 1.0}, jump_from=0.5)
        assert report.disbelieved == ("V",)
        assert report.accepted == ()
    assert book.last("V") == LastPrice(100.0, 0)
    assert book.count("V") == 0


def test_c02_one_door_is_like_the_other() -> None:
    book = book_with()
    book.observe_prices(MINUTE, {"V": 1.0}, jump_from=0.5)
    assert book.observe_prices(2 * MINUTE, {"V": 1.0}, jump_from=0.5, first={"V"}).accepted == ()
    report = book.observe_prices(3 * MINUTE, {"V": 1.01}, jump_from=0.5)
    assert report.confirmed == report.accepted == ("V",)


def test_a_confirmed_price_becomes_the_last_one_and_no_return_is_learnt_across_it() -> None:
    book = book_with()
    for step in (1, 2, 3):
        report = book.observe_prices(step * MINUTE, {"V": 1000.1}, jump_from=0.9)
    assert report.confirmed == report.accepted == ("V",)
    assert book.last("V") == LastPrice(1000.1, 3 * MINUTE)
    assert book.run_of("V") is None
    assert book.count("V") == 0
    book.observe_prices(4 * MINUTE, {"V": 1000.1}, jump_from=0.9)
    assert book.count("V") == 0
    book.observe_prices(DAY, {"V": 1000.1 * 1.1}, jump_from=0.9)
    assert book.history("V")[0] == pytest.approx([0.1])


def test_a_believed_price_ends_the_run() -> None:
    book = book_with()
    for step, price in enumerate([1.0, 1.0, 100.0, 1.0, 1.0], start=1):
        book.observe_prices(step * MINUTE, {"V": price}, jump_from=0.5)
    run = book.run_of("V")
    assert run is not None
    assert (run.count, book.last_price("V")) == (2, 100.0)


def test_a_price_that_is_no_newer_than_its_run_is_older() -> None:
    book = book_with()
    book.observe_prices(MINUTE, {"V": 1.0}, jump_from=0.5)
    report = book.observe_prices(MINUTE, {"V": 1.0}, jump_from=0.5)
    assert (report.older, report.disbelieved) == (("V",), ())


def test_a_doubted_symbol_does_not_hold_up_the_others() -> None:
    book = MarketBook(MarketParams())
    book.observe_prices(0, {"A": 10.0, "B": 20.0})
    report = book.observe_prices(DAY, {"A": 1.0, "B": 22.0, "C": 5.0}, jump_from=0.5)
    assert (report.accepted, report.disbelieved) == (("B", "C"), ("A",))
    assert book.history("B")[0] == pytest.approx([0.1])


def test_a_reference_disbelieves_however_old_it_is() -> None:
    book = book_with()
    report = book.observe_prices(10_000 * 86_400 * 10**9, {"V": 1.0}, jump_from=0.5)
    assert report.disbelieved == ("V",)


def test_an_operator_may_accept_a_price() -> None:
    book = book_with()
    book.observe_prices(DAY, {"V": 1.0}, jump_from=0.5)
    version = book.version
    assert book.accept("V", 1.0, 5) == 100.0
    assert book.last("V") == LastPrice(1.0, 5)
    assert book.run_of("V") is None
    assert book.count("V") == 0
    assert book.version == version + 1
    assert book.observe_prices(6 * DAY, {"V": 1.1}, jump_from=0.5).accepted == ("V",)
    assert book.history("V")[0] == pytest.approx([0.1])


def test_accepting_never_takes_the_stamp_back() -> None:
    book = book_with()
    book.observe_prices(10 * DAY, {"V": 100.0})
    book.accept("V", 1.0, 5)
    assert book.last("V") == LastPrice(1.0, 10 * DAY)


def test_accepting_the_first_price_of_a_symbol_with_returns_alone() -> None:
    book = MarketBook(MarketParams())
    book.observe_returns(DAY, {"V": 0.01})
    assert book.accept("V", 3.0, 5) is None
    assert book.last_price("V") == 3.0


def test_a_split_rescales_the_price_and_keeps_the_returns() -> None:
    book = book_with()
    book.observe_prices(DAY, {"V": 110.0})
    book.observe_prices(2 * DAY, {"V": 1.0}, jump_from=0.5)
    assert book.split("V", 10.0) == 1
    assert book.last("V") == LastPrice(11.0, DAY)
    run = book.run_of("V")
    assert run is not None
    assert run.last == 0.1
    assert book.observe_prices(3 * DAY, {"V": 12.1}, jump_from=0.5).accepted == ("V",)
    assert book.history("V")[0] == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize("ratio", [1e-308, 1e308])
def test_a_split_that_leaves_no_price_is_refused(ratio: float) -> None:
    book = book_with(1e-300 if ratio > 1.0 else 1e300)
    before = book.export()
    with pytest.raises(InvalidInput):
        book.split("V", ratio)
    assert book.export() == before


def test_c21_a_bad_tick_counts_as_eight_volatilities_and_the_history_can_be_forgotten() -> None:
    book = MarketBook(MarketParams())
    rng = np.random.default_rng(21)
    closes = (100.0 * np.cumprod(1.0 + 0.01 * rng.standard_normal(71))).tolist()
    clipped: list[str] = []
    for day, close in enumerate(closes):
        price = 10_000.0 if day == 40 else close
        clipped += book.observe_prices(day * 86_400 * 10**9, {"V": price}).clipped
    assert clipped == ["V", "V"]
    volatility = book.volatility("V")
    assert volatility is not None
    assert volatility < 0.05
    assert float(np.abs(book.history("V")[0]).max()) < 0.25
    assert book.forget("V") == 70
    assert (book.symbols(), book.count("V"), book.last("V")) == ([], 0, None)
    book.observe_prices(0, {"V": 5.0})
    assert book.last_price("V") == 5.0


def test_a_return_within_eight_volatilities_or_before_twenty_counts_as_it_is() -> None:
    book = MarketBook(MarketParams())
    for step in range(19):
        book.observe_returns(step * DAY, {"V": 0.01})
    assert book.observe_returns(19 * DAY, {"V": 0.0799}).clipped == ()
    young = MarketBook(MarketParams())
    for step in range(19):
        young.observe_returns(step * DAY, {"V": 0.01})
    assert young.observe_returns(19 * DAY, {"V": 0.9}).clipped == ()
    assert young.history("V")[0][-1] == 0.9


def test_the_bound_is_eight_volatilities_of_before_the_return() -> None:
    book = MarketBook(MarketParams())
    for step in range(20):
        book.observe_returns(step * DAY, {"V": 0.01 * (-1) ** step, "W": 0.01})
    report = book.observe_returns(20 * DAY, {"V": -0.5, "W": 0.0799})
    assert report.clipped == ("V",)
    assert book.history("V")[0][-1] == pytest.approx(-0.08)
    assert book.history("W")[0][-1] == 0.0799


def test_a_symbol_that_never_moved_may_move_at_last() -> None:
    book = MarketBook(MarketParams())
    for step in range(30):
        book.observe_returns(step * DAY, {"V": 0.0})
    assert book.observe_returns(30 * DAY, {"V": 0.02}).clipped == ()
    assert book.volatility("V") is not None


def test_the_slow_volatility_stands_where_a_calm_spell_lowered_the_fast_one() -> None:
    book = MarketBook(MarketParams())
    for step in range(200):
        book.observe_returns(step * DAY, {"V": 0.02 if step < 100 else 0.001})
    weights = 0.99 ** np.arange(199, -1, -1)
    squares = np.where(np.arange(200) < 100, 0.02**2, 0.001**2)
    expected = float(np.sqrt((weights * squares).sum() / weights.sum()))
    assert book.volatility("V") == pytest.approx(expected)
    assert expected > 5 * np.sqrt(0.94**100 * 0.02**2 + 0.001**2)


@pytest.mark.parametrize("act", ["accept", "split", "forget"])
def test_an_unknown_symbol_can_be_neither_corrected_nor_forgotten(act: str) -> None:
    book = book_with()
    arguments = {"accept": (1.0, 1), "split": (2.0,), "forget": ()}[act]
    with pytest.raises(UnknownSymbol, match="'X'"):
        getattr(book, act)("X", *arguments)


def test_runs_and_volatilities_survive_json_exactly() -> None:
    book = book_with()
    for step in range(30):
        book.observe_returns(step * DAY, {"W": 0.01 * step})
    book.observe_prices(1, {"V": 1.0}, jump_from=0.5)
    book.observe_prices(2, {"V": 1.1}, jump_from=0.5)
    again = through_json(book)
    assert again.export() == book.export()
    assert again.run_of("V") == book.run_of("V")
    for each in (book, again):
        assert each.observe_prices(MINUTE + 1, {"V": 1.0}, jump_from=0.5).confirmed == ("V",)
    assert again.export() == book.export()


TICKS = st.lists(
    st.tuples(st.integers(0, 40), st.sampled_from([1.0, 1.1, 10.0, 99.0, 100.0, 120.0, 5000.0])),
    max_size=40,
)


@given(TICKS)
@settings(max_examples=150, deadline=None)
def test_a_disbelieved_price_becomes_the_last_one_only_by_a_run(
    ticks: list[tuple[int, float]],
) -> None:
    book = book_with()
    run: list[tuple[int, float]] = []
    newest = 0
    for when, price in ticks:
        at, before = when * 20 * 10**9, book.last_price("V")
        assert before is not None
        book.observe_prices(at, {"V": price}, jump_from=0.5)
        if at <= newest or (run and at <= run[-1][0] and is_price_jump(price, before, 0.5)):
            assert book.last_price("V") == before
            continue
        if not is_price_jump(price, before, 0.5):
            run, newest = [], at
            assert book.last_price("V") == price
            continue
        prices = [entry for _, entry in run] + [price]
        fits = max(prices) <= 1.2 * min(prices) * (1 + 1e-9)
        run = [*run, (at, price)] if fits else [(at, price)]
        if len(run) >= 3 and at - run[0][0] >= MINUTE:
            assert book.last_price("V") == price
            run, newest = [], at
        else:
            assert book.last_price("V") == before
