"""Records of strategies: what an outcome teaches, how it is forgotten, what is refused."""

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.books.observations import RecordSums
from app.core.books.records import Lesson, RecordBook, outcome_period
from app.core.params import ConformalParams, RecordParams

PARAMS = ConformalParams()
# no observation of these tests counts for less than it did, to 1e-6
LASTING = RecordParams(half_life=10_000.0 * 1_000.0)
DAY, HOUR = 86_400.0, 3_600.0


def book_of(
    *lessons: Lesson, records: RecordParams = LASTING, limit: int = 10, horizon_sec: float = DAY
) -> RecordBook:
    book = RecordBook(PARAMS, records, limit, horizon_sec)
    for one in lessons:
        assert book.observe(one)
    return book


def taught(step: int, outcome: float, period: int | None = None, **changes: Any) -> Lesson:
    plain = Lesson("st", 0.05, outcome, abs(outcome - 0.05), f"d{step}", "V", period)
    return replace(plain, **changes)


def sums_of(book: RecordBook, strategy: str = "st") -> RecordSums:
    return RecordSums(*book.gather([strategy]).sums[:, 0].tolist())


def one(book: RecordBook, strategy: str = "st") -> dict[str, Any]:
    exported: dict[str, Any] = book.export()["records"][strategy]
    return exported


def test_a_record_sums_claims_outcomes_their_products_and_wins() -> None:
    lessons = [taught(0, 0.4, claim=0.1), taught(1, -0.2, claim=0.05), taught(2, 0.0, claim=0.0)]
    sums = sums_of(book_of(*lessons))
    expected = RecordSums(3.0, 0.15, 0.0125, 0.2, 0.03, 1.0, 1.0)
    # an outcome of 0 is neither won nor lost
    assert sums == pytest.approx(expected, rel=1e-5)


def test_strategies_are_gathered_in_the_order_asked_and_strangers_have_nothing() -> None:
    book = book_of(taught(0, 0.4), taught(1, -1.0, strategy_id="b"))
    columns = book.gather(["b", "nobody", "st"])
    assert columns.outcomes.tolist() == [1.0, 0.0, 1.0]
    assert columns.sums[3] == pytest.approx([-1.0, 0.0, 0.4])
    assert columns.sums.shape == (7, 3)
    assert all(math.isnan(value) for value in columns.quantile.tolist())
    assert book.gather([]).sums.shape == (7, 0)


@pytest.mark.parametrize("half_life", [1.0, 4.0, 250.0])
def test_an_observation_counts_half_after_its_half_life(half_life: float) -> None:
    lessons = [taught(step, 1.0 if step == 0 else 0.0, claim=0.0) for step in range(5)]
    sums = sums_of(book_of(*lessons, records=RecordParams(half_life)))
    assert sums.outcome == pytest.approx(2.0 ** (-4.0 / half_life))
    assert sums.weight == pytest.approx(math.fsum(2.0 ** (-k / half_life) for k in range(5)))


def test_observations_age_by_the_weight_of_those_after_them() -> None:
    hours = [taught(step, 0.0, claim=0.0, horizon_sec=HOUR) for step in range(1, 49)]
    sums = sums_of(book_of(taught(0, 1.0, claim=0.0), *hours, records=RecordParams(2.0)))
    # 48 hours weigh two days
    assert sums.outcome == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("outcome", "counted"), [(4.99, 4.99), (5.0, 5.0), (18.0, 5.0), (-60.0, -5.0)]
)
def test_c19_from_five_volatilities_on_an_outcome_counts_as_five_in_the_sums(
    outcome: float, counted: float
) -> None:
    assert sums_of(book_of(taught(0, outcome))).outcome == pytest.approx(counted)


def test_a_far_outcome_is_one_win_and_a_miss_of_the_interval_of_ordinary_ones() -> None:
    book = book_of(*[taught(step, 1.0) for step in range(20)])
    level = one(book)["miscoverage"]
    book.observe(taught(20, 8.0))
    assert sums_of(book).wins == pytest.approx(21.0, rel=1e-5)
    assert one(book)["miscoverage"] < level
    assert book.coverage() == 0.0


def test_outcomes_of_one_period_are_one_observation_of_their_mean_where_the_first_came() -> None:
    lessons = [
        taught(0, 0.2, 7, claim=0.1), taught(1, -0.3, 7, claim=0.0), taught(2, 0.5, 8),
        taught(3, 0.4, 7, claim=0.02),
    ]  # fmt: skip
    book = book_of(*lessons, records=RecordParams(1.0))
    # the period of three is the older one
    assert sums_of(book).weight == pytest.approx(1.5)
    assert sums_of(book).outcome == pytest.approx(0.5 * 0.1 + 0.5)
    assert sums_of(book).product == pytest.approx(0.5 * 0.1 * 0.04 + 0.5 * 0.05)
    assert one(book)["outcomes"] == 4
    assert len(one(book)["residuals"]) == 4


def test_a_period_runs_from_noon_to_noon() -> None:
    noon = (20_000 * 86_400 + 43_200) * 10**9
    assert outcome_period(noon - 1) + 1 == outcome_period(noon) == 20_000
    assert outcome_period(noon + 86_400 * 10**9 - 1) == 20_000


