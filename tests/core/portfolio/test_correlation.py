"""The correlation estimate against a slow one in plain Python, and its repair."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.books.market import MarketBook
from app.core.params import MarketParams
from app.core.portfolio.correlation import (
    CorrelationView,
    diversification_score,
    make_definite,
    prior_matrix,
    shrunk_correlation,
)
from app.core.types import FloatArray, IntArray
from tests.core.problems import correlation_of, random_loadings
from tests.strategies import seeds

DAY = 86_400 * 10**9
PARAMS = MarketParams(history=64)
NAMES = ("A", "B", "C", "D")


def slow_correlation(
    first: dict[int, float], second: dict[int, float], params: MarketParams
) -> tuple[float, int]:
    """EWMA over the bars in which both have a return since the same bar, shrunk by their count."""
    joint = sorted(
        day
        for day in first.keys() & second.keys()
        if max((d for d in first if d < day), default=day - 1)
        == max((d for d in second if d < day), default=day - 1)
    )
    weight = {day: params.correlation_decay**age for age, day in enumerate(reversed(joint))}
    cross = math.fsum(weight[t] * first[t] * second[t] for t in joint)
    own = math.fsum(weight[t] * first[t] ** 2 for t in joint)
    other = math.fsum(weight[t] * second[t] ** 2 for t in joint)
    count = 0 if own == 0.0 or other == 0.0 else len(joint)
    rho = cross / math.sqrt(own * other) if count else 0.0
    heavy = params.prior_weight
    return (count * rho + heavy * params.prior_correlation) / (count + heavy), len(joint)


def correlation_of_book(book: MarketBook, names: Sequence[str]) -> tuple[FloatArray, IntArray]:
    raw, joint = book.correlations(names)
    return shrunk_correlation(raw, joint, flat_prior(len(names)), PARAMS), joint


def flat_prior(size: int, prior: float = 0.5) -> FloatArray:
    return prior_matrix(np.ones(size), prior)


def feed(book: MarketBook, seen: dict[str, dict[int, float]]) -> None:
    for time in sorted({time for series in seen.values() for time in series}):
        now = {name: series[time] for name, series in seen.items() if time in series}
        book.observe_returns(time * DAY, now)


def series(rng: np.random.Generator, length: int, missing: float) -> dict[str, dict[int, float]]:
    common = rng.normal(0.0, 0.01, length)
    return {
        name: {
            int(step): float(common[step] + rng.normal(0.0, 0.01))
            for step in range(length)
            if rng.random() >= missing
        }
        for name in NAMES
    }


@given(seed=seeds, length=st.integers(1, 64), missing=st.sampled_from([0.0, 0.1, 0.5]))
@settings(max_examples=40, deadline=None)
def test_it_is_the_slow_ewma_over_joint_bars(seed: int, length: int, missing: float) -> None:
    seen = series(np.random.default_rng(seed), length, missing)
    book = MarketBook(PARAMS)
    feed(book, seen)
    matrix, joint = correlation_of_book(book, NAMES)
    for row, first in enumerate(NAMES):
        for column, second in enumerate(NAMES):
            expected, n = slow_correlation(seen[first], seen[second], PARAMS)
            if row == column:
                expected = 1.0
            assert matrix[row, column] == pytest.approx(expected, abs=1e-9)
            assert joint[row, column] == n
    assert (matrix == matrix.T).all()


def test_what_is_asked_as_bars_close_is_the_same_as_what_is_asked_at_the_end() -> None:
    book, later = MarketBook(PARAMS), MarketBook(PARAMS)
    seen = series(np.random.default_rng(3), 200, 0.1)
    for day in range(200):
        now = {name: one[day] for name, one in seen.items() if day in one}
        for name, value in now.items():
            book.observe_returns(day * DAY, {name: value})
            book.correlations(NAMES[: 2 + day % 3])
        later.observe_returns(day * DAY, now)
    raw, joint = book.correlations(NAMES)
    whole, count = later.correlations(NAMES)
    assert (raw == whole).all()
    assert (joint == count).all()
    # no more than twice the history of 64 is kept, and at least one less than it
    last = {name: dict(list(one.items())[-100:]) for name, one in seen.items()}
    assert raw[0, 3] == pytest.approx(slow_correlation(last["A"], last["D"], PARAMS)[0], abs=0.2)


def test_a_pair_does_not_depend_on_who_else_is_asked_for() -> None:
    book = MarketBook(PARAMS)
    feed(book, series(np.random.default_rng(4), 100, 0.2))
    alone, n = book.correlations(["A", "B"])
    among, m = book.correlations(["C", "X", "B", "D", "A"])
    assert alone[0, 1] == among[4, 2]
    assert n[0, 1] == m[4, 2]
    assert (among[1, 0], m[1, 0]) == (0.0, 0)


def test_more_symbols_than_are_kept_up_and_forgotten_ones_change_nothing() -> None:
    names = [f"S{place:03}" for place in range(400)]
    rng = np.random.default_rng(5)
    book = MarketBook(PARAMS)
    asked = [names[:150], names[100:300], names[:2], names[250:400], names[:400:3]]
    for day in range(30):
        row = rng.normal(0.0, 0.01, len(names)).tolist()
        book.observe_returns(day * DAY, dict(zip(names, row, strict=True)))
        book.correlations(asked[day % 5])
        if day == 20:
            book.forget("S001")
    for some in asked:
        fresh = MarketBook(PARAMS)
        fresh.restore(book.export())
        for mine, theirs in zip(book.correlations(some), fresh.correlations(some), strict=True):
            assert (mine == theirs).all()
    assert book.correlations(["S000", "S001"])[1][0, 1] == 9


@pytest.mark.parametrize("length", [1, 19, 20, 60])
@pytest.mark.parametrize("shifted", [False, True])
def test_a_pair_is_believed_by_its_joint_returns(
    length: int,
    shifted: bool,  # noqa: FBT001 - a case
) -> None:
    book = MarketBook(PARAMS)
    rng = np.random.default_rng(1)
    if shifted:
        book.observe_returns(0, {"A": 0.01})
    for step in range(1, length + 1):
        value = float(rng.normal())
        book.observe_returns(step * DAY, {"A": value, "B": value})
    matrix, _ = correlation_of_book(book, ["A", "B"])
    assert matrix[0, 1] == pytest.approx((length + 10.0) / (length + 20.0))


def test_a_symbol_that_never_moves_takes_the_prior() -> None:
    book = MarketBook(PARAMS)
    for step in range(40):
        book.observe_returns(step * DAY, {"A": 0.0, "B": 0.01 * (-1) ** step})
    matrix, _ = correlation_of_book(book, ["A", "B"])
    assert matrix.tolist() == [[1.0, 0.5], [0.5, 1.0]]


@pytest.mark.parametrize("size", [1e-200, 1e-12, 1e12, 1e150])
def test_the_size_of_returns_does_not_matter(size: float) -> None:
    rng = np.random.default_rng(2)
    plain, scaled = MarketBook(PARAMS), MarketBook(PARAMS)
    for step in range(40):
        a, b = rng.normal(0.0, 1.0, 2).tolist()
        plain.observe_returns(step * DAY, {"A": a, "B": a + b})
        scaled.observe_returns(step * DAY, {"A": a * size, "B": a + b})
    one, _ = correlation_of_book(plain, ["A", "B"])
    two, _ = correlation_of_book(scaled, ["A", "B"])
    assert two == pytest.approx(one, abs=1e-12)


@pytest.mark.parametrize("shifted", [False, True])
def test_one_joint_move_among_many_still_days_is_all_there_is(
    shifted: bool,  # noqa: FBT001 - a case
) -> None:
    book = MarketBook(PARAMS)
    if shifted:
        book.observe_returns(0, {"A": 0.0})
    for step in range(1, 31):
        book.observe_returns(step * DAY, {"A": 0.02 * (step == 9), "B": -0.01 * (step == 9)})
    raw, joint = book.correlations(["A", "B"])
    assert raw[0, 1] == pytest.approx(-1.0)
    assert joint[0, 1] == 30


def test_two_series_that_mirror_each_other_correlate_at_minus_one() -> None:
    book = MarketBook(PARAMS)
    for step in range(40):
        value = 0.01 * ((step * 7) % 11 - 5)
        book.observe_returns(step * DAY, {"A": value, "B": -value})
    raw, _ = book.correlations(["A", "B"])
    assert raw[0, 1] == pytest.approx(-1.0)
    assert raw.min() >= -1.0


@given(seed=seeds, count=st.integers(2, 20))
@settings(max_examples=40, deadline=None)
def test_repair_reaches_the_smallest_eigenvalue_and_keeps_the_diagonal(
    seed: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    raw = np.clip(rng.uniform(-1.2, 1.2, (count, count)), -1.0, 1.0)
    matrix = (raw + raw.T) / 2.0
    np.fill_diagonal(matrix, 1.0)
    repaired, moved_by = make_definite(matrix, flat_prior(len(matrix)), 1e-4)
    smallest = float(np.linalg.eigvalsh(repaired)[0])
    assert smallest >= 1e-4 - 1e-9
    assert np.diagonal(repaired) == pytest.approx(np.ones(count))
    assert repaired == pytest.approx(repaired.T)
    if float(np.linalg.eigvalsh(matrix)[0]) < 1e-4 - 1e-9:
        # moved only as far as needed, and straight towards the constant matrix
        assert smallest == pytest.approx(1e-4, abs=1e-5 * count)
        away = ~np.isclose(matrix, 0.5)
        moved = (repaired - matrix)[away] / (0.5 - matrix)[away]
        off = ~np.eye(count, dtype=bool)[away]
        assert moved[off] == pytest.approx(np.full(int(off.sum()), moved_by), abs=1e-9)


def test_a_definite_matrix_is_left_alone() -> None:
    matrix = correlation_of(random_loadings(np.random.default_rng(1), 6, 2))
    kept, moved = make_definite(matrix, flat_prior(6), 1e-4)
    assert kept is matrix
    assert moved == 0.0
    one = np.ones((1, 1))
    assert make_definite(one, flat_prior(1), 1e-4) == (one, 0.0)


def test_equal_series_are_pulled_apart_by_the_floor() -> None:
    repaired, moved = make_definite(np.ones((3, 3)), flat_prior(3), 1e-4)
    # eigenvalue of the mix: t (1 - 0.5) = 1e-4
    assert repaired[0, 1] == pytest.approx(1.0 - 1e-4, abs=2e-6)
    assert moved == pytest.approx(2e-4, abs=2e-6)


def test_the_prior_is_the_same_on_one_side_and_nothing_between_opposite_ones() -> None:
    assert flat_prior(2, 0.3).tolist() == [[1.0, 0.3], [0.3, 1.0]]
    assert prior_matrix(-np.ones(2), 0.3).tolist() == [[1.0, 0.3], [0.3, 1.0]]
    assert flat_prior(0).shape == (0, 0)
    mixed = prior_matrix(np.array([1.0, -1.0, 1.0]), 0.5)
    assert mixed.tolist() == [[1.0, 0.0, 0.5], [0.0, 1.0, 0.0], [0.5, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("joint", "prior", "expected"),
    [
        (0, 0.5, 0.5),
        (20, 0.5, 0.7),  # half and half
        (20, 0.0, 0.45),
        (60, 0.5, 0.8),  # (60 0.9 + 20 0.5) / 80
        (199, 0.5, (199 * 0.9 + 10) / 219),
    ],
)
def test_a_correlation_of_09_is_shrunk_by_its_joint_bars(
    joint: int, prior: float, expected: float
) -> None:
    raw, prior_of = np.array([[1.0, 0.9], [0.9, 1.0]]), flat_prior(2, prior)
    found = shrunk_correlation(raw, np.full((2, 2), joint), prior_of, PARAMS)
    assert found == pytest.approx(np.array([[1.0, expected], [expected, 1.0]]))


@pytest.mark.parametrize(("pair", "score"), [(0.0, 1.0), (1.0, 0.0), (0.25, 0.75), (-0.5, 1.0)])
def test_diversification_is_one_less_the_mean_pairwise_correlation(
    pair: float, score: float
) -> None:
    assert diversification_score(flat_prior(3, pair)) == pytest.approx(score)


def test_diversification_of_unequal_pairs_is_of_their_mean_and_of_one_symbol_zero() -> None:
    matrix = np.array([[1.0, 0.1, 0.2], [0.1, 1.0, 0.6], [0.2, 0.6, 1.0]])
    assert diversification_score(matrix) == pytest.approx(0.7)
    assert diversification_score(matrix[:2, :2]) == pytest.approx(0.9)
    assert diversification_score(np.ones((1, 1))) == 0.0
    assert diversification_score(np.empty((0, 0))) == 0.0


def moving_book(steps: int = 40) -> MarketBook:
    book = MarketBook(PARAMS)
    feed(book, series(np.random.default_rng(9), steps, 0.0))
    return book


def dense(view: CorrelationView, book: MarketBook, names: list[str]) -> FloatArray:
    return view.dense(book, names, np.ones(len(names))).matrix


def same(one: FloatArray, other: FloatArray) -> bool:
    return bool((one == other).all())


def test_a_matrix_is_computed_once_per_state_of_the_market() -> None:
    book, view = moving_book(), CorrelationView(PARAMS)
    first = dense(view, book, ["A", "B"])
    assert dense(view, book, ["A", "B"]) is first
    assert dense(view, book, ["B", "A", "C"]).shape == (3, 3)
    assert dense(view, book, ["A", "B"]) is first


def test_a_new_return_gives_a_new_matrix_and_an_old_one_does_not() -> None:
    book, view = moving_book(), CorrelationView(PARAMS)
    first = dense(view, book, ["A", "B"])
    book.observe_returns(3 * DAY, {"A": 0.5, "B": -0.5})
    assert dense(view, book, ["A", "B"]) is first
    book.observe_returns(1000 * DAY, {"A": 0.5, "B": -0.5})
    second = dense(view, book, ["A", "B"])
    assert not same(first, second)
    assert second[0, 1] < 0.0


def test_the_oldest_matrix_is_forgotten_beyond_the_bound() -> None:
    book, view = moving_book(), CorrelationView(PARAMS, kept=2)
    first = dense(view, book, ["A", "B"])
    dense(view, book, ["A", "C"])
    dense(view, book, ["A", "D"])
    again = dense(view, book, ["A", "B"])
    assert again is not first
    assert same(again, first)


def test_a_restored_market_is_not_mistaken_for_the_one_before() -> None:
    book, view = moving_book(), CorrelationView(PARAMS)
    other = MarketBook(PARAMS)
    feed(other, series(np.random.default_rng(10), 40, 0.0))
    assert other.version == book.version
    dense(view, book, ["A", "B"])
    book.restore(other.export())
    expected = dense(CorrelationView(PARAMS), other, ["A", "B"])
    assert same(dense(view, book, ["A", "B"]), expected)


def test_without_joint_returns_the_matrix_is_the_prior_of_the_sides() -> None:
    view, book, sides = CorrelationView(PARAMS), moving_book(40), np.array([1.0, -1.0, 1.0])
    assert same(dense(view, book, ["X", "Y"]), flat_prior(2))
    found = view.dense(book, ["A", "X", "Y"], sides)
    assert same(found.matrix, prior_matrix(sides, 0.5))
    assert found.prior_pairs.tolist() == [[0, 1], [0, 2], [1, 2]]


def test_pairs_of_fewer_joint_returns_than_the_prior_weighs_are_named() -> None:
    view = CorrelationView(PARAMS)
    assert view.dense(moving_book(19), ["A", "B"], np.ones(2)).prior_pairs.tolist() == [[0, 1]]
    assert view.dense(moving_book(20), ["A", "B"], np.ones(2)).prior_pairs.tolist() == []


def test_the_sides_belong_to_the_matrix() -> None:
    view, book = CorrelationView(PARAMS), moving_book(10)
    one_side = dense(view, book, ["A", "B"])[0, 1]
    opposite = view.dense(book, ["A", "B"], np.array([1.0, -1.0])).matrix[0, 1]
    # 10 joint returns leave two thirds to the prior of 0.5
    assert one_side - opposite == pytest.approx(0.5 * 20 / 30)


def test_a_view_gives_definite_matrices() -> None:
    book = MarketBook(PARAMS)
    for step in range(40):
        value = 0.01 * ((step * 7) % 11 - 5)
        book.observe_returns(step * DAY, {"A": value, "B": value})
    matrix = dense(CorrelationView(PARAMS), book, ["A", "B"])
    assert np.linalg.eigvalsh(matrix)[0] >= 1e-4 - 1e-9
