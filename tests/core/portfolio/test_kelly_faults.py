"""What the optimiser does when numbers are unusable or extreme: a feasible, flagged answer."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.errors import SolverFailure
from app.core.limits import LimitRow, Limits
from app.core.portfolio.kelly import KellyProblem, optimal_weights, scale_down
from app.core.portfolio.solvers import FactoredHessian, solve_dense, solve_factored
from app.core.types import FloatArray
from tests.core.judge import growth, infeasibility, judge
from tests.core.problems import random_limits, random_problem
from tests.strategies import seeds


def spoilt_problem(field: str, bad: float, **changes: Any) -> KellyProblem:
    good = random_problem(21, 4, **changes)
    values = np.array(getattr(good, field))
    values.flat[1] = bad
    if field == "matrix":
        values[1, 0] = bad
    return random_problem(21, 4, **{**changes, field: values})


def test_the_unspoilt_problem_is_solved_without_a_flag() -> None:
    assert optimal_weights(random_problem(21, 4)).failure is None


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("volatility", np.nan),
        ("volatility", np.inf),
        ("volatility", 0.0),
        ("volatility", -0.1),
        ("size", np.nan),
        ("pull", np.nan),
        ("pull", np.inf),
        ("matrix", np.nan),
        ("matrix", np.inf),
    ],
)
@pytest.mark.parametrize("cost", [0.0, 1e-4])
def test_an_unusable_number_gives_a_flagged_feasible_fallback(
    field: str, bad: float, cost: float
) -> None:
    problem = spoilt_problem(field, bad, cost_pct=cost)
    answer = optimal_weights(problem)
    assert answer.failure
    assert np.isfinite(answer.weights).all()
    size = np.nan_to_num(problem.size)
    assert infeasibility(answer.weights, random_problem(21, 4, size=size)) <= 1e-12
    assert (answer.cap_price == 0.0).all()
    assert (answer.row_price == 0.0).all()


@pytest.mark.parametrize("field", ["volatility", "size"])
def test_a_lone_symbol_with_an_unusable_number_gives_a_flagged_fallback(field: str) -> None:
    problem = random_problem(21, 1, **{field: np.array([np.nan])})
    answer = optimal_weights(problem)
    assert answer.failure
    assert np.isfinite(answer.weights).all()


@pytest.mark.parametrize("cost", [0.0, 1e-4])
def test_an_indefinite_matrix_gives_a_flagged_fallback(cost: float) -> None:
    matrix = np.full((3, 3), -0.9) + 1.9 * np.eye(3)
    problem = random_problem(3, 3, matrix=matrix, side=np.ones(3), cost_pct=cost)
    answer = optimal_weights(problem)
    assert answer.failure
    assert infeasibility(answer.weights, problem) <= 1e-12


def test_a_problem_without_any_correlation_gives_a_flagged_fallback() -> None:
    problem = random_problem(3, 3, matrix=None, loadings=None)
    answer = optimal_weights(problem)
    assert answer.failure == "the problem has neither a matrix nor loadings"
    assert infeasibility(answer.weights, problem) <= 1e-12


@given(seed=seeds, exponents=st.lists(st.integers(-12, 3), min_size=2, max_size=6))
@settings(max_examples=60, deadline=None)
def test_extreme_volatilities_give_finite_feasible_weights(seed: int, exponents: list[int]) -> None:
    volatility = 10.0 ** np.array(exponents, dtype=np.float64)
    problem = random_problem(seed, len(exponents), volatility=volatility)
    answer = optimal_weights(problem)
    # the contract's tolerance on every limit
    assert infeasibility(answer.weights, problem) <= 1e-6
    assert np.isfinite(answer.row_price).all()
    assert np.isfinite(answer.cap_price).all()


@pytest.mark.parametrize("level", [1e-300, 1e-160, 1e-100, 1e-30, 1e30, 1e100, 1e200, 1e300])
@pytest.mark.parametrize("count", [1, 3])
def test_volatilities_at_the_ends_of_the_number_range_are_survived(
    level: float, count: int
) -> None:
    problem = random_problem(5, count, volatility=np.full(count, level))
    answer = optimal_weights(problem)
    assert infeasibility(answer.weights, problem) <= 1e-8


@pytest.mark.parametrize("spread", [1e2, 1e3, 1e4])
def test_a_wide_spread_of_volatilities_still_reaches_the_judges_utility(spread: float) -> None:
    volatility = np.geomspace(1e-4, 1e-4 * spread, 6)
    problem = random_problem(9, 6, volatility=volatility)
    answer, best = optimal_weights(problem), growth(judge(problem).weights, problem)
    assert growth(answer.weights, problem) >= best * (1.0 - 1e-6)


@given(seed=seeds, count=st.integers(1, 10))
@settings(max_examples=60, deadline=None)
def test_scale_down_meets_every_limit_and_moves_only_what_a_full_row_touches(
    seed: int, count: int
) -> None:
    rng = np.random.default_rng(seed)
    limits = random_limits(rng, count, tight=True)
    upper = np.minimum(rng.uniform(0.0, 0.3, count), limits.cap)
    weights = scale_down(upper, limits)
    assert (limits.rows @ weights <= limits.room + 1e-12).all()
    assert (weights >= 0.0).all()
    assert (weights <= upper).all()
    tight = limits.rows @ upper > limits.room
    untouched = ~(limits.rows[tight] > 0.0).any(axis=0)
    assert (weights[untouched] == upper[untouched]).all()


def test_scale_down_takes_the_tightest_row_of_each_symbol() -> None:
    limits = Limits(
        cap=np.full(3, 0.2),
        rows=np.array([[1.0, 0.5, 0.0], [1.0, 1.0, 1.0]]),
        room=np.array([0.075, 0.4]),
        names=(LimitRow("strategy", "a"), LimitRow("portfolio", "portfolio")),
        full=np.array([0.075, 0.4]),
    )
    weights = scale_down(np.array([0.2, 0.1, 0.3]), limits)
    # row a asks 0.25 of 0.075: 0.3; the portfolio 0.6 of 0.4: 2/3
    assert weights == pytest.approx([0.06, 0.03, 0.2])


def test_a_full_row_without_a_member_takes_nothing_from_a_lone_symbol() -> None:
    limits = Limits(
        cap=np.array([0.15]),
        rows=np.array([[0.0], [1.0]]),
        room=np.array([0.0, 0.8]),
        names=(LimitRow("group", "others"), LimitRow("portfolio", "portfolio")),
        full=np.array([0.2, 0.8]),
    )
    problem = random_problem(1, 1, limits=limits, size=np.array([0.1]))
    answer = optimal_weights(problem)
    assert answer.weights == pytest.approx([0.1])
    assert (answer.row_price == 0.0).all()


def test_a_full_row_without_a_member_takes_nothing_from_two_symbols() -> None:
    limits = Limits(
        cap=np.full(2, 0.15),
        rows=np.array([[0.0, 0.0], [1.0, 1.0]]),
        room=np.array([0.0, 0.8]),
        names=(LimitRow("group", "others"), LimitRow("portfolio", "portfolio")),
        full=np.array([0.2, 0.8]),
    )
    size = np.array([0.1, 0.05])
    problem = random_problem(1, 2, limits=limits, size=size, matrix=np.eye(2))
    assert optimal_weights(problem).weights == pytest.approx(size)


@pytest.mark.parametrize("place", ["linear", "upper", "room", "hessian", "rows"])
def test_solvers_refuse_coefficients_that_are_not_numbers(place: str) -> None:
    parts: dict[str, FloatArray] = {
        "hessian": np.eye(2),
        "linear": np.array([1.0, 0.5]),
        "upper": np.ones(2),
        "rows": np.ones((1, 2)),
        "room": np.ones(1),
    }
    parts[place] = parts[place].copy()
    parts[place].flat[0] = np.nan
    with pytest.raises(SolverFailure):
        solve_dense(*parts.values())
    factored = FactoredHessian(np.diagonal(parts["hessian"]).copy(), np.zeros((2, 1)))
    with pytest.raises(SolverFailure):
        solve_factored(factored, parts["linear"], parts["upper"], parts["rows"], parts["room"])


def test_solvers_refuse_an_infeasible_problem() -> None:
    eye, ones, none = np.eye(2), np.ones(2), np.array([-1.0])
    with pytest.raises(SolverFailure, match="DAQP stopped"):
        solve_dense(eye, ones, ones, np.ones((1, 2)), none)
    with pytest.raises(SolverFailure, match="PIQP stopped"):
        solve_factored(FactoredHessian(ones, np.zeros((2, 1))), ones, ones, np.ones((1, 2)), none)
