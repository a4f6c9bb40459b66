"""The market book: what counts, once; what is forgotten; what comes back."""

import math
import statistics
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.books.market import MarketBook
from app.core.params import MarketParams

DAY = 86_400 * 10**9
PARAMS = MarketParams()


def book_of(params: MarketParams = PARAMS) -> MarketBook:
    return MarketBook(params)


def ewma_volatility(returns: list[float]) -> float:
    """Weighted mean of squared returns of whole bars, of both decays the larger."""
    found = []
    for decay in (0.94, 0.99):
        weights = [decay**age for age in reversed(range(len(returns)))]
        weighted = [weight * value**2 for weight, value in zip(weights, returns, strict=True)]
        found.append(sum(weighted) / sum(weights))
    return math.sqrt(max(found))


def test_prices_give_simple_returns_between_them() -> None:
    book = book_of()
    assert len(book.observe_prices(10 * DAY, {"A": 100.0}).accepted) == 1
    assert len(book.observe_prices(20 * DAY, {"A": 110.0, "B": 5.0}).accepted) == 2
    assert len(book.observe_prices(40 * DAY, {"A": 99.0, "B": 10.0}).accepted) == 2
    returns, gap = book.history("A")
    assert returns == pytest.approx([0.1, -0.1])
    assert gap == pytest.approx(20 * 86_400.0)
    assert book.history("B")[0] == pytest.approx([1.0])
    assert book.last_price("A") == 99.0


@pytest.mark.parametrize("again", [20, 19, 0])
def test_a_price_counts_once_and_older_ones_are_ignored(again: int) -> None:
    book = book_of()
    book.observe_prices(10 * DAY, {"A": 100.0})
    book.observe_prices(20 * DAY, {"A": 110.0})
    version = book.version
    assert len(book.observe_prices(again * DAY, {"A": 500.0}).accepted) == 0
    assert book.last_price("A") == 110.0
    assert book.count("A") == 1
    assert book.version == version


@pytest.mark.parametrize("again", [20, 19, 0])
def test_a_return_counts_once_and_older_ones_are_ignored(again: int) -> None:
    book = book_of()
    assert len(book.observe_returns(20 * DAY, {"A": 0.01}).accepted) == 1
    version = book.version
    assert len(book.observe_returns(again * DAY, {"A": 0.5}).accepted) == 0
    assert book.history("A")[0].tolist() == [0.01]
    assert book.version == version


def test_time_zero_counts() -> None:
    book = book_of()
    assert len(book.observe_returns(0, {"A": 0.01}).accepted) == 1
    assert len(book.observe_prices(0, {"A": 100.0}).accepted) == 1
    assert book.count("A") == 1
    assert book.last_price("A") == 100.0


def test_only_the_fresh_symbols_of_an_observation_are_taken() -> None:
    book = book_of()
    book.observe_returns(10 * DAY, {"A": 0.01})
    assert len(book.observe_returns(10 * DAY, {"A": 0.02, "B": 0.03}).accepted) == 1
    assert len(book.observe_prices(5 * DAY, {"A": 100.0}).accepted) == 1
    assert len(book.observe_prices(5 * DAY, {"A": 101.0, "B": 50.0}).accepted) == 1
    assert book.last_price("A") == 100.0
    assert book.last_price("B") == 50.0


def test_a_price_change_that_reported_returns_cover_does_not_count_twice() -> None:
    book = book_of()
    book.observe_prices(10 * DAY, {"A": 100.0})
    book.observe_returns(20 * DAY, {"A": 0.10})
    book.observe_prices(20 * DAY, {"A": 110.0})
    assert book.history("A")[0].tolist() == [0.10]
    book.observe_prices(30 * DAY, {"A": 121.0})
    assert book.history("A")[0] == pytest.approx([0.10, 0.10])


