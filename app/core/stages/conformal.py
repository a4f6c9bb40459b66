"""Stage 2: adaptive conformal scaling, one scaler per strategy.

See docs/concepts.md#conformal-scale.
"""

import math
from collections.abc import Sequence

import numpy as np

from app.core.params import ConformalParams
from app.core.types import FloatArray


def conformal_quantile(residuals: Sequence[float], miscoverage: float) -> float:
    r"""Return the finite-sample quantile of standardised absolute residuals.

    The :math:`\lceil (n+1)(1-\alpha) \rceil`-th smallest, at most the largest.

    Parameters
    ----------
    residuals : sequence of float, dimensionless, >= 0
        Not empty, no NaN.
    miscoverage : float, in (0, 1)
        Current alpha_t.

    Returns
    -------
    float, dimensionless, >= 0

    References
    ----------
    .. [1] Gibbs and Candes (2021), "Adaptive Conformal Inference Under Distribution Shift",
       section 2.
    """
    ordered = sorted(residuals)
    # the tiny subtraction undoes the rounding of 1 - alpha just above a whole number
    rank = math.ceil((len(ordered) + 1) * (1.0 - miscoverage) - 1e-9)
    return ordered[min(max(rank, 1), len(ordered)) - 1]


def next_miscoverage(current: float, *, missed: bool, count: int, params: ConformalParams) -> float:
    r"""Return the miscoverage for the next outcome, adapted to whether this one was missed.

    .. math:: \alpha_{t+1} = \operatorname{clip}(\alpha_t + \gamma(\alpha - err_t), 1/(n+1), 0.5)

    Clipped so that the quantile always exists.

    Parameters
    ----------
    current : float, in (0, 1)
        Miscoverage alpha_t.
    missed : bool
        Whether the outcome fell outside its interval: err_t is 1.
    count : int
        Residuals n kept by the scaler.
    params : ConformalParams
        Coverage 1 - alpha, step gamma and the upper bound.

    Returns
    -------
    float, in (0, max_miscoverage]

    References
    ----------
    .. [1] Gibbs and Candes (2021), "Adaptive Conformal Inference Under Distribution Shift",
       section 2.
    """
    target = 1.0 - params.coverage
    stepped = current + params.step * (target - (1.0 if missed else 0.0))
    return min(max(stepped, 1.0 / (count + 1)), params.max_miscoverage)


def conformal_scales(quantiles: FloatArray, params: ConformalParams) -> FloatArray:
    r"""Return the factor on sizes: the squared ratio of the normal quantile to each quantile.

    .. math:: \min(1, (1.645 / q)^2)

    Parameters
    ----------
    quantiles : ndarray of shape (n,), dimensionless
        NaN where the scaler is not active yet: scale 1.

    Returns
    -------
    ndarray of shape (n,), in [0, 1]
    """
    # fmax takes the number where the other is NaN: a scaler that is not active shrinks nothing
    ratio: FloatArray = params.normal_quantile / np.fmax(quantiles, params.normal_quantile)
    scales: FloatArray = ratio * ratio
    return scales
