"""Multi-asset fractional Kelly under hard limits, as one convex problem.

See docs/concepts.md#the-optimisation.
"""

import math
from dataclasses import dataclass

import numpy as np

from app.core.errors import SolverFailure
from app.core.limits import Limits, worst_excess
from app.core.portfolio.projection import project_on_limits
from app.core.portfolio.solvers import (
    FactoredHessian,
    Kinks,
    Solution,
    solve_dense,
    solve_factored,
)
from app.core.types import FloatArray, IntArray, LimitMatrix

_FEASIBLE_TO = 1e-9
_DUST = 1e-9
_LARGEST = 1e120
_STEEPEST = 1e12


@dataclass(frozen=True, slots=True)
class KellyProblem:
    """Input of the optimiser over m directional symbols, at cascade multiplier 1; no NaN.

    Attributes
    ----------
    size : ndarray of shape (m,), fraction of portfolio value, >= 0
        Net size S of each symbol, its upper bound.
    pull : ndarray of shape (m,), return per horizon
        Volatility that each symbol alone would be given without any bound, U sigma, less its
        covariance on its side with what is held over its own volatility; k e / sigma in all.
    side : ndarray of shape (m,), +1 or -1
    volatility : ndarray of shape (m,), return per horizon, > 0
    matrix : ndarray of shape (m, m) or None
        Correlation; None when it is given as ``loadings``.
    loadings : ndarray of shape (m, k) or None
        Correlation = loadings loadings' + diag(rest).
    limits : Limits
    fraction : float
        The Kelly fraction k.
    cost_pct : float
        Cost of trading one unit of weight, in utility; 0 for none.
    current : ndarray of shape (m,)
        Current signed weights, for the cost.
    """

    size: FloatArray
    pull: FloatArray
    side: FloatArray
    volatility: FloatArray
    matrix: FloatArray | None
    loadings: FloatArray | None
    limits: Limits
    fraction: float
    cost_pct: float
    current: FloatArray


@dataclass(frozen=True, slots=True)
class KellyAnswer:
    """Optimal weights of m symbols and the shadow prices of their limits.

    Attributes
    ----------
    weights : ndarray of shape (m,), fraction of portfolio value, >= 0
        Absolute weights.
    cap_price : ndarray of shape (m,), utility per unit of weight, >= 0
        Shadow prices of the position caps.
    row_price : ndarray of shape (r,), utility per unit of room, >= 0
        Shadow prices of the limit rows.
    failure : str or None
        Why the solver gave no answer and the weights are a simple scale-down.
    """

    weights: FloatArray
    cap_price: FloatArray
    row_price: FloatArray
    failure: str | None = None


def optimal_weights(problem: KellyProblem) -> KellyAnswer:
    r"""Return the weights of largest expected log growth, to second order, under the limits.

    .. math::

        \max_u \; (e - D s C_{uh} s_h h / k)'u - \frac{1}{2k} u' D \Sigma D u - c |u - u_0|, \qquad
        0 \le u_j \le \min(|S_j|, cap_j), \quad A u \le b,
        \qquad e_j = U_j \sigma_j^2 / k

    The edge is that of the uncapped size U, so that what is scarce goes to edge and not to
    variance; h are the signed weights that are held, and D the sides.

    Solved in ``y = sigma u`` scaled to at most 1, where the Hessian is the signed correlation
    matrix: well conditioned however different the volatilities are.

    Parameters
    ----------
    problem : KellyProblem

    Returns
    -------
    KellyAnswer
        A numerical failure does not raise: the weights are then a feasible scale-down, and
        ``failure`` says why.

    References
    ----------
    .. [1] Thorp (2006), "The Kelly Criterion in Blackjack, Sports Betting, and the Stock
       Market", section 8.
    .. [2] MacLean, Thorp and Ziemba (2010), "Long-term capital growth: the good and bad
       properties of the Kelly criterion", Quantitative Finance 10(7).
    """
    limits, rows = problem.limits, problem.limits.rows
    upper = np.minimum(problem.size, limits.cap)
    if not np.count_nonzero(upper):
        nothing = np.zeros(len(upper))
        return KellyAnswer(nothing, nothing, np.zeros(len(limits.room)))
    if len(upper) == 1 and problem.cost_pct == 0.0:
        return _alone(problem, upper)
    reach = rows @ upper
    kept = (reach > limits.room).nonzero()[0]
    try:
        answer = _solve(problem, upper, kept)
    except SolverFailure as failure:
        return _stand_in(upper, limits, str(failure))
    return answer


def _stand_in(upper: FloatArray, limits: Limits, failure: str) -> KellyAnswer:
    usable = np.where(np.isnan(upper), 0.0, upper)
    zero = np.zeros(len(upper)), np.zeros(len(limits.room))
    return KellyAnswer(scale_down(usable, limits), *zero, failure=failure)


def _alone(problem: KellyProblem, upper: FloatArray) -> KellyAnswer:
    limits = problem.limits
    size, volatility = float(problem.size[0]), float(problem.volatility[0])
    pull = float(problem.pull[0])
    if not (math.isfinite(size + pull) and 0.0 < volatility < _LARGEST):
        return _stand_in(upper, limits, "a volatility or size is beyond the arithmetic")
    shares = np.asarray(limits.rows @ np.ones(1))
    ceilings = np.divide(limits.room, shares, out=np.full(len(shares), np.inf), where=shares > 0.0)
    tightest = int(ceilings.argmin())
    bound = min(float(upper[0]), float(ceilings[tightest]))
    weight = min(bound, max(pull / volatility, 0.0))
    gain = (pull - weight * volatility) * volatility / problem.fraction
    cap_price, row_price = np.zeros(1), np.zeros(len(limits.room))
    if weight == bound < size:
        if bound < upper[0]:
            row_price[tightest] = gain / shares[tightest]
        else:
            cap_price[0] = gain
    return KellyAnswer(np.array([weight]), cap_price, row_price)


