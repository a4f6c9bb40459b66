"""Records of strategies: what an outcome teaches, what is refused, who is forgotten."""

import json
import math

import pytest

from app.core.books.records import RecordBook, StrategyRecord, standardised_residual
from app.core.params import ConformalParams

PARAMS = ConformalParams()


def book_of(outcomes: list[tuple[str, float]], limit: int = 10) -> RecordBook:
    book = RecordBook(PARAMS, limit)
    for name, trade_return in outcomes:
        assert book.observe(name, trade_return, 0.0, 0.01)
    return book


def test_a_record_counts_outcomes_their_mean_and_wins() -> None:
    book = book_of([("a", 0.02), ("b", -0.5), ("a", -0.01), ("a", 0.0), ("a", 0.03)])
    columns = book.gather(["b", "nobody", "a"])
    assert columns.count.tolist() == [1.0, 0.0, 4.0]
    assert columns.mean == pytest.approx([-0.5, 0.0, 0.01])
    # a return of zero wins nothing
    assert columns.wins.tolist() == [0.0, 0.0, 2.0]
    assert all(math.isnan(value) for value in columns.quantile.tolist())


def test_gathering_nobody_gives_empty_columns() -> None:
    assert RecordBook(PARAMS, 3).gather([]).count.shape == (0,)


def test_the_quantile_appears_with_the_twentieth_residual() -> None:
    book = RecordBook(PARAMS, 3)
    for step in range(1, 20):
        book.observe("a", step * 0.01, 0.0, 0.01)
        assert math.isnan(book.gather(["a"]).quantile[0])
    book.observe("a", 0.20, 0.0, 0.01)
    # residuals 1 to 20, level 0.9: the ceil(21 * 0.9) = 19th smallest
    assert book.gather(["a"]).quantile[0] == pytest.approx(19.0)


def test_the_window_forgets_the_oldest_residual() -> None:
    params = ConformalParams(window=30, step=1e-9)
    book = RecordBook(params, 3)
    for _ in range(30):
        book.observe("a", 1.0, 0.0, 0.01)
    for _ in range(30):
        book.observe("a", 0.01, 0.0, 0.01)
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
    assert not book.observe("a", *bad)
    assert not book.observe("new", *bad)
    assert book.refused == 2
    assert book.summary() == before


def test_returns_at_the_ends_of_the_number_range_leave_a_finite_mean() -> None:
    book = RecordBook(PARAMS, 3)
    for trade_return in (1.7e308, -1.7e308, 1.7e308):
        book.observe("a", trade_return, 0.0, 1e10)
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
        book.observe("a", 0.01, 0.0, 0.01)
    assert book.coverage() is None
    assert book.summary()["a"]["coverage"] is None
    book.observe("a", 0.01, 0.0, 0.01)
    book.observe("a", 0.01, 0.0, 0.01)
    book.observe("a", 0.05, 0.0, 0.01)
    assert book.coverage() == pytest.approx(2 / 3)
    assert book.summary()["a"]["coverage"] == pytest.approx(2 / 3)
    for _ in range(21):
        book.observe("b", 0.01, 0.0, 0.01)
    assert book.coverage() == pytest.approx(3 / 4)
    assert book.judged() == 4


def test_the_summary_shows_each_strategy_in_plain_numbers() -> None:
    book = book_of([("z", 0.01)] * 20 + [("a", 0.02)])
    summary = book.summary()
    assert list(summary) == ["a", "z"]
    assert summary["a"] == {
        "outcomes": 1,
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
    book.observe("a", 0.01, 0.0, 0.01)
    assert book.summary()["a"]["miscoverage"] == pytest.approx(0.2)


def test_a_covered_outcome_raises_the_miscoverage_and_a_missed_one_lowers_it() -> None:
    record = StrategyRecord()
    for _ in range(20):
        record.add_residual(1.0, PARAMS)
    record.add_residual(1.0, PARAMS)
    assert record.miscoverage == pytest.approx(0.1005)
    assert (record.judged, record.covered) == (1, 1)
    record.add_residual(1.1, PARAMS)
    assert record.miscoverage == pytest.approx(0.1005 + 0.005 * (0.1 - 1.0))
    assert (record.judged, record.covered) == (2, 1)


@pytest.mark.parametrize("count", [1, 19, 20, 21, 230])
def test_export_and_restore_are_exact(count: int) -> None:
    book = RecordBook(PARAMS, 5)
    book.observe("bad", math.nan, 0.0, 0.1)
    for step in range(count):
        book.observe("a", 0.01 * math.sin(step), 0.001, 0.01)
        book.observe("b", 0.02 * math.cos(step), 0.0, 0.01)
    again = RecordBook(PARAMS, 5)
    again.restore(json.loads(json.dumps(book.export())))
    assert again.summary() == book.summary()
    assert again.refused == 1
    for step in range(30):
        for each in (book, again):
            each.observe("b", 0.05 * math.sin(step), 0.001, 0.01)
            each.observe(f"new {step % 4}", 0.01, 0.0, 0.01)
    assert again.export() == book.export()