def test_a_return_reported_after_the_price_that_gave_it_does_not_count_twice() -> None:
    book = book_of()
    book.observe_prices(10 * DAY, {"A": 100.0})
    book.observe_prices(20 * DAY, {"A": 110.0})
    assert len(book.observe_returns(20 * DAY, {"A": 0.10}).accepted) == 0
    assert book.history("A")[0] == pytest.approx([0.10])


def test_a_price_across_a_reported_return_gives_none_and_the_next_price_does() -> None:
    book = book_of()
    book.observe_prices(10 * DAY, {"A": 100.0})
    book.observe_returns(15 * DAY, {"A": 0.05})
    book.observe_prices(20 * DAY, {"A": 110.0})
    assert book.history("A")[0].tolist() == [0.05]
    book.observe_prices(30 * DAY, {"A": 55.0})
    assert book.history("A")[0] == pytest.approx([0.05, -0.5])


def test_a_price_older_than_a_known_return_gives_no_return() -> None:
    book = book_of()
    book.observe_prices(10 * DAY, {"A": 100.0})
    book.observe_returns(30 * DAY, {"A": 0.01})
    book.observe_prices(20 * DAY, {"A": 200.0})
    assert book.history("A")[0].tolist() == [0.01]
    assert book.last_price("A") == 200.0


def test_a_price_change_beyond_the_number_range_gives_no_return() -> None:
    book = book_of()
    book.observe_prices(10 * DAY, {"A": 1e-300})
    book.observe_prices(20 * DAY, {"A": 1e300})
    assert book.count("A") == 0
    assert book.last_price("A") == 1e300


def test_volatility_is_the_larger_ewma_from_ten_returns_on() -> None:
    book = book_of()
    returns = [0.01 * (-1) ** step * (1 + step % 3) for step in range(12)]
    for step, value in enumerate(returns[:9]):
        book.observe_returns(step * DAY, {"A": value})
    assert book.volatility("A") is None
    book.observe_returns(9 * DAY, {"A": returns[9]})
    assert book.volatility("A") == pytest.approx(ewma_volatility(returns[:10]))
    for step in (10, 11):
        book.observe_returns(step * DAY, {"A": returns[step]})
    assert book.volatility("A") == pytest.approx(ewma_volatility(returns))


def test_a_symbol_that_never_moves_has_no_volatility() -> None:
    book = book_of()
    for step in range(20):
        book.observe_returns(step * DAY, {"A": 0.0})
    assert book.volatility("A") is None


def test_an_absurd_return_leaves_the_variance_finite() -> None:
    book = book_of()
    for step in range(12):
        book.observe_returns(step * DAY, {"A": 1e308 if step == 5 else 0.01})
    volatility = book.volatility("A")
    assert volatility is not None
    assert math.isfinite(volatility)


def test_an_unknown_symbol_has_nothing() -> None:
    book = book_of()
    returns, gap = book.history("X")
    assert returns.shape == (0,)
    assert gap is None
    assert book.volatility("X") is None
    assert book.last_price("X") is None
    assert book.count("X") == 0
    book.observe_returns(1 * DAY, {"X": 0.1})
    assert book.last_price("X") is None
    assert book.history("X")[1] is None
    assert book.symbols() == ["X"]


def test_the_interval_is_the_median_gap() -> None:
    book = book_of()
    times = [0, 10, 20, 30, 500]
    for when in times:
        book.observe_returns(when * DAY, {"A": 0.01})
    gaps = [after - before for before, after in pairwise(times)]
    assert book.history("A")[1] == pytest.approx(86_400.0 * statistics.median(gaps))


