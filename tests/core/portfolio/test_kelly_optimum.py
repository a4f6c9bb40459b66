"""The optimiser against an independent solver, and against its own optimality conditions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from app.core.limits import LimitRow, Limits
from app.core.portfolio.kelly import KellyProblem, optimal_weights
from tests.core.judge import growth, infeasibility, judge
from tests.core.problems import random_problem
from tests.strategies import seeds

FEASIBLE_TO = 1e-8


def assert_as_good_as_the_judge(problem: KellyProblem) -> None:
    answer = optimal_weights(problem)
    assert answer.failure is None
    assert infeasibility(answer.weights, problem) <= FEASIBLE_TO
    best = growth(judge(problem).weights, problem)
    assert growth(answer.weights, problem) >= best - 1e-6 * abs(best) - 1e-12


@given(seed=seeds, size=st.integers(2, 12), pushed=st.booleans())
@settings(max_examples=80, deadline=None)
def test_dense_answers_reach_the_judges_utility_under_binding_limits(
    seed: int, size: int, *, pushed: bool
) -> None:
    assert_as_good_as_the_judge(random_problem(seed, size, pushed=pushed))


@given(seed=seeds, size=st.integers(2, 12))
@settings(max_examples=25, deadline=None)
def test_dense_answers_reach_the_judges_utility_without_binding_limits(
    seed: int, size: int
) -> None:
    assert_as_good_as_the_judge(random_problem(seed, size, tight=False))


@given(seed=seeds, size=st.integers(2, 30), pushed=st.booleans())
@settings(max_examples=40, deadline=None)
def test_factor_answers_reach_the_judges_utility(seed: int, size: int, *, pushed: bool) -> None:
    assert_as_good_as_the_judge(random_problem(seed, size, in_factors=True, pushed=pushed))


@given(
    seed=seeds,
    size=st.integers(1, 10),
    cost=st.sampled_from([1e-6, 1e-5, 1e-4, 1e-3]),
    pushed=st.booleans(),
)
@settings(max_examples=50, deadline=None)
def test_answers_with_trading_costs_reach_the_judges_utility(
    seed: int, size: int, cost: float, *, pushed: bool
) -> None:
    assert_as_good_as_the_judge(random_problem(seed, size, cost_pct=cost, pushed=pushed))


@given(seed=seeds)
@settings(max_examples=10, deadline=None)
def test_factor_answers_with_trading_costs_reach_the_judges_utility(seed: int) -> None:
    assert_as_good_as_the_judge(random_problem(seed, 15, cost_pct=1e-4, in_factors=True))


@pytest.mark.parametrize("in_factors", [False, True])
def test_sixty_symbols_reach_the_judges_utility(in_factors: bool) -> None:  # noqa: FBT001 - a case
    assert_as_good_as_the_judge(random_problem(7, 60, in_factors=in_factors))


def test_sparse_rows_give_what_dense_rows_give() -> None:
    for in_factors in (False, True):
        problem = random_problem(11, 20, in_factors=in_factors)
        limits = problem.limits
        thin = Limits(
            limits.cap, sparse.csr_array(limits.rows), limits.room, limits.names, limits.full
        )
        again = random_problem(11, 20, in_factors=in_factors, limits=thin)
        dense, spare = optimal_weights(problem), optimal_weights(again)
        assert spare.weights == pytest.approx(dense.weights, abs=1e-9)
        assert spare.row_price == pytest.approx(dense.row_price, rel=1e-6, abs=1e-9)


@given(seed=seeds, size=st.integers(2, 10), pushed=st.booleans())
@settings(max_examples=60, deadline=None)
def test_shadow_prices_are_the_judges(seed: int, size: int, *, pushed: bool) -> None:
    problem = random_problem(seed, size, pushed=pushed)
    mine, theirs = optimal_weights(problem), judge(problem)
    unit = float((problem.pull * problem.volatility).max()) / problem.fraction
    limited = problem.limits.cap < problem.size
    assert mine.row_price == pytest.approx(theirs.row_price, abs=2e-5 * unit)
    assert mine.cap_price[limited] == pytest.approx(theirs.cap_price[limited], abs=2e-5 * unit)
    assert (mine.cap_price[~limited] == 0.0).all()


@given(seed=seeds)
@settings(max_examples=15, deadline=None)
def test_shadow_prices_in_factor_form_are_the_judges(seed: int) -> None:
    problem = random_problem(seed, 12, in_factors=True)
    mine, theirs = optimal_weights(problem), judge(problem)
    unit = float((problem.size * problem.volatility**2).max()) / problem.fraction
    limited = problem.limits.cap < problem.size
    assert mine.row_price == pytest.approx(theirs.row_price, abs=1e-4 * unit)
    assert mine.cap_price[limited] == pytest.approx(theirs.cap_price[limited], abs=1e-4 * unit)


@pytest.mark.parametrize(("share", "room"), [(1.0, 0.04), (0.5, 0.04), (0.25, 0.02)])
def test_the_shadow_price_of_a_lone_symbol_is_the_judges(share: float, room: float) -> None:
    limits = Limits(
        cap=np.array([0.15]),
        rows=np.array([[share], [1.0]]),
        room=np.array([room, 0.8]),
        names=(LimitRow("strategy", "a"), LimitRow("portfolio", "portfolio")),
        full=np.array([0.4, 0.8]),
    )
    problem = random_problem(1, 1, limits=limits, size=np.array([0.3]), volatility=np.array([0.1]))
    mine, theirs = optimal_weights(problem), judge(problem)
    assert mine.weights == pytest.approx([room / share])
    assert mine.row_price == pytest.approx(theirs.row_price, abs=1e-7)
    assert mine.cap_price == pytest.approx(theirs.cap_price, abs=1e-7)


def test_the_shadow_price_of_a_lone_symbols_cap_is_the_judges() -> None:
    problem = random_problem(1, 1, size=np.array([0.3]), volatility=np.array([0.1]), tight=False)
    capped = Limits(
        np.array([0.15]), np.ones((1, 1)), np.array([0.8]), problem.limits.names[3:], np.ones(1)
    )
    problem = random_problem(1, 1, size=np.array([0.3]), volatility=np.array([0.1]), limits=capped)
    mine = optimal_weights(problem)
    assert mine.weights == pytest.approx([0.15])
    # marginal growth at the cap: (0.3 - 0.15) 0.1^2 / 0.25
    assert mine.cap_price == pytest.approx([0.006])
    assert judge(problem).cap_price == pytest.approx([0.006], abs=1e-7)
    assert mine.row_price == pytest.approx([0.0])


@given(seed=seeds, size=st.integers(1, 12))
@settings(max_examples=30, deadline=None)
def test_unbound_uncorrelated_symbols_get_their_phase_1_sizes(seed: int, size: int) -> None:
    problem = random_problem(seed, size, matrix=np.eye(size), tight=False)
    answer = optimal_weights(problem)
    assert answer.weights == pytest.approx(problem.size, rel=1e-9, abs=1e-12)
    assert (answer.row_price == 0.0).all()
    assert (answer.cap_price == 0.0).all()


@pytest.mark.parametrize("ratio", [1e-3, 1e-6, 1e-9])
def test_a_symbol_a_thousand_or_a_billion_times_calmer_still_gets_its_size(ratio: float) -> None:
    volatility = np.array([0.1, 0.1 * ratio, 0.05])
    problem = random_problem(3, 3, matrix=np.eye(3), volatility=volatility, tight=False)
    assert optimal_weights(problem).weights == pytest.approx(problem.size, rel=1e-6)


def test_no_symbol_exceeds_its_size_when_opposite_sides_hedge_each_other() -> None:
    matrix = np.array([[1.0, 0.95], [0.95, 1.0]])
    problem = random_problem(
        2, 2, matrix=matrix, side=np.array([1.0, -1.0]), size=np.array([0.05, 0.05]), tight=False
    )
    # unbounded, the pair would be levered twenty times
    assert optimal_weights(problem).weights == pytest.approx([0.05, 0.05])


@pytest.mark.parametrize(("pull", "weight"), [(0.05, 0.3), (0.02, 0.2), (0.0, 0.0), (-0.1, 0.0)])
def test_a_lone_symbol_goes_to_what_pulls_it_or_to_its_size(pull: float, weight: float) -> None:
    problem = random_problem(
        1, 1, size=np.array([0.3]), volatility=np.array([0.1]), pull=np.array([pull]), tight=False
    )
    assert optimal_weights(problem).weights == pytest.approx([weight])
    assert judge(problem).weights == pytest.approx([weight], abs=1e-5)


def test_without_any_size_nothing_is_solved_and_nothing_bound() -> None:
    answer = optimal_weights(random_problem(1, 4, size=np.zeros(4)))
    assert (answer.weights == 0.0).all()
    assert (answer.cap_price == 0.0).all()
    assert answer.row_price.shape == (4,)
    assert answer.failure is None


def test_costs_larger_than_every_edge_leave_positions_where_they_are() -> None:
    current = np.array([0.02, -0.03, 0.01])
    side = np.array([1.0, -1.0, 1.0])
    problem = random_problem(
        4, 3, side=side, current=current, size=np.full(3, 0.1), cost_pct=1.0, tight=False
    )
    assert optimal_weights(problem).weights == pytest.approx(np.abs(current), abs=1e-7)


def test_a_cost_shrinks_a_lone_new_position_by_cost_times_k_over_variance() -> None:
    problem = random_problem(
        4,
        1,
        side=np.ones(1),
        current=np.zeros(1),
        size=np.array([0.1]),
        volatility=np.array([0.1]),
        cost_pct=0.001,
        tight=False,
    )
    # e - u s^2/k - c = 0 with e = 0.1 s^2/k: u = 0.1 - 0.001 * 0.25 / 0.01
    assert optimal_weights(problem).weights == pytest.approx([0.075], abs=1e-8)