@pytest.mark.parametrize("horizon_sec", [DAY, HOUR, 7 * DAY, 1.0])
def test_a_period_of_a_horizon_begins_half_of_it_after_its_multiples(horizon_sec: float) -> None:
    start = round(10_000 * horizon_sec * 1e9) + round(horizon_sec * 1e9) // 2
    assert outcome_period(start - 1, horizon_sec) == 9_999
    assert outcome_period(start, horizon_sec) == 10_000
    assert outcome_period(start + round(horizon_sec * 1e9) - 1, horizon_sec) == 10_000


def test_an_outcome_of_an_hour_is_a_twentyfourth_of_an_observation_in_units_of_a_day() -> None:
    hours = [taught(step, 0.02, horizon_sec=HOUR, claim=0.01) for step in range(24)]
    sums = sums_of(book_of(*hours))
    root = math.sqrt(24.0)
    assert sums[:5] == pytest.approx((1.0, 0.01 * root, 0.0024, 0.02 * root, 0.0048), rel=1e-5)


def test_an_outcome_of_a_week_is_one_observation() -> None:
    sums = sums_of(book_of(taught(0, 0.7, horizon_sec=7 * DAY, claim=0.0)))
    assert (sums.weight, sums.outcome) == pytest.approx((1.0, 0.7 / math.sqrt(7.0)))


def test_periods_of_other_horizons_are_other_periods() -> None:
    book = book_of(taught(0, 0.2, 7), taught(1, 0.1, 7, horizon_sec=HOUR))
    assert sums_of(book).weight == pytest.approx(1.0 + 1.0 / 24.0)


def test_the_bound_of_five_volatilities_is_of_the_outcomes_own_horizon() -> None:
    sums = sums_of(book_of(taught(0, 18.0, horizon_sec=HOUR)))
    assert sums.outcome == pytest.approx(5.0 * math.sqrt(24.0) / 24.0)


