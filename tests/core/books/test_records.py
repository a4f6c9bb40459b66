"""Records of strategies: what an outcome teaches, what is refused, who is forgotten."""

import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.books.records import (
    LESSONS_KEPT,
    Lesson,
    RecordBook,
    outcome_period,
    standardised_residual,
)
from app.core.params import ConformalParams

PARAMS = ConformalParams()


def book_of(outcomes: list[tuple[str, float]], limit: int = 10) -> RecordBook:
    book = RecordBook(PARAMS, limit)
    for name, trade_return in outcomes:
        assert book.observe(Lesson(name, trade_return, 0.0, 0.01))
    return book


def test_a_record_counts_outcomes_their_mean_and_wins() -> None:
    book = book_of([("a", 0.02), ("b", -0.04), ("a", -0.01), ("a", 0.0), ("a", 0.03)])
    columns = book.gather(["b", "nobody", "a"])
    assert columns.count.tolist() == [1.0, 0.0, 4.0]
    assert columns.mean == pytest.approx([-0.04, 0.0, 0.01])
    # a return of zero wins nothing
    assert columns.wins.tolist() == [0.0, 0.0, 2.0]
    assert all(math.isnan(value) for value in columns.quantile.tolist())


def test_gathering_nobody_gives_empty_columns() -> None:
    assert RecordBook(PARAMS, 3).gather([]).count.shape == (0,)


def test_the_quantile_appears_with_the_twentieth_residual() -> None:
    book = RecordBook(PARAMS, 3)
    for step in range(1, 20):
        book.observe(Lesson("a", step * 0.01, 0.0, 0.01))
        assert math.isnan(book.gather(["a"]).quantile[0])
    book.observe(Lesson("a", 0.20, 0.0, 0.01))
    # residuals 1 to 20, level 0.9: the ceil(21 * 0.9) = 19th smallest
    assert book.gather(["a"]).quantile[0] == pytest.approx(19.0)


def test_the_window_forgets_the_oldest_residual() -> None:
    params = ConformalParams(window=30, step=1e-9)
    book = RecordBook(params, 3)
    for _ in range(30):
        book.observe(Lesson("a", 1.0, 0.0, 0.01))
    for _ in range(30):
        book.observe(Lesson("a", 0.01, 0.0, 0.01))
    assert book.summary()["a"]["residuals"] == 30
    assert book.gather(["a"]).quantile[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("trade_return", "predicted", "volatility", "residual"),
    [
        (0.03, 0.01, 0.01, 2.0),
        (-0.03, 0.01, 0.02, 2.0),
        (0.0, 0.0, 0.5, 0.0),
        (None, 0.0, 0.1, None),
        (0.0, None, 0.1, None),
        (0.0, 0.0, None, None),
        (math.nan, 0.0, 0.1, None),
        (math.inf, 0.0, 0.1, None),
        (-math.inf, 0.0, 0.1, None),
        (0.0, math.nan, 0.1, None),
        (0.0, math.inf, 0.1, None),
        (0.0, 0.0, math.nan, None),
        (0.0, 0.0, 0.0, None),
        (0.0, 0.0, -0.1, None),
        (1.0, 0.0, 1e-320, None),
        (0.0, 0.0, math.inf, None),
    ],
)
def test_a_residual_is_standardised_or_refused(
    trade_return: float | None,
    predicted: float | None,
    volatility: float | None,
    residual: float | None,
) -> None:
    found = standardised_residual(trade_return, predicted, volatility)
    assert found == (None if residual is None else pytest.approx(residual))


@pytest.mark.parametrize(
    "bad", [(math.nan, 0.0, 0.1), (0.1, math.inf, 0.1), (0.1, 0.0, 0.0), (0.1, 0.0, math.nan)]
)
def test_an_unusable_outcome_is_refused_counted_and_teaches_nothing(
    bad: tuple[float, float, float],
) -> None:
    book = book_of([("a", 0.02)])
    before = book.summary()
    assert not book.observe(Lesson("a", *bad))
    assert not book.observe(Lesson("new", *bad))
    assert book.refused == 2
    assert book.summary() == before


