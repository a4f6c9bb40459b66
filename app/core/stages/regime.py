"""Stage 4: the market regime of a symbol scales its sizes.

See docs/concepts.md#regime.
"""

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from app.core.params import RegimeParams
from app.core.types import DEFENSIVENESS, REGIMES, FloatArray, IntArray, Regime


def regime_factors(regimes: IntArray, direction: FloatArray, params: RegimeParams) -> FloatArray:
    """Return the factor of each signal's size; trends are mirrored for shorts.

    Parameters
    ----------
    regimes : int ndarray of shape (n_signals,)
        Index into ``REGIMES`` of the symbol's effective regime.
    direction : ndarray of shape (n_signals,), +1, -1 or 0
    params : RegimeParams

    Returns
    -------
    ndarray of shape (n_signals,), dimensionless, > 0
    """
    long, short = _multipliers(params)
    factors: FloatArray = np.where(direction < 0.0, short[regimes], long[regimes])
    return factors


@lru_cache(maxsize=8)
def _multipliers(params: RegimeParams) -> tuple[FloatArray, FloatArray]:
    """Return the multipliers of longs and of shorts, each of shape (n_regimes,)."""
    long = np.array([getattr(params, regime.value) for regime in REGIMES], dtype=np.float64)
    short = long.copy()
    up, down = REGIMES.index(Regime.TRENDING_UP), REGIMES.index(Regime.TRENDING_DOWN)
    short[up], short[down] = long[down], long[up]
    return long, short


def majority_regime(claims: Iterable[tuple[Regime, float]]) -> Regime:
    """Return the confidence-weighted majority of claims; ties go to the more defensive regime.

    Parameters
    ----------
    claims : iterable of (regime, confidence)
        At least one.
    """
    votes: dict[Regime, float] = {}
    for regime, confidence in claims:
        votes[regime] = votes.get(regime, 0.0) + confidence
    # rounded, so that 0.1 + 0.2 ties with 0.3
    return max(votes, key=lambda regime: (round(votes[regime], 9), DEFENSIVENESS[regime]))


def most_defensive(regimes: Iterable[Regime]) -> Regime:
    """Return the most defensive regime; RANGING, the neutral one, where there is none."""
    return max(regimes, key=DEFENSIVENESS.__getitem__, default=Regime.RANGING)