@pytest.mark.parametrize("history", [1, 2, 7, 256])
def test_the_ring_keeps_exactly_the_last_returns_over_thousands(history: int) -> None:
    book = book_of(MarketParams(history=history))
    values = np.random.default_rng(0).normal(0.0, 0.01, 3000).tolist()
    for step, value in enumerate(values, start=1):
        book.observe_returns(step * DAY, {"A": value} | ({"B": -value} if step % 3 else {}))
        if step in {1, history, 2 * history, 2 * history + 1, 3 * history + 1, 2999, 3000}:
            expected = values[max(step - history, 0) : step]
            assert book.history("A")[0].tolist() == expected
            window = book.window(["A"])
            assert window.returns[0, -len(expected) :].tolist() == expected
            assert np.isnan(window.returns[0, : history - len(expected)]).all()
            assert window.ends[0, -1] == step - 1
    others = [-value for step, value in enumerate(values, start=1) if step % 3][-history:]
    assert book.history("B")[0].tolist() == others
    assert book.count("A") == 3000
    if history > 2:
        both = book.window(["A", "B"])
        assert both.returns[1].tolist() == others
        assert both.ends.shape == (2, history)
        assert both.ends[0].tolist() == list(range(3000 - history, 3000))


def test_a_window_says_between_which_bars_each_return_lies() -> None:
    book = book_of(MarketParams(history=5))
    for step in range(5):
        book.observe_returns(step * DAY, {"A": 0.1 * step, "B": -0.1 * step})
        book.observe_prices(2 * step * DAY + 1, {"C": 2.0**step})
    pair = book.window(["B", "A"])
    assert pair.ends.tolist() == [[-1, 0, 1, 2, 3]] * 2
    assert pair.begins.tolist() == [[-2, -1, 0, 1, 2]] * 2
    assert pair.returns[0] == pytest.approx([0.0, -0.1, -0.2, -0.3, -0.4])
    apart = book.window(["A", "C"])
    assert (apart.begins[1, 1:].tolist(), apart.ends[1, 1:].tolist()) == (
        [-1, 1, 3, 5],
        [1, 3, 5, 7],
    )


def test_a_window_pads_short_and_unknown_symbols_at_the_front() -> None:
    book = book_of(MarketParams(history=4))
    for step in range(1, 4):
        book.observe_returns(step * DAY, {"A": float(step)} | ({"B": 9.0} if step == 3 else {}))
    window = book.window(["B", "X", "A"])
    assert window.ends[2, 1:].tolist() == [0, 1, 2]
    assert window.ends[0, 3] == 2
    assert np.isnan(window.returns[1]).all()
    assert np.isnan(window.returns[0]).tolist() == [True, True, True, False]
    assert window.returns[2, 1:].tolist() == [1.0, 2.0, 3.0]


def test_two_symbols_with_a_return_make_a_history() -> None:
    book = book_of(MarketParams())
    book.observe_returns(0, {"A": 0.01, "C": 0.02})
    assert not book.any_history(["A", "B", "X"])
    book.observe_returns(DAY, {"B": 0.01})
    assert book.any_history(["A", "B", "X"])
    assert not book.any_history(["A", "X"])
    assert not book.any_history([])


def test_beyond_the_bound_the_symbol_seen_longest_ago_gives_way() -> None:
    book = book_of(MarketParams(max_symbols=3))
    book.observe_prices(1 * DAY, {"A": 1.0})
    book.observe_prices(2 * DAY, {"B": 2.0})
    book.observe_returns(3 * DAY, {"C": 0.1})
    book.observe_returns(4 * DAY, {"A": 0.5})
    book.observe_prices(5 * DAY, {"D": 4.0})
    assert book.symbols() == ["A", "C", "D"]
    assert book.last_price("D") == 4.0
    assert book.count("D") == 0
    assert book.last_price("B") is None
    book.observe_prices(6 * DAY, {"D": 8.0})
    assert book.history("D")[0].tolist() == [1.0]


def test_a_symbol_older_than_every_tracked_one_finds_no_room() -> None:
    book = book_of(MarketParams(max_symbols=2))
    book.observe_prices(5 * DAY, {"A": 1.0, "B": 2.0})
    assert len(book.observe_prices(5 * DAY, {"C": 3.0}).accepted) == 0
    assert len(book.observe_returns(4 * DAY, {"C": 3.0}).accepted) == 0
    assert book.symbols() == ["A", "B"]


