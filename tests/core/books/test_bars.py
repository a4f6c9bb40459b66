"""Observations fold into bars, and volatility and correlation count time."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.books.bars import BarClock
from app.core.books.market import MarketBook
from app.core.params import MarketParams
from app.core.types import FloatArray
from tests.core.books import plain_bars
from tests.strategies import seeds

SECOND = 10**9
MINUTE = 60 * SECOND
HOUR = 3_600 * SECOND
DAY = 86_400 * SECOND


def walk(seed: int, days: int, symbols: int) -> FloatArray:
    """Prices at midnight of symbols that a common factor moves, shape (days, symbols)."""
    rng = np.random.default_rng(seed)
    moves = 0.01 * rng.normal(size=(days, 1)) + 0.01 * rng.normal(size=(days, symbols))
    prices: FloatArray = 100.0 * np.exp(np.cumsum(moves, axis=0))
    return prices


def pair_of(book: MarketBook, one: str, other: str) -> tuple[float, int]:
    raw, joint = book.correlations([one, other])
    return float(raw[0, 1]), int(joint[0, 1])


@pytest.mark.parametrize(
    ("hours", "bar"), [(0.0, -1), (11.999, -1), (12.0, 0), (24.0, 0), (35.999, 0), (36.0, 1)]
)
def test_daily_bars_end_at_noon(hours: float, bar: int) -> None:
    assert BarClock.of(MarketParams()).bar_of(round(hours * HOUR)) == bar


def test_a_phase_that_is_set_is_an_edge() -> None:
    clock = BarClock.of(MarketParams(bar_sec=3_600.0, bar_phase_sec=0.0))
    assert [clock.bar_of(at) for at in (0, HOUR - 1, HOUR)] == [0, 0, 1]
    assert clock.is_near_edge(HOUR - 36 * SECOND)
    assert clock.is_near_edge(HOUR + 36 * SECOND)
    assert not clock.is_near_edge(HOUR + 37 * SECOND)


def test_the_volatility_of_three_returns_of_unequal_time_by_hand() -> None:
    book = MarketBook(MarketParams())
    for hours, price in ((0, 100.0), (24, 101.0), (42, 99.99), (66, 100.9899)):
        book.observe_prices(hours * HOUR, {"A": price})
    for step in range(7):
        book.observe_prices((90 + 24 * step) * HOUR, {"A": 100.9899})
    # 42 h lies in the bar of 48 h: tau 1, 0.75, 1; then seven days without a move
    fast, slow = (
        (lam**8.75 * (1 - lam) + lam**8 * (1 - lam**0.75) / 0.75 + lam**7 * (1 - lam))
        * 1e-4
        / (1 - lam**9.75)
        for lam in (0.94, 0.99)
    )
    assert slow > fast
    assert book.volatility("A") == pytest.approx(math.sqrt(slow), rel=1e-12)


def test_the_correlation_of_unequal_times_by_hand() -> None:
    book = MarketBook(MarketParams())
    for hours, a, b in ((0, 100.0, 100.0), (24, 101.0, 102.0), (48, 100.0, 102.0)):
        book.observe_prices(hours * HOUR, {"A": a, "B": b})
    book.observe_prices(66 * HOUR, {"A": 101.0})
    book.observe_prices(72 * HOUR, {"B": 101.0})
    kept, last = 0.99, 0.99**0.75
    ones = [0.01, 100.0 / 101.0 - 1.0, 0.01 / math.sqrt(0.75)]
    twos = [0.02, 0.0, 101.0 / 102.0 - 1.0]
    weights = [(1 - kept) * kept * last, (1 - kept) * last, 1 - last]
    cross, own, other = (
        sum(w * x * y for w, x, y in zip(weights, first, second, strict=True))
        for first, second in ((ones, twos), (ones, ones), (twos, twos))
    )
    rho, joint = pair_of(book, "A", "B")
    assert rho == pytest.approx(cross / math.sqrt(own * other), rel=1e-9)
    assert joint == 3


@given(seed=seeds, missing=st.sampled_from([0.0, 0.3]), days=st.integers(2, 90))
@settings(max_examples=40, deadline=None)
def test_it_is_the_plain_fold_of_any_ticks(seed: int, missing: float, days: int) -> None:
    rng = np.random.default_rng(seed)
    book, ticks = MarketBook(MarketParams()), {name: [(0.0, 100.0)] for name in "ABC"}
    book.observe_prices(0, dict.fromkeys("ABC", 100.0))
    level = dict.fromkeys("ABC", 100.0)
    for at in np.sort(rng.integers(1, 86_400 * days, 3 * days)).tolist():
        common = rng.normal(0.0, 0.01)
        level = {
            name: price * math.exp(common + rng.normal(0.0, 0.01)) for name, price in level.items()
        }
        told = {name: price for name, price in level.items() if rng.random() >= missing}
        for name in book.observe_prices(at * SECOND, told).accepted:
            ticks[name].append((float(at), told[name]))
    folded = {name: plain_bars.bar_returns(each) for name, each in ticks.items()}
    for name, returns in folded.items():
        assert book.history(name)[0] == pytest.approx([each.value for each in returns], abs=1e-12)
        if len(returns) >= 10:
            assert book.volatility(name) == pytest.approx(plain_bars.volatility(returns))
    for one, other in ("AB", "AC", "BC"):
        rho, joint = pair_of(book, one, other)
        expected, n = plain_bars.correlation(folded[one], folded[other])
        assert joint == n
        assert rho == pytest.approx(expected, abs=1e-9)


@given(
    seed=seeds,
    callers=st.integers(1, 4),
    times=st.integers(1, 3),
    apart=st.floats(0.0, 0.25),
)
@settings(max_examples=30, deadline=None)
def test_who_tells_prices_and_how_often_changes_nothing(
    seed: int, callers: int, times: int, apart: float
) -> None:
    names = ["A", "B", "C", "D"]
    prices = walk(seed, 100, 4)
    together, split = MarketBook(MarketParams()), MarketBook(MarketParams())
    for day, row in enumerate(prices.tolist()):
        now = dict(zip(names, row, strict=True))
        together.observe_prices(day * DAY, now)
        for again in range(times):
            for caller in range(callers):
                at = day * DAY + round((caller / max(callers - 1, 1)) * apart * DAY)
                mine = {name: now[name] for name in names[caller::callers]}
                split.observe_prices(at + again * SECOND, mine)
    for name in names:
        one, other = together.volatility(name), split.volatility(name)
        assert one is not None
        assert other == pytest.approx(one, rel=0.02)
    raw, joint = together.correlations(names)
    others, counts = split.correlations(names)
    assert others == pytest.approx(raw, abs=0.02)
    assert (counts == joint).all()


def test_returns_of_five_minutes_compound_into_the_day() -> None:
    rng = np.random.default_rng(5)
    fine, coarse = MarketBook(MarketParams()), MarketBook(MarketParams())
    for day in range(30):
        moves = rng.normal(0.0, 0.001, 288).tolist()
        # the day from noon to noon, its last stamp a moment before the edge
        for step, move in enumerate(moves, start=1):
            at = day * DAY + 12 * HOUR + step * 5 * MINUTE - SECOND
            fine.observe_returns(at, {"A": move})
        coarse.observe_returns((day + 1) * DAY, {"A": math.prod(1.0 + m for m in moves) - 1.0})
    assert fine.history("A")[0] == pytest.approx(coarse.history("A")[0], abs=1e-14)
    assert fine.volatility("A") == pytest.approx(coarse.volatility("A"))
    assert fine.count("A") == 30


def test_a_bar_with_returns_takes_none_from_its_prices() -> None:
    book = MarketBook(MarketParams())
    book.observe_prices(0, {"A": 100.0})
    book.observe_prices(DAY, {"A": 103.0})
    book.observe_returns(DAY + HOUR, {"A": 0.05})
    book.observe_prices(DAY + 2 * HOUR, {"A": 106.0})
    assert book.history("A")[0].tolist() == [0.05]
    assert book.last_price("A") == 106.0
    book.observe_prices(2 * DAY, {"A": 95.4})
    assert book.history("A")[0] == pytest.approx([0.05, -0.1])


def test_returns_of_before_the_only_price_are_bars_of_their_own() -> None:
    book, plain = MarketBook(MarketParams()), MarketBook(MarketParams())
    book.observe_prices(30 * DAY, {"A": 100.0})
    for day in range(25):
        for each in (book, plain):
            each.observe_returns(day * DAY, {"A": 0.01 * (day % 3 - 1)})
    assert book.history("A")[0].tolist() == plain.history("A")[0].tolist()
    assert book.volatility("A") == plain.volatility("A")
    book.observe_prices(31 * DAY, {"A": 101.0})
    assert book.history("A")[0][-1] == pytest.approx(0.01)
    assert book.count("A") == 26


def test_the_bar_in_which_a_price_is_accepted_has_no_return() -> None:
    book = MarketBook(MarketParams())
    for day, price in enumerate((100.0, 101.0)):
        book.observe_prices(day * DAY, {"A": price})
    book.observe_prices(2 * DAY, {"A": 102.0})
    book.accept("A", 500.0, 2 * DAY + HOUR)
    book.observe_prices(2 * DAY + 2 * HOUR, {"A": 505.0})
    assert book.history("A")[0] == pytest.approx([0.01])
    book.observe_prices(3 * DAY, {"A": 515.1})
    assert book.history("A")[0] == pytest.approx([0.01, 0.02])


def test_moves_are_of_bar_values_and_a_split_rescales_them() -> None:
    book = MarketBook(MarketParams())
    for day, price in enumerate((100.0, 140.0, 110.0)):
        book.observe_prices(day * DAY, {"A": price})
    assert book.largest_move("A", 100.0, 0) == pytest.approx(0.4)
    assert book.largest_move("A", 140.0, DAY) == pytest.approx(30.0 / 140.0)
    book.split("A", 2.0)
    assert book.largest_move("A", 50.0, 0) == pytest.approx(0.4)
    book.observe_returns(3 * DAY, {"A": 1.0})
    assert book.largest_move("A", 50.0, 0) == pytest.approx(1.2)


def test_prices_out_of_order_are_ignored_and_the_last_of_a_bar_counts() -> None:
    book, plain = MarketBook(MarketParams()), MarketBook(MarketParams())
    rng = np.random.default_rng(8)
    for day in range(15):
        for hour in (1, 5, 3, 9, 7):
            at, price = day * DAY + hour * HOUR, 100.0 * math.exp(rng.normal(0.0, 0.02))
            accepted = book.observe_prices(at, {"A": price}).accepted
            if hour == 9:
                plain.observe_prices(at, {"A": price})
            assert bool(accepted) == (hour not in {3, 7})
    assert book.history("A")[0] == pytest.approx(plain.history("A")[0])
    assert book.volatility("A") == pytest.approx(plain.volatility("A"))


def test_a_return_across_empty_bars_counts_as_one_bar() -> None:
    book = MarketBook(MarketParams())
    for day in range(0, 40, 2):
        book.observe_prices(day * DAY, {"A": 100.0 * 1.02 ** (day / 2 % 2)})
    returns, interval = book.history("A")
    assert interval == 2 * 86_400.0
    assert book.volatility("A") == pytest.approx(np.sqrt(np.mean(returns**2)), rel=0.02)


def test_a_symbol_that_trades_on_fewer_days_is_joint_only_between_equal_bars() -> None:
    prices = walk(2, 70, 2)
    book = MarketBook(MarketParams())
    for day, (coin, stock) in enumerate(prices.tolist()):
        weekend = day % 7 in {5, 6}
        book.observe_prices(day * DAY, {"COIN": coin} | ({} if weekend else {"STOCK": stock}))
    # of each week Tuesday to Friday; Monday's return of the stock begins on Friday
    assert pair_of(book, "COIN", "STOCK")[1] == 40
    assert book.count("STOCK") == 49


def test_one_that_closes_its_bar_later_is_joint_all_the_same() -> None:
    prices = walk(3, 60, 2)
    together, apart = MarketBook(MarketParams()), MarketBook(MarketParams())
    for day, (a, b) in enumerate(prices.tolist()):
        together.observe_prices(day * DAY, {"A": a, "B": b})
        apart.observe_prices(day * DAY, {"A": a})
        if day:
            apart.observe_prices((day - 1) * DAY + HOUR, {"B": prices[day - 1, 1]})
        apart.correlations(["A", "B"])
    apart.observe_prices(59 * DAY + HOUR, {"B": prices[59, 1]})
    assert pair_of(apart, "A", "B") == pytest.approx(pair_of(together, "A", "B"), abs=1e-12)


def test_more_than_199_joint_bars_say_no_more() -> None:
    book = MarketBook(MarketParams())
    for day, (a, b) in enumerate(walk(4, 230, 2).tolist()):
        book.observe_prices(day * DAY, {"A": a, "B": b})
    assert pair_of(book, "A", "B")[1] == 199


def test_a_pair_of_which_one_never_moved_has_no_joint_bars() -> None:
    book = MarketBook(MarketParams())
    for day, (a, _) in enumerate(walk(4, 30, 2).tolist()):
        book.observe_prices(day * DAY, {"A": a, "B": 1.0})
    assert pair_of(book, "A", "B") == (0.0, 0)


@pytest.mark.parametrize("cut", [7, 100, 530, 700])
def test_a_restart_goes_on_to_the_last_bit(cut: int) -> None:
    prices = walk(6, 800, 3)
    names = ["A", "B", "C"]
    book = MarketBook(MarketParams())
    for day, row in enumerate(prices.tolist()):
        for place, (name, price) in enumerate(zip(names, row, strict=True)):
            if (day + place) % 9:
                book.observe_prices(day * DAY + place * MINUTE, {name: price})
        if day == cut:
            book.correlations(names)
            again = MarketBook(MarketParams())
            again.restore(json.loads(json.dumps(book.export())))
        if day > cut:
            for place, (name, price) in enumerate(zip(names, row, strict=True)):
                if (day + place) % 9:
                    again.observe_prices(day * DAY + place * MINUTE, {name: price})
            if day % 10 == 0 or day > 790:
                for mine, theirs in zip(
                    book.correlations(names), again.correlations(names), strict=True
                ):
                    assert (mine == theirs).all()
    assert again.export() == book.export()


@pytest.mark.parametrize("params", [MarketParams(bar_sec=3_600.0), MarketParams(bar_phase_sec=0.0)])
def test_bars_of_another_length_or_phase_begin_anew_and_keep_prices(params: MarketParams) -> None:
    book = MarketBook(MarketParams())
    for day, (a, b) in enumerate(walk(7, 30, 2).tolist()):
        book.observe_prices(day * DAY, {"A": a, "B": b})
    again = MarketBook(params)
    again.restore(book.export())
    assert again.last("A") == book.last("A")
    assert (again.count("A"), again.volatility("A")) == (0, None)
    assert pair_of(again, "A", "B") == (0.0, 0)
    again.observe_prices(30 * DAY, {"A": again.last_price("A") or 0.0})
    assert again.history("A")[0].tolist() == [0.0]
    assert again.begun_anew(30 * DAY)
    assert not again.begun_anew(32 * DAY)
    third = MarketBook(params)
    third.restore(json.loads(json.dumps(again.export())))
    assert third.export() == again.export()
    assert not book.begun_anew(30 * DAY)


@pytest.mark.parametrize(("days", "told"), [(5, False), (6, True), (30, True)])
def test_a_price_that_stands_still_for_five_bars_is_told(days: int, *, told: bool) -> None:
    book = MarketBook(MarketParams())
    for day in range(days):
        book.observe_prices(day * DAY, {"A": 100.0})
        book.observe_prices(day * DAY + HOUR, {"A": 100.0, "B": 100.0 + day})
    assert book.standing_still(["A", "B", "X"]) == (["A"] if told else [])
    book.observe_prices(days * DAY, {"A": 100.01})
    assert book.standing_still(["A"]) == []


@pytest.mark.parametrize(
    ("hour", "told"), [(12.0, True), (11.8, True), (12.3, False), (0.0, False)]
)
def test_stamps_that_keep_near_an_edge_are_told(hour: float, *, told: bool) -> None:
    book = MarketBook(MarketParams())
    for day in range(8):
        book.observe_prices(day * DAY + round(hour * HOUR), {"A": 100.0 + day})
    assert book.near_edges(["A", "X"]) == (["A"] if told else [])


def test_a_feed_that_ticks_all_day_is_not_told_for_its_last_tick() -> None:
    book = MarketBook(MarketParams())
    for hour in range(24 * 8):
        book.observe_prices(hour * HOUR, {"A": 100.0 + hour})
    assert book.near_edges(["A"]) == []


def test_a_clipped_return_is_told_once_a_bar() -> None:
    book = MarketBook(MarketParams())
    for day in range(30):
        book.observe_prices(day * DAY, {"A": 100.0 + day % 2})
    clipped = [
        book.observe_prices(30 * DAY + step * MINUTE, {"A": 300.0 + step}).clipped
        for step in range(3)
    ]
    assert clipped == [("A",), (), ()]
    assert book.observe_prices(31 * DAY, {"A": 300.0}).clipped == ()