def test_returns_at_the_ends_of_the_number_range_leave_a_finite_mean() -> None:
    book = RecordBook(PARAMS, 3)
    for trade_return in (1.7e308, -1.7e308, 1.7e308):
        book.observe(Lesson("a", trade_return, 0.0, 1e10))
    assert math.isfinite(book.gather(["a"]).mean[0])


def test_beyond_the_bound_the_strategy_updated_longest_ago_is_dropped() -> None:
    book = book_of([("a", 0.1), ("b", 0.1), ("a", 0.1), ("c", 0.1)], limit=2)
    assert list(book.summary()) == ["a", "c"]
    assert book.gather(["a", "b", "c"]).count.tolist() == [2.0, 0.0, 1.0]


def test_coverage_counts_judged_outcomes_alone() -> None:
    book = RecordBook(PARAMS, 3)
    assert book.coverage() is None
    assert book.judged() == 0
    for _ in range(20):
        book.observe(Lesson("a", 0.01, 0.0, 0.01))
    assert book.coverage() is None
    assert book.summary()["a"]["coverage"] is None
    book.observe(Lesson("a", 0.01, 0.0, 0.01))
    book.observe(Lesson("a", 0.01, 0.0, 0.01))
    book.observe(Lesson("a", 0.05, 0.0, 0.01))
    assert book.coverage() == pytest.approx(2 / 3)
    assert book.summary()["a"]["coverage"] == pytest.approx(2 / 3)
    for _ in range(21):
        book.observe(Lesson("b", 0.01, 0.0, 0.01))
    assert book.coverage() == pytest.approx(3 / 4)
    assert book.judged() == 4


def test_the_summary_shows_each_strategy_in_plain_numbers() -> None:
    book = book_of([("z", 0.01)] * 20 + [("a", 0.02)])
    summary = book.summary()
    assert list(summary) == ["a", "z"]
    assert summary["a"] == {
        "outcomes": 1,
        "observations": 1,
        "mean_return": 0.02,
        "wins": 1,
        "residuals": 1,
        "miscoverage": pytest.approx(0.1),
        "quantile": None,
        "coverage": None,
    }
    assert summary["z"]["quantile"] == pytest.approx(1.0)
    json.dumps(summary, allow_nan=False)


def test_the_starting_miscoverage_is_that_of_the_settings() -> None:
    book = RecordBook(ConformalParams(coverage=0.8), 3)
    book.observe(Lesson("a", 0.01, 0.0, 0.01))
    assert book.summary()["a"]["miscoverage"] == pytest.approx(0.2)


def test_a_covered_outcome_raises_the_miscoverage_and_a_missed_one_lowers_it() -> None:
    book = book_of([("a", 0.01)] * 21)
    assert book.summary()["a"]["miscoverage"] == pytest.approx(0.1005)
    assert (book.judged(), book.coverage()) == (1, 1.0)
    book.observe(Lesson("a", 0.011, 0.0, 0.01))
    assert book.summary()["a"]["miscoverage"] == pytest.approx(0.1005 + 0.005 * (0.1 - 1.0))
    assert (book.judged(), book.coverage()) == (2, 0.5)


@pytest.mark.parametrize("count", [1, 19, 20, 21, 230])
def test_export_and_restore_are_exact(count: int) -> None:
    book = RecordBook(PARAMS, 5)
    book.observe(Lesson("bad", math.nan, 0.0, 0.1))
    for step in range(count):
        book.observe(Lesson("a", 0.01 * math.sin(step), 0.001, 0.01))
        book.observe(Lesson("b", 0.02 * math.cos(step), 0.0, 0.01))
    again = RecordBook(PARAMS, 5)
    again.restore(json.loads(json.dumps(book.export())))
    assert again.summary() == book.summary()
    assert again.refused == 1
    for step in range(30):
        for each in (book, again):
            each.observe(Lesson("b", 0.05 * math.sin(step), 0.001, 0.01))
            each.observe(Lesson(f"new {step % 4}", 0.01, 0.0, 0.01))
    assert again.export() == book.export()


def taught(*lessons: Lesson) -> RecordBook:
    book = RecordBook(PARAMS, 10)
    for lesson in lessons:
        assert book.observe(lesson)
    return book


def paired(step: int, trade_return: float, period: int | None = None) -> Lesson:
    return Lesson("st", trade_return, 0.001, 0.05, f"d{step}", "V", period)


