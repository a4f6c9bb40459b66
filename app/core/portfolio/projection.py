"""Projection of weights on the limits.

See docs/concepts.md#limits.
"""

import numpy as np

from app.core.errors import SolverFailure
from app.core.portfolio.solvers import FactoredHessian, solve_dense, solve_factored
from app.core.types import FloatArray, LimitMatrix

_DENSE_UP_TO = 100
_SLACK = 1e-12


def project_on_limits(
    target: FloatArray, upper: FloatArray, rows: LimitMatrix, room: FloatArray
) -> tuple[FloatArray, str | None]:
    r"""Return the nearest weights with ``0 <= u <= upper`` and ``rows u <= room``.

    .. math:: \min_u \tfrac12 \lVert u - target \rVert^2

    Parameters
    ----------
    target, upper : ndarrays of shape (m,), fraction of portfolio value, >= 0
        NaN fails the solver: the stand-in has 0 there.
    rows : dense or sparse array of shape (r, m), dimensionless, >= 0
    room : ndarray of shape (r,), fraction of portfolio value, >= 0

    Returns
    -------
    weights : ndarray of shape (m,), fraction of portfolio value, >= 0
        The target itself where it meets the limits; never above the target.
    failure : str or None
        Why the weights are a feasible scale-down instead of the nearest point.
    """
    wanted = np.minimum(np.maximum(target, 0.0), upper)
    if not len(wanted):
        return wanted, None
    reach = np.asarray(rows @ wanted)
    broken = ~(reach <= room + _SLACK)
    if not np.count_nonzero(broken):
        return wanted, None
    kept, ceiling = rows[np.flatnonzero(broken | (reach > 0.0))], room[broken | (reach > 0.0)]
    try:
        if len(wanted) <= _DENSE_UP_TO:
            answer = solve_dense(np.eye(len(wanted)), wanted, upper, kept, ceiling)
        else:
            own = FactoredHessian(np.ones(len(wanted)), np.zeros((len(wanted), 0)))
            answer = solve_factored(own, wanted, upper, kept, ceiling)
    except SolverFailure as failure:
        usable = np.where(np.isnan(wanted), 0.0, wanted)
        return _scaled(usable, np.asarray(rows @ usable), room), str(failure)
    return np.minimum(answer.x, wanted), None


def _scaled(wanted: FloatArray, reach: FloatArray, room: FloatArray) -> FloatArray:
    over = reach > room
    factor = float((room[over] / reach[over]).min(initial=1.0))
    return wanted * factor
