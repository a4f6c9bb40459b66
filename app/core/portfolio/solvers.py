"""Quadratic programs in one form, solved by DAQP when small and by PIQP when large.

See docs/concepts.md#the-optimisation.

Every problem here is: minimise ``x'Hx/2 - f'x`` subject to ``0 <= x <= upper`` and
``rows x <= room``, with H positive definite, either dense or ``diag(own) + B B'``.
"""

import math
from dataclasses import dataclass
from typing import Any

import daqp
import numpy as np
import piqp
from scipy import sparse

from app.core.errors import SolverFailure
from app.core.types import FloatArray, LimitMatrix

ACTIVE_SET_UP_TO = 100
_FEASIBLE_TO = 1e-7


@dataclass(frozen=True, slots=True)
class Solution:
    """Minimiser of shape (n,), and the multipliers of upper bounds (n,) and rows (r,), >= 0."""

    x: FloatArray
    upper_dual: FloatArray
    row_dual: FloatArray


def solve_dense(
    hessian: FloatArray, linear: FloatArray, upper: FloatArray, rows: LimitMatrix, room: FloatArray
) -> Solution:
    """Return the minimiser for a dense Hessian: by DAQP when small, by PIQP when large.

    DAQP is an exact active-set method and quickest for small problems; its steps grow with the
    number of active constraints, so that an interior point method wins from about 100 variables.

    Parameters
    ----------
    hessian : ndarray of shape (n, n)
        Symmetric positive definite.
    linear, upper : ndarrays of shape (n,)
    rows : dense or sparse array of shape (r, n)
    room : ndarray of shape (r,)

    Returns
    -------
    Solution

    Raises
    ------
    SolverFailure
        If a coefficient is not finite, or the answer is not finite, feasible and reported optimal.

    References
    ----------
    .. [1] Arnstrom, Bemporad and Axehill (2022), "A Dual Active-Set Solver for Embedded
       Quadratic Programming Using Recursive LDL' Updates".
    """
    # DAQP reports optimal with NaN in the linear term, so that is checked before
    _require_finite(linear, upper, room)
    solve = _by_active_set if len(linear) <= ACTIVE_SET_UP_TO else _by_interior_point
    return solve(hessian, linear, upper, rows, room)


def _by_active_set(
    hessian: FloatArray, linear: FloatArray, upper: FloatArray, rows: LimitMatrix, room: FloatArray
) -> Solution:
    size = len(linear)
    matrix = np.ascontiguousarray(rows if isinstance(rows, np.ndarray) else rows.toarray())
    high = np.concatenate((upper, room))
    low = np.zeros(len(high))
    low[size:] = -1e30
    # DAQP reads the memory of an array and not its strides
    x, _, flag, info = daqp.solve(
        np.ascontiguousarray(hessian), -linear, matrix, high, low, primal_tol=1e-10, eps_prox=0.0
    )
    if flag != 1:
        raise SolverFailure(f"DAQP stopped with exit flag {flag}")
    dual = np.maximum(np.asarray(info["lam"], dtype=np.float64), 0.0)
    return _checked(Solution(np.array(x), dual[:size], dual[size:]), upper, rows, room)


def _by_interior_point(
    hessian: FloatArray, linear: FloatArray, upper: FloatArray, rows: LimitMatrix, room: FloatArray
) -> Solution:
    solver = _tightened(piqp.DenseSolver())
    matrix = np.asfortranarray(rows if isinstance(rows, np.ndarray) else rows.toarray())
    solver.setup(
        np.asfortranarray(hessian),
        -linear,
        None,
        None,
        matrix,
        None,
        room,
        np.zeros(len(linear)),
        upper,
    )
    return _solved(solver, upper, rows, room)


@dataclass(frozen=True, slots=True)
class Kinks:
    """Costs ``price |x - at|`` of n variables, both of shape (n,), price >= 0."""

    at: FloatArray
    price: FloatArray


@dataclass(frozen=True, slots=True)
class FactoredHessian:
    """Hessian diag(own) + loadings loadings': own of shape (n,), > 0, loadings of shape (n, k)."""

    own: FloatArray
    loadings: FloatArray