def figures(book: RecordBook) -> tuple[float, float, float]:
    columns = book.gather(["st"])
    return float(columns.count[0]), float(columns.mean[0]), float(columns.wins[0])


@pytest.mark.parametrize(
    ("trade_return", "counted"),
    [(0.2499, 0.2499), (0.25, 0.25), (0.9, 0.25), (-3.0, -0.25), (1e300, 0.25)],
)
def test_c19_from_five_claimed_volatilities_on_an_outcome_counts_as_five_in_the_mean(
    trade_return: float, counted: float
) -> None:
    assert figures(taught(paired(0, trade_return)))[1] == counted


def test_a_far_outcome_is_one_win_and_a_miss_of_the_interval_of_ordinary_ones() -> None:
    book = taught(*[paired(step, 0.05) for step in range(20)])
    level = book.summary()["st"]["miscoverage"]
    book.observe(paired(20, 0.4))
    assert figures(book)[2] == 21.0
    assert book.summary()["st"]["miscoverage"] < level
    assert book.coverage() == 0.0


def test_a_far_outcome_within_the_interval_of_a_strategy_of_far_ones_is_no_miss() -> None:
    book = taught(*[paired(step, 0.4) for step in range(20)])
    level = book.summary()["st"]["miscoverage"]
    book.observe(paired(20, 0.4))
    assert book.summary()["st"]["miscoverage"] > level
    assert book.coverage() == 1.0


def test_outcomes_of_one_period_are_one_observation_of_their_mean() -> None:
    book = taught(paired(0, 0.02, 7), paired(1, -0.03, 7), paired(2, 0.05, 8), paired(3, 0.04, 7))
    assert figures(book) == pytest.approx((2.0, (0.01 + 0.05) / 2, 2.0))
    assert book.summary()["st"]["outcomes"] == 4
    assert book.summary()["st"]["residuals"] == 4


def test_a_period_runs_from_noon_to_noon() -> None:
    noon = (20_000 * 86_400 + 43_200) * 10**9
    assert outcome_period(noon - 1) + 1 == outcome_period(noon) == 20_000
    assert outcome_period(noon + 86_400 * 10**9 - 1) == 20_000


HOUR = 3_600.0
DAY = 86_400.0


def hourly(step: int, trade_return: float, period: int | None = None) -> Lesson:
    return replace(paired(step, trade_return, period), horizon_sec=HOUR)


@pytest.mark.parametrize("horizon_sec", [DAY, HOUR, 7 * DAY, 1.0])
def test_a_period_of_a_horizon_begins_half_of_it_after_its_multiples(horizon_sec: float) -> None:
    start = round(10_000 * horizon_sec * 1e9) + round(horizon_sec * 1e9) // 2
    assert outcome_period(start - 1, horizon_sec) == 9_999
    assert outcome_period(start, horizon_sec) == 10_000
    assert outcome_period(start + round(horizon_sec * 1e9) - 1, horizon_sec) == 10_000


def test_an_outcome_of_an_hour_is_a_twentyfourth_of_an_observation_of_a_day() -> None:
    # 24 of 0.001 and 24 of 0.002 in an hour each: two days of 0.024 and 0.048
    lessons = [hourly(step, 0.001 if step < 24 else 0.002) for step in range(48)]
    assert figures(taught(*lessons)) == pytest.approx((2.0, 0.036, 2.0))


def test_an_outcome_of_a_week_is_one_observation_of_a_seventh_of_it() -> None:
    week = replace(paired(0, 0.07), horizon_sec=7 * DAY)
    assert figures(taught(week, paired(1, 0.03))) == pytest.approx((2.0, 0.02, 2.0))


def test_periods_of_other_horizons_are_other_periods() -> None:
    book = taught(paired(0, 0.02, 7), hourly(1, 0.001, 7), hourly(2, -0.003, 7))
    # a day of 0.02, and a twentyfourth of a day of 24 x -0.001
    assert figures(book) == pytest.approx((1 + 1 / 24, (0.02 - 0.001) / (1 + 1 / 24), 1.0))


def test_the_bound_of_five_volatilities_is_of_the_outcomes_own_horizon() -> None:
    # claimed volatility 0.05 of an hour: 0.9 counts as 0.25
    assert figures(taught(hourly(0, 0.9))) == pytest.approx((1 / 24, 0.25 * 24, 1 / 24))


