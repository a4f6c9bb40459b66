"""The projection on the limits: nearest point, never above the target."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from app.core.portfolio.projection import project_on_limits
from tests.core.judge import nearest_point
from tests.core.problems import random_limits
from tests.strategies import seeds


@given(seed=seeds, count=st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_it_is_the_nearest_point_that_the_judge_finds(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    limits = random_limits(rng, count, tight=True)
    target = rng.uniform(0.0, 0.2, count)
    mine, failure = project_on_limits(target, limits.cap, limits.rows, limits.room)
    theirs = nearest_point(np.minimum(target, limits.cap), limits.cap, limits.rows, limits.room)
    assert failure is None
    wanted = np.minimum(target, limits.cap)
    assert np.linalg.norm(mine - wanted) <= np.linalg.norm(theirs - wanted) + 1e-9
    assert mine == pytest.approx(theirs, abs=1e-4)
    assert (mine <= np.minimum(target, limits.cap)).all()
    assert (mine >= 0.0).all()
    assert (limits.rows @ mine <= limits.room + 1e-9).all()


@pytest.mark.parametrize("count", [100, 101, 260])
@pytest.mark.parametrize("thin", [False, True])
def test_it_is_the_nearest_point_for_hundreds_of_symbols(
    count: int,
    thin: bool,  # noqa: FBT001 - a case
) -> None:
    rng = np.random.default_rng(count)
    target = rng.uniform(0.0, 0.15, count)
    limits = random_limits(rng, count, tight=True)
    rows = sparse.csr_array(limits.rows) if thin else limits.rows
    mine, failure = project_on_limits(target, np.full(count, 0.15), rows, limits.room)
    theirs = nearest_point(target, np.full(count, 0.15), limits.rows, limits.room)
    assert failure is None
    assert np.linalg.norm(mine - target) <= np.linalg.norm(theirs - target) + 1e-9
    assert (limits.rows @ mine <= limits.room + 1e-7).all()
    assert (mine <= target).all()


@given(seed=seeds, count=st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_a_target_within_the_limits_comes_back_to_the_last_bit(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    target = rng.uniform(0.0, 0.1, count)
    rows = rng.uniform(0.0, 1.0, (2, count))
    room = rows @ target
    inside, failure = project_on_limits(target, np.full(count, 0.1), rows, room)
    assert failure is None
    assert (inside == target).all()


def test_one_full_row_is_shared_by_taking_the_same_amount_from_each() -> None:
    target = np.array([0.15, 0.10, 0.01])
    inside, _ = project_on_limits(target, np.full(3, 0.15), np.ones((1, 3)), np.array([0.2]))
    # 0.06 too much: 0.02 each would push the last below zero, so it gives 0.01 and the others 0.025
    assert inside == pytest.approx([0.125, 0.075, 0.0], abs=1e-9)


def test_negative_targets_are_zero_and_high_ones_are_capped() -> None:
    inside, failure = project_on_limits(
        np.array([-0.1, 0.3]), np.array([0.15, 0.15]), np.ones((1, 2)), np.array([0.8])
    )
    assert failure is None
    assert inside.tolist() == [0.0, 0.15]


def test_nothing_projects_to_nothing() -> None:
    inside, failure = project_on_limits(np.empty(0), np.empty(0), np.empty((1, 0)), np.ones(1))
    assert inside.shape == (0,)
    assert failure is None


def test_no_room_at_all_leaves_zero() -> None:
    inside, failure = project_on_limits(
        np.array([0.1, 0.2]), np.full(2, 0.2), np.ones((1, 2)), np.zeros(1)
    )
    assert failure is None
    assert inside == pytest.approx([0.0, 0.0], abs=1e-12)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_an_unusable_target_gives_a_flagged_feasible_point(bad: float) -> None:
    rows, room = np.ones((1, 3)), np.array([0.1])
    inside, failure = project_on_limits(np.array([bad, 0.1, 0.1]), np.full(3, 0.15), rows, room)
    assert np.isfinite(inside).all()
    assert (rows @ inside <= room + 1e-12).all()
    if np.isnan(bad):
        assert failure


@pytest.mark.parametrize("count", [2, 120])
def test_a_row_that_the_solver_cannot_handle_gives_a_flagged_scale_down(count: int) -> None:
    rows = np.ones((2, count))
    rows[0, 0] = 1e20
    target, room = np.full(count, 0.1), np.array([0.05, 1.0])
    inside, failure = project_on_limits(target, np.full(count, 0.15), rows, room)
    assert failure
    assert inside == pytest.approx(target * 5e-21)


def test_the_scale_down_ignores_a_full_row_without_a_member() -> None:
    rows, room = np.array([[1e20, 1.0], [0.0, 0.0]]), np.array([0.05, 0.0])
    inside, failure = project_on_limits(np.full(2, 0.1), np.full(2, 0.15), rows, room)
    assert failure
    assert inside == pytest.approx(np.full(2, 5e-22), rel=1e-9, abs=0.0)