def test_a_record_means_the_same_after_the_horizon_of_claims_has_changed() -> None:
    daily = book_of(*[taught(step, 0.1, step // 3, claim=0.02) for step in range(60)])
    weekly = RecordBook(PARAMS, LASTING, 3, 7 * DAY)
    weekly.restore(json.loads(json.dumps(daily.export())))
    a_day, a_week = sums_of(daily), sums_of(weekly)
    assert a_day.outcome / a_day.weight == pytest.approx(0.1)
    assert a_week.outcome / a_week.weight == pytest.approx(0.1 * math.sqrt(7.0))
    assert a_week.product == pytest.approx(a_day.product)


def test_the_quantile_appears_with_the_twentieth_residual() -> None:
    book = book_of()
    for step in range(1, 20):
        book.observe(taught(step, 0.0, residual=float(step)))
        assert math.isnan(book.gather(["st"]).quantile[0])
    book.observe(taught(20, 0.0, residual=20.0))
    # residuals 1 to 20, level 0.9: the ceil(21 * 0.9) = 19th smallest
    assert book.gather(["st"]).quantile[0] == pytest.approx(19.0)


def test_the_window_forgets_the_oldest_residual() -> None:
    book = RecordBook(ConformalParams(window=30, step=1e-9), LASTING, 3)
    for step in range(60):
        book.observe(taught(step, 0.0, residual=100.0 if step < 30 else 1.0))
    assert one(book)["residuals"] == [1.0] * 30
    assert book.gather(["st"]).quantile[0] == pytest.approx(1.0)


def test_a_window_made_shorter_keeps_its_newest_part() -> None:
    long = book_of(*[taught(step, 0.0, residual=float(step)) for step in range(100)])
    short = RecordBook(ConformalParams(window=25), LASTING, 3)
    short.restore(long.export())
    assert one(short)["residuals"] == [float(step) for step in range(75, 100)]
    short.observe(taught(100, 0.0, residual=100.0))
    assert one(short)["residuals"] == [float(step) for step in range(76, 101)]


@pytest.mark.parametrize("name", ["claim", "outcome", "residual"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_unusable_outcome_is_refused_counted_and_teaches_nothing(name: str, bad: float) -> None:
    book = book_of(taught(0, 0.2))
    before = book.export()["records"]
    spoilt: dict[str, Any] = {name: bad}
    assert not book.observe(replace(taught(1, 0.2), **spoilt))
    assert not book.observe(replace(taught(1, 0.2, strategy_id="new"), **spoilt))
    assert book.refused == 2
    assert book.export()["records"] == before


def test_numbers_at_the_ends_of_their_range_leave_finite_sums() -> None:
    book = book_of()
    for outcome in (1.7e308, -1.7e308, 1.7e308):
        book.observe(taught(0, outcome, residual=1.0))
    assert all(map(math.isfinite, sums_of(book)))
    assert not book.observe(taught(0, 1.0, residual=1e200))


def test_beyond_the_bound_the_strategy_updated_longest_ago_is_dropped() -> None:
    book = book_of(*[taught(0, 0.1, strategy_id=name) for name in "abac"], limit=2)
    assert list(book.records()) == ["a", "c"]
    assert book.gather(["a", "b", "c"]).outcomes.tolist() == [2.0, 0.0, 1.0]


def test_coverage_counts_judged_outcomes_alone() -> None:
    book = book_of()
    assert book.coverage() is None
    assert book.judged() == 0
    for step in range(20):
        book.observe(taught(step, 0.0, residual=1.0))
    assert book.coverage() is None
    for residual in (1.0, 1.0, 5.0):
        book.observe(taught(0, 0.0, residual=residual))
    assert book.coverage() == pytest.approx(2 / 3)
    for step in range(21):
        book.observe(taught(step, 0.0, residual=1.0, strategy_id="b"))
    assert book.coverage() == pytest.approx(3 / 4)
    assert book.judged() == 4


def test_a_covered_outcome_raises_the_miscoverage_and_a_missed_one_lowers_it() -> None:
    book = book_of(*[taught(step, 0.0, residual=1.0) for step in range(21)])
    assert one(book)["miscoverage"] == pytest.approx(0.1005)
    book.observe(taught(21, 0.0, residual=1.1))
    assert one(book)["miscoverage"] == pytest.approx(0.1005 + 0.005 * (0.1 - 1.0))
    assert (book.judged(), book.coverage()) == (2, 0.5)


def test_the_starting_miscoverage_is_that_of_the_settings() -> None:
    book = RecordBook(ConformalParams(coverage=0.8), LASTING, 3)
    book.observe(taught(0, 0.1))
    assert one(book)["miscoverage"] == pytest.approx(0.2)


@pytest.mark.parametrize("count", [1, 19, 20, 21, 230])
@pytest.mark.parametrize("half_life", [1.5, 250.0])
def test_export_and_restore_are_exact(count: int, half_life: float) -> None:
    records = RecordParams(half_life)
    book = RecordBook(PARAMS, records, 5)
    book.observe(taught(0, math.nan))
    for step in range(count):
        book.observe(taught(step, math.sin(step), step // 3))
        book.observe(taught(step, math.cos(step), strategy_id="b", horizon_sec=HOUR))
    again = RecordBook(PARAMS, records, 5)
    again.restore(json.loads(json.dumps(book.export())))
    assert again.export() == book.export()
    assert again.refused == 1
    for step in range(30):
        for each in (book, again):
            each.observe(taught(step, math.sin(step), strategy_id="b"))
            each.observe(taught(step, 0.1, strategy_id=f"new {step % 4}"))
    assert again.export() == book.export()
    assert sums_of(again, "b") == sums_of(book, "b")


def test_what_is_no_longer_kept_still_counts_and_cannot_be_withdrawn() -> None:
    records = RecordParams(half_life=2.0)
    lessons = [taught(step, 0.1 * (step % 5)) for step in range(50)]
    book = book_of(*lessons, records=records)
    assert len(one(book)["observations"]) == 20
    weights = [2.0 ** (-(49 - step) / 2.0) for step in range(50)]
    expected = math.fsum(w * 0.1 * (step % 5) for step, w in enumerate(weights))
    assert sums_of(book).weight == pytest.approx(math.fsum(weights))
    assert sums_of(book).outcome == pytest.approx(expected)
    assert not book.withdraw("d29", "V")
    assert not book.withdraw("d30", "W")
    assert book.withdraw("d30", "V")


def test_no_more_than_ten_thousand_outcomes_of_a_strategy_are_kept_whole() -> None:
    book = book_of(*[taught(step, 0.1, step // 200) for step in range(10_100)])
    kept = one(book)["observations"]
    assert len(kept) == 50
    assert sum(len(lessons) for _, _, lessons in kept) == 9_900
    assert sums_of(book).weight == pytest.approx(51.0, rel=1e-4)


@given(
    st.lists(st.tuples(st.floats(-6.0, 6.0), st.integers(0, 4)), min_size=1, max_size=60),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_a_withdrawn_outcome_is_as_if_it_had_not_been(
    outcomes: list[tuple[float, int]], data: st.DataObject
) -> None:
    gone = data.draw(st.integers(0, len(outcomes) - 1))
    lessons = [taught(step, value, period or None) for step, (value, period) in enumerate(outcomes)]
    book = book_of(*lessons, records=RecordParams(50.0))
    assert book.withdraw(f"d{gone}", "V")
    without = book_of(*lessons[:gone], *lessons[gone + 1 :], records=RecordParams(50.0))
    assert sums_of(book) == sums_of(without)
    if len(outcomes) > 1:
        assert one(book)["residuals"] == one(without)["residuals"]
        assert one(book)["outcomes"] == len(outcomes) - 1


def test_a_strategy_whose_only_outcome_is_withdrawn_has_no_record() -> None:
    book = book_of(taught(0, 0.1))
    assert book.withdraw("d0", "V")
    assert book.records() == {}


def test_withdrawing_keeps_the_adapted_level() -> None:
    book = book_of(*[taught(step, 0.1) for step in range(30)])
    level = one(book)["miscoverage"]
    assert book.withdraw("d29", "V")
    assert one(book)["miscoverage"] == level