def test_the_version_counts_observations_that_were_new() -> None:
    book = book_of()
    assert book.version == 0
    book.observe_prices(1 * DAY, {"A": 1.0, "B": 2.0})
    book.observe_returns(2 * DAY, {"A": 0.1})
    book.observe_prices(1 * DAY, {"A": 3.0})
    book.observe_prices(3 * DAY, {"B": 2.0})
    assert book.version == 3


def test_an_observation_of_tracked_and_untracked_symbols_takes_the_tracked() -> None:
    book = book_of(MarketParams(max_symbols=2))
    book.observe_prices(5 * DAY, {"A": 1.0, "B": 2.0})
    book.observe_prices(6 * DAY, {"B": 3.0})
    assert len(book.observe_prices(6 * DAY, {"X": 9.0, "A": 4.0, "Y": 9.0}).accepted) == 1
    assert len(book.observe_returns(7 * DAY, {}).accepted) == 0
    assert book.symbols() == ["A", "B"]
    assert (book.last_price("A"), book.last_price("B")) == (4.0, 3.0)


def test_a_batch_that_overfills_an_empty_book_keeps_what_came_first_not_the_first_names() -> None:
    book = book_of(MarketParams(max_symbols=2))
    report = book.observe_prices(1 * DAY, {"C": 3.0, "B": 2.0, "A": 1.0})
    assert book.symbols() == ["B", "C"]
    assert (report.accepted, report.no_room) == (("C", "B"), ("A",))


def test_a_new_symbol_does_not_push_out_one_of_its_own_batch() -> None:
    book = book_of(MarketParams(max_symbols=2))
    book.observe_prices(1 * DAY, {"A": 1.0, "B": 1.0})
    book.observe_prices(2 * DAY, {"A": 2.0, "C": 1.0})
    assert book.symbols() == ["A", "C"]
    assert book.history("A")[0].tolist() == [1.0]


def test_several_new_symbols_of_a_batch_each_take_a_stale_place() -> None:
    book = book_of(MarketParams(max_symbols=3))
    book.observe_prices(1 * DAY, {"A": 1.0, "B": 1.0, "Z": 1.0})
    assert len(book.observe_prices(2 * DAY, {"C": 2.0, "D": 1.0}).accepted) == 2
    assert book.symbols() == ["C", "D", "Z"]


@given(
    st.lists(
        st.tuples(
            st.integers(0, 30),
            st.dictionaries(st.sampled_from("ABCDEFGH"), st.floats(-0.5, 0.5), max_size=5),
        ),
        max_size=25,
    )
)
@settings(max_examples=60, deadline=None)
def test_the_bound_holds_and_rows_are_never_shared(
    events: list[tuple[int, dict[str, float]]],
) -> None:
    book = book_of(MarketParams(max_symbols=4, history=3))
    model: dict[str, list[tuple[int, float]]] = {}
    for when, returns in events:
        book.observe_returns(when * DAY, returns)
        tracked = book.symbols()
        assert len(tracked) <= 4
        model = {name: seen for name, seen in model.items() if name in tracked}
        for name, value in returns.items():
            if name in tracked:
                seen = model.setdefault(name, [])
                if not seen or when > seen[-1][0]:
                    seen.append((when, value))
    for name in book.symbols():
        assert book.history(name)[0].tolist() == [value for _, value in model[name]][-3:]
        assert book.count(name) == len(model[name])


def test_the_book_grows_past_its_first_allocation() -> None:
    book = book_of(MarketParams(history=5))
    names = [f"S{place:02}" for place in range(40)]
    for step in range(3):
        book.observe_returns(
            step * DAY, {name: place + step / 10 for place, name in enumerate(names)}
        )
        book.observe_prices(step * DAY, {name: 10.0 + place for place, name in enumerate(names)})
    assert book.symbols() == names
    for place, name in enumerate(names):
        assert book.history(name)[0] == pytest.approx([place, place + 0.1, place + 0.2])
        assert book.last_price(name) == 10.0 + place
    book.observe_returns(3 * DAY, {"one more": 1.0})
    assert book.history("S07")[0] == pytest.approx([7.0, 7.1, 7.2])
