"""Stage 0: claims of different horizons brought to one, so that they can be compared.

See docs/concepts.md#horizons.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.types import FloatArray

# nobody means them; within them no claim that was finite stops being finite and > 0
_LEAST_SPAN: Final = 1e-12
_LARGEST_SPAN: Final = 1e12
_LARGEST: Final = float(np.finfo(np.float64).max)
_SMALLEST: Final = 5e-324


@dataclass(frozen=True, slots=True)
class Claims:
    """What n signals claim, over the one horizon H; each array has shape (n,).

    Attributes
    ----------
    horizon_sec : seconds, > 0
        Own horizon of each signal; H where it did not say. Within 1e-12 and 1e12 times H.
    span : dimensionless, > 0
        Own horizon over H, w.
    expected_return : return of the trade over H
        NaN where it was not claimed.
    volatility : return over H, > 0
        NaN where it was not claimed.
    """

    horizon_sec: FloatArray
    span: FloatArray
    expected_return: FloatArray
    volatility: FloatArray


def bring_to_horizon(
    said_sec: FloatArray, expected_return: FloatArray, volatility: FloatArray, horizon_sec: float
) -> Claims:
    r"""Bring claims to one horizon H: returns grow with time, volatilities with its root.

    .. math:: \mu_H = \mu / w, \quad \sigma_H = \sigma / \sqrt{w}, \quad w = h / H

    Parameters
    ----------
    said_sec : ndarray of shape (n,), seconds, > 0
        Own horizon h of each signal; NaN: it is H.
    expected_return : ndarray of shape (n,), return of the trade over h
        NaN where it was not claimed.
    volatility : ndarray of shape (n,), return over h, > 0
        NaN where it was not claimed.
    horizon_sec : float, seconds, > 0
        H.

    Returns
    -------
    Claims
        Finite and, of volatilities, > 0 where claimed.
    """
    silent = np.isnan(said_sec)
    if np.count_nonzero(silent) == len(said_sec):
        same = np.full(len(said_sec), horizon_sec)
        return Claims(same, np.ones(len(said_sec)), expected_return, volatility)
    said = np.where(silent, horizon_sec, said_sec)
    own = np.clip(said, _LEAST_SPAN * horizon_sec, _LARGEST_SPAN * horizon_sec)
    span = own / horizon_sec
    with np.errstate(over="ignore", under="ignore"):
        mean = np.clip(expected_return / span, -_LARGEST, _LARGEST)
        sigma = np.clip(volatility / np.sqrt(span), _SMALLEST, _LARGEST)
    return Claims(own, span, mean, sigma)