def _solve(problem: KellyProblem, upper: FloatArray, kept: IntArray) -> KellyAnswer:
    limits, sigma = problem.limits, problem.volatility
    if not float(np.minimum.reduce(sigma)) > 0.0:
        raise SolverFailure("a volatility is not positive")
    scale = float(np.maximum.reduce(upper * sigma))
    if not 1.0 / _LARGEST < scale < _LARGEST:
        raise SolverFailure("volatilities are beyond the range of the arithmetic")
    per_unit = scale / sigma  # weight per unit of the scaled variable
    rows, room = limits.rows[kept], limits.room[kept]
    norm = np.ones(0)
    if len(kept):
        rows = _columns_scaled(rows, per_unit)
        norm = np.maximum(_row_norm(rows), 1e-300)
        rows, room = _rows_scaled(rows, 1.0 / norm), room / norm
    if not np.isfinite(problem.pull).all():
        raise SolverFailure("a pull is not finite")
    # beyond this a symbol is at a bound whatever the others do
    linear = np.clip(problem.pull / scale, -_STEEPEST, _STEEPEST)
    ceiling = upper / per_unit
    solution = _dispatch(problem, linear, ceiling, rows, room)
    weights = np.minimum(solution.x * per_unit, upper)
    if worst_excess(weights, limits, 1.0) > _FEASIBLE_TO:
        # volatilities so far apart that the scaled rows lose digits
        weights, _ = project_on_limits(weights, upper, limits.rows, limits.room)
    # what is left of a symbol that the optimum closes is the solver's dust
    weights[weights <= _DUST * upper] = 0.0
    row_price = np.zeros(len(limits.room))
    if len(kept):
        row_price[kept] = scale * scale / problem.fraction * solution.row_dual / norm
    cap_price = scale / problem.fraction * sigma * solution.upper_dual
    cap_price[limits.cap >= problem.size] = 0.0
    return KellyAnswer(weights, cap_price, row_price)


def _columns_scaled(rows: LimitMatrix, factors: FloatArray) -> LimitMatrix:
    return rows * factors if isinstance(rows, np.ndarray) else rows.multiply(factors).tocsr()


def _rows_scaled(rows: LimitMatrix, factors: FloatArray) -> LimitMatrix:
    column = factors[:, None]
    return rows * column if isinstance(rows, np.ndarray) else rows.multiply(column).tocsr()


def _row_norm(rows: LimitMatrix) -> FloatArray:
    if isinstance(rows, np.ndarray):
        norm: FloatArray = np.maximum.reduce(rows, axis=1)
    else:
        norm = rows.max(axis=1).toarray().ravel()
    return norm


def _dispatch(
    problem: KellyProblem,
    linear: FloatArray,
    ceiling: FloatArray,
    rows: LimitMatrix,
    room: FloatArray,
) -> Solution:
    side = problem.side
    if problem.cost_pct > 0.0:
        return solve_factored(
            _factored(problem), linear, ceiling, rows, room, kinks=_kinks(problem, linear)
        )
    if problem.matrix is not None:
        signed = problem.matrix
        if np.count_nonzero(side < 0.0):
            signed = signed * side * side[:, None]
        return solve_dense(signed, linear, ceiling, rows, room)
    return solve_factored(_factored(problem), linear, ceiling, rows, room)


def _factored(problem: KellyProblem) -> FactoredHessian:
    side = problem.side[:, None]
    if problem.loadings is not None:
        own = np.maximum(1.0 - np.square(problem.loadings).sum(axis=1), 1e-6)
        return FactoredHessian(own, problem.loadings * side)
    if problem.matrix is None:
        raise SolverFailure("the problem has neither a matrix nor loadings")
    own = np.full(len(side), 5e-5)  # half the smallest eigenvalue that matrices are given
    try:
        root = np.linalg.cholesky(problem.matrix - np.diag(own))
    except np.linalg.LinAlgError as error:
        raise SolverFailure("the correlation matrix is not positive definite") from error
    return FactoredHessian(own, root * side)


def _kinks(problem: KellyProblem, linear: FloatArray) -> Kinks:
    scale = float((np.minimum(problem.size, problem.limits.cap) * problem.volatility).max())
    per_unit = scale / problem.volatility
    price = problem.cost_pct * problem.fraction * per_unit / (scale * scale)
    at = problem.side * problem.current / per_unit
    return Kinks(at.reshape(linear.shape), price)


def scale_down(upper: FloatArray, limits: Limits) -> FloatArray:
    """Return feasible weights without a solver: each symbol scaled by its tightest row.

    Parameters
    ----------
    upper : ndarray of shape (m,), fraction of portfolio value, >= 0
        Finite.
    limits : Limits

    Returns
    -------
    ndarray of shape (m,), within every limit
    """
    reach = np.asarray(limits.rows @ upper)
    factor = np.minimum(1.0, limits.room / np.maximum(reach, 1e-300))
    weights = upper.copy()
    for row in np.flatnonzero(factor < 1.0):
        member = limits.rows[[row]]
        touched = np.asarray(member if isinstance(member, np.ndarray) else member.toarray())[0] > 0
        weights = np.where(touched, np.minimum(weights, upper * factor[row]), weights)
    return weights
