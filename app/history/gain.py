"""Difference of two policies' Sharpe ratios on the same days, with a bootstrap interval.

References
----------
.. [1] Politis, Romano (1994), "The Stationary Bootstrap", Journal of the American Statistical
   Association 89(428), 1303-1313.
.. [2] Sharpe (1994), "The Sharpe Ratio", Journal of Portfolio Management 21(1), 49-58.
"""

import math
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Final

import numpy as np

from app.core.errors import HimariError
from app.core.types import FloatArray

MEAN_BLOCK_DAYS: Final = 20
DRAWS: Final = 2000
LEVEL: Final = 0.95
SEED: Final = 20_251_226


class BootstrapMissing(HimariError):
    """The package that draws the bootstrap is not installed."""


@dataclass(frozen=True, slots=True)
class SharpeGain:
    """Difference of annual Sharpe ratios, with its percentile interval of 95 %."""

    sharpe_gain: float
    ci_low: float
    ci_high: float
    n_days: int


def require_bootstrap() -> None:
    """Raise if the bootstrap's package is missing, before minutes of simulation are spent.

    Raises
    ------
    BootstrapMissing
        If the package ``arch`` is not installed.
    """
    if find_spec("arch") is None:
        raise BootstrapMissing(
            "intervals of the gain need the package arch, which is not installed: pip install arch"
        )


def sharpe(returns: FloatArray, periods: float) -> float | None:
    r"""Return the annual Sharpe ratio :math:`\bar r / s \cdot \sqrt{periods}`.

    Parameters
    ----------
    returns : ndarray of shape (n,), simple return per period
        Finite.
    periods : float
        Observations a year.

    Returns
    -------
    float or None
        None for a series that never varies.
    """
    spread = float(returns.std())
    if not spread > np.finfo(np.float64).tiny:
        return None
    return float(returns.mean()) / spread * math.sqrt(periods)


def sharpe_gain(policy: FloatArray, reference: FloatArray, periods: float) -> SharpeGain | None:
    """Return the difference of annual Sharpe ratios, with its paired bootstrap interval.

    Both series are drawn with the same days in the same blocks (mean 20 days, 2,000 draws,
    seeded), so what moves both cancels.

    Parameters
    ----------
    policy, reference : ndarray of shape (n,), simple returns of the same days
        Finite.
    periods : float
        Observations a year.

    Returns
    -------
    SharpeGain or None
        None where either series never varies.

    Raises
    ------
    BootstrapMissing
        If the package ``arch`` is not installed.
    """
    ours, theirs = sharpe(policy, periods), sharpe(reference, periods)
    if ours is None or theirs is None:
        return None
    require_bootstrap()
    from arch.bootstrap import StationaryBootstrap  # noqa: PLC0415 - seconds, and optional

    drawn = StationaryBootstrap(MEAN_BLOCK_DAYS, policy, reference, seed=SEED)

    def difference(left: FloatArray, right: FloatArray) -> float:
        return (sharpe(left, periods) or 0.0) - (sharpe(right, periods) or 0.0)

    draws = drawn.apply(difference, DRAWS)
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(draws, [tail, 1.0 - tail])
    return SharpeGain(ours - theirs, float(low), float(high), len(policy))
