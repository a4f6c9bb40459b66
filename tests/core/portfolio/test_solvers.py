"""What the solvers' answers are checked for before anybody uses them."""

import numpy as np
import pytest

from app.core.errors import SolverFailure
from app.core.portfolio.solvers import FactoredHessian, Kinks, Solution, _checked, solve_factored
from app.core.types import FloatArray

UPPER = np.array([0.5, 0.25])
ROWS, ROOM = np.ones((1, 2)), np.array([0.6])
PRICES = np.array([0.1, 0.0]), np.array([0.2])


def checked(*x: float, rows: FloatArray = ROWS, room: FloatArray = ROOM) -> Solution:
    return _checked(Solution(np.array(x), *PRICES), UPPER, rows, room)


def test_rounding_dust_is_clipped_and_prices_stay() -> None:
    solution = checked(-1e-9, 0.25 + 1e-9)
    assert solution.x.tolist() == [0.0, 0.25]
    assert solution.upper_dual is PRICES[0]
    assert solution.row_dual is PRICES[1]
    # a row may be over by dust of its own
    assert checked(0.4, 0.2 + 5e-8).x.tolist() == [0.4, 0.2 + 5e-8]


@pytest.mark.parametrize(
    "x", [(-1e-6, 0.1), (0.1, 0.25 + 1e-6), (np.nan, 0.1), (0.1, np.inf), (0.1, -np.inf)]
)
def test_more_than_dust_beyond_a_bound_is_refused(x: tuple[float, float]) -> None:
    with pytest.raises(SolverFailure, match="bound"):
        checked(*x)


def test_dust_is_measured_by_the_size_of_the_bounds() -> None:
    small = np.array([1e-6, 1e-6])
    with pytest.raises(SolverFailure):
        _checked(Solution(np.array([-1e-9, 0.0]), *PRICES), small, ROWS, ROOM)
    large = np.array([1e3, 1e3])
    wide = np.array([1e9])
    assert _checked(Solution(np.array([-1e-5, 0.0]), *PRICES), large, ROWS, wide).x[0] == 0.0


def test_more_than_dust_beyond_a_row_is_refused() -> None:
    with pytest.raises(SolverFailure, match="row"):
        checked(0.4, 0.2 + 1e-6)
    # one in ten million of the largest room
    large = np.array([1e3, 1e3])
    rows, room = np.array([[1.0, 0.0]]), np.array([500.0])
    over = Solution(np.array([500.0 + 4e-5, 0.0]), *PRICES)
    assert _checked(over, large, rows, room) is not None
    with pytest.raises(SolverFailure, match="row"):
        _checked(Solution(np.array([500.0 + 6e-5, 0.0]), *PRICES), large, rows, room)


def test_without_rows_the_bounds_alone_are_checked() -> None:
    assert checked(0.5, 0.25, rows=np.ones((0, 2)), room=np.ones(0)).x.tolist() == [0.5, 0.25]


def test_the_sparse_solver_finds_the_kink_and_the_slopes_beside_it() -> None:
    hessian = FactoredHessian(np.ones(3), np.zeros((3, 0)))
    kinks = Kinks(at=np.full(3, 0.4), price=np.full(3, 0.1))
    linear = np.array([0.2, 0.45, 0.8])
    found = solve_factored(hessian, linear, np.ones(3), np.ones((0, 3)), np.ones(0), kinks=kinks)
    # below the kink the price pulls up by 0.1, above it down by 0.1, between it holds
    assert found.x == pytest.approx([0.3, 0.4, 0.7], abs=1e-7)
    assert found.row_dual.shape == (0,)


def test_the_sparse_solver_gives_the_prices_of_bounds_and_rows() -> None:
    hessian = FactoredHessian(np.ones(3), np.zeros((3, 1)))
    linear, upper = np.array([0.9, 0.6, 0.5]), np.array([0.5, 1.0, 1.0])
    rows = np.array([[0.0, 1.0, 1.0]])
    found = solve_factored(hessian, linear, upper, rows, np.array([0.7]))
    assert found.x == pytest.approx([0.5, 0.4, 0.3], abs=1e-7)
    assert found.upper_dual == pytest.approx([0.4, 0.0, 0.0], abs=1e-7)
    assert found.row_dual == pytest.approx([0.2], abs=1e-7)
