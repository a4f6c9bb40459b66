"""Stage 2: adaptive conformal scaling, one scaler per strategy."""

import math
from collections.abc import Sequence

import numpy as np

from app.core.params import ConformalParams
from app.core.types import FloatArray


def conformal_quantile(residuals: Sequence[float], miscoverage: float) -> float:
    r"""Finite-sample quantile of standardised absolute residuals.

    The :math:`\lceil (n+1)(1-\alpha) \rceil`-th smallest, at most the largest.

    Parameters
    ----------
    residuals : sequence of float, dimensionless, >= 0
        Not empty.
    miscoverage : float
        Current alpha_t.

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
    r"""Adaptive step :math:`\alpha_{t+1} = \alpha_t + \gamma(\alpha - err_t)`, clipped.

    Clipped to [1/(n+1), 0.5] so that the quantile always exists.
    """
    target = 1.0 - params.coverage
    stepped = current + params.step * (target - (1.0 if missed else 0.0))
    return min(max(stepped, 1.0 / (count + 1)), params.max_miscoverage)


def conformal_scales(quantiles: FloatArray, params: ConformalParams) -> FloatArray:
    r"""Shrink as the square of a volatility claimed too small.

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