def test_the_residual_is_of_the_outcomes_own_horizon() -> None:
    book = taught(*[hourly(step, 0.051) for step in range(20)])
    assert book.gather(["st"]).quantile[0] == pytest.approx(1.0)


@pytest.mark.parametrize("count", [40, LESSONS_KEPT + 60])
def test_a_record_means_the_same_after_the_horizon_of_claims_has_changed(count: int) -> None:
    daily, weekly = RecordBook(PARAMS, 3, DAY), RecordBook(PARAMS, 3, 7 * DAY)
    for step in range(count):
        daily.observe(paired(step, 0.01, step // 3))
    weekly.restore(json.loads(json.dumps(daily.export())))
    assert figures(daily)[1] == pytest.approx(0.01)
    assert figures(weekly)[1] == pytest.approx(0.07)


def test_forgotten_outcomes_of_parts_of_a_day_keep_their_weight() -> None:
    lessons = [hourly(step, 0.001 * (step % 7), step // 2) for step in range(LESSONS_KEPT + 101)]
    book = taught(*lessons)
    count, mean, _ = figures(book)
    pairs = [lessons[step : step + 2] for step in range(0, len(lessons), 2)]
    means = [24.0 * sum(each.trade_return for each in pair) / len(pair) for pair in pairs]
    assert count == pytest.approx(len(pairs) / 24)
    assert mean == pytest.approx(sum(means) / len(means))
    again = RecordBook(PARAMS, 10)
    again.restore(json.loads(json.dumps(book.export())))
    assert again.export() == book.export()
    assert figures(again) == figures(book)


@given(
    st.lists(st.tuples(st.floats(-0.5, 0.5), st.integers(0, 4)), min_size=1, max_size=60),
    st.data(),
)
@settings(max_examples=60, deadline=None)
def test_a_withdrawn_outcome_is_as_if_it_had_not_been(
    outcomes: list[tuple[float, int]], data: st.DataObject
) -> None:
    gone = data.draw(st.integers(0, len(outcomes) - 1))
    lessons = [paired(step, value, period or None) for step, (value, period) in enumerate(outcomes)]
    book = taught(*lessons)
    assert book.withdraw(f"d{gone}", "V")
    without = taught(*lessons[:gone], *lessons[gone + 1 :])
    assert figures(book) == figures(without)
    if len(outcomes) > 1:
        assert (
            book.export()["records"]["st"]["residuals"]
            == (without.export()["records"]["st"]["residuals"])
        )
        assert book.summary()["st"]["outcomes"] == len(outcomes) - 1


def test_a_strategy_whose_only_outcome_is_withdrawn_has_no_record() -> None:
    book = taught(paired(0, 0.1))
    assert book.withdraw("d0", "V")
    assert book.summary() == {}


def test_withdrawing_keeps_the_adapted_level() -> None:
    book = taught(*[paired(step, 0.01) for step in range(30)])
    level = book.summary()["st"]["miscoverage"]
    assert book.withdraw("d29", "V")
    assert book.summary()["st"]["miscoverage"] == level


def test_an_outcome_that_is_unknown_or_too_old_cannot_be_withdrawn() -> None:
    book = taught(*[paired(step, 0.01 * (step % 3)) for step in range(LESSONS_KEPT + 2)])
    before = figures(book)
    assert before[0] == LESSONS_KEPT + 2
    assert not book.withdraw("d1", "V")
    assert not book.withdraw("d2", "W")
    assert figures(book) == before
    assert book.withdraw("d2", "V")


def test_a_period_that_is_partly_forgotten_stays_one_observation() -> None:
    lessons = [paired(step, 0.01 * (step % 5), step // 1000) for step in range(LESSONS_KEPT + 1200)]
    book = taught(*lessons)
    count, mean, _ = figures(book)
    periods: dict[int, list[float]] = {}
    for step, lesson in enumerate(lessons):
        periods.setdefault(step // 1000, []).append(lesson.trade_return)
    means = [sum(values) / len(values) for values in periods.values()]
    assert (count, mean) == pytest.approx((4.0, sum(means) / 4))
    again = RecordBook(PARAMS, 10)
    again.restore(json.loads(json.dumps(book.export())))
    assert again.export() == book.export()
    assert figures(again) == figures(book)