def solve_factored(
    hessian: FactoredHessian,
    linear: FloatArray,
    upper: FloatArray,
    rows: LimitMatrix,
    room: FloatArray,
    *,
    kinks: Kinks | None = None,
) -> Solution:
    """Return the minimiser for a factored Hessian: by PIQP, with the factors as extra variables.

    Parameters
    ----------
    hessian : FactoredHessian
    linear, upper : ndarrays of shape (n,)
    rows : dense or sparse array of shape (r, n)
    room : ndarray of shape (r,)
    kinks : Kinks, optional
        Trading costs; adds one variable and two rows per symbol.

    Returns
    -------
    Solution

    Raises
    ------
    SolverFailure
        If a coefficient is not finite, or the answer is not finite, feasible and reported optimal.

    References
    ----------
    .. [1] Schwan, Jiang, Kuhn and Jones (2023), "PIQP: A Proximal Interior-Point Quadratic
       Programming Solver".
    """
    _require_finite(hessian.own, hessian.loadings, linear, upper, room)
    size, factors = hessian.loadings.shape
    extra = 0 if kinks is None else size
    diagonal = np.concatenate((hessian.own, np.ones(factors), np.zeros(extra)))
    price = np.zeros(0) if kinks is None else kinks.price
    inequal, ceiling = _with_padding(rows, factors + extra), room
    if kinks is not None:
        inequal = _with_bends(inequal, size, factors)
        ceiling = np.concatenate((room, kinks.at, -kinks.at))
    cost = np.concatenate((-linear, np.zeros(factors), price))
    equal, zero = _factor_definition(hessian.loadings, extra), np.zeros(factors)
    low = np.concatenate((np.zeros(size), np.full(factors, -np.inf), np.zeros(extra)))
    high = np.concatenate((upper, np.full(factors + extra, np.inf)))
    solver = _tightened(piqp.SparseSolver())
    solver.setup(_diagonal(diagonal), cost, equal, zero, inequal, None, ceiling, low, high)
    return _solved(solver, upper, rows, room)


def _with_bends(rows: Any, size: int, factors: int) -> Any:
    """Return the rows, and below them ``x - t <= at`` and ``-x - t <= -at`` over (x, z, t)."""
    one, gap = sparse.eye_array(size), sparse.csc_array((size, factors))
    bends = [sparse.hstack([one, gap, -one]), sparse.hstack([-one, gap, -one])]
    return sparse.csc_matrix(sparse.vstack([rows, *bends]))


def _tightened(solver: Any) -> Any:
    solver.settings.eps_abs = solver.settings.eps_rel = 1e-10
    solver.settings.eps_duality_gap_abs = solver.settings.eps_duality_gap_rel = 1e-10
    return solver


def _solved(solver: Any, upper: FloatArray, rows: LimitMatrix, room: FloatArray) -> Solution:
    if solver.solve() != piqp.PIQP_SOLVED:
        raise SolverFailure(f"PIQP stopped with status {solver.result.info.status}")
    result, size = solver.result, len(upper)
    duals = np.maximum(np.asarray(result.z_bu), 0.0)[:size], np.asarray(result.z_u)[: len(room)]
    return _checked(Solution(np.array(result.x)[:size], *duals), upper, rows, room)


def _diagonal(values: FloatArray) -> Any:
    """Return a diagonal matrix in compressed columns; sparse builders cost more time."""
    size = len(values)
    return sparse.csc_matrix((values, np.arange(size), np.arange(size + 1)), (size, size))


def _factor_definition(loadings: FloatArray, extra: int) -> Any:
    """Return the rows ``loadings' x - z = 0`` over (x, z, extra) in compressed columns."""
    size, factors = loadings.shape
    values = np.concatenate((np.ascontiguousarray(loadings).ravel(), np.full(factors, -1.0)))
    index = np.concatenate((np.tile(np.arange(factors), size), np.arange(factors)))
    ends = np.concatenate(
        (
            np.arange(0, size * factors + 1, factors) if factors else np.zeros(size + 1, int),
            size * factors + np.arange(1, factors + 1),
            np.full(extra, (size + 1) * factors),
        )
    )
    return sparse.csc_matrix((values, index, ends), (factors, size + factors + extra))


def _with_padding(rows: LimitMatrix, extra: int) -> Any:
    """Return the rows over (x, extra) in compressed columns, zero on the extra variables."""
    count, size = rows.shape
    if isinstance(rows, np.ndarray):
        values, index = rows.T.ravel(), np.tile(np.arange(count), size)
        ends = np.arange(size + 1) * count
    else:
        columns = rows.tocsc()
        values, index, ends = columns.data, columns.indices, columns.indptr
    padded = np.concatenate((ends, np.full(extra, ends[-1])))
    return sparse.csc_matrix((values, index, padded), (count, size + extra))


def _require_finite(*arrays: FloatArray) -> None:
    # a sum of squares is finite only if every term is, and costs one call an array
    if not math.isfinite(sum(float(np.vdot(array, array)) for array in arrays)):
        raise SolverFailure("a coefficient of the problem is not finite")


def _checked(
    solution: Solution, upper: FloatArray, rows: LimitMatrix, room: FloatArray
) -> Solution:
    """Return the solution with rounding errors clipped; raise if it breaks a constraint by more."""
    x = solution.x
    clipped = np.minimum(np.maximum(x, 0.0), upper)
    dust = clipped - x
    # written so that NaN fails them
    if not float(dust @ dust) <= _FEASIBLE_TO**2 * float(upper @ upper):
        raise SolverFailure("the solver's answer is not finite or breaks a bound")
    if len(room):
        excess = float(np.maximum.reduce(rows @ clipped - room))
        if not excess <= _FEASIBLE_TO * max(1.0, float(np.maximum.reduce(room))):
            raise SolverFailure("the solver's answer breaks a row")
    return Solution(clipped, solution.upper_dual, solution.row_dual)
