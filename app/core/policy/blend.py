"""Blend the policy's targets with Phase 2 by confidence, inside the limits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.core.limits import Limits
from app.core.portfolio.projection import project_on_limits
from app.core.types import BoolArray, FloatArray, IntArray, Prediction


@dataclass(frozen=True, slots=True)
class PolicyTargets:
    """What counted predictions want, each of shape (m,): NaN and 0 where none counted."""

    weight: FloatArray
    confidence: FloatArray
    used: BoolArray


def collect_targets(
    predictions: Sequence[Prediction | None],
    symbol_of: IntArray,
    baseline: FloatArray,
    min_confidence: float,
) -> PolicyTargets:
    r"""Confidence-weighted mean target and mean confidence per symbol.

    .. math:: w_{rl} = w_2 + \frac{\sum_i c_i (p_i - w_2)}{\sum_i c_i},
              \qquad c = \frac1q \sum_i c_i

    Summed as distances from Phase 2, so that predictions of exactly that give exactly that.

    Parameters
    ----------
    predictions : sequence of n Prediction or None
    symbol_of : int ndarray of shape (n,)
        Directional symbol of each prediction.
    baseline : ndarray of shape (m,)
        Signed Phase 2 weights of the directional symbols.
    min_confidence : float
        A prediction below it, or None, does not count.
    """
    rows = [
        (symbol, answer.position_pct, answer.confidence)
        for symbol, answer in zip(symbol_of.tolist(), predictions, strict=True)
        if answer is not None and answer.confidence >= min_confidence
    ]
    size = len(baseline)
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    symbols = table[:, 0].astype(np.int64)
    count = np.bincount(symbols, minlength=size)
    mass = np.bincount(symbols, table[:, 2], size)
    pull = np.bincount(symbols, (table[:, 1] - baseline[symbols]) * table[:, 2], size)
    used = count > 0
    # without any confidence there is no pull either: the target is Phase 2's
    weight = baseline + pull / np.where(mass > 0.0, mass, 1.0)
    return PolicyTargets(np.where(used, weight, np.nan), mass / np.maximum(count, 1), used)


def blend_weights(
    baseline: FloatArray, side: FloatArray, targets: PolicyTargets, limits: Limits
) -> tuple[FloatArray, str | None]:
    r"""Move Phase 2 towards the policy and stay inside the limits, at cascade multiplier 1.

    .. math:: w = w_2 + c (w_{rl} - w_2)

    with :math:`w_{rl}` first clipped to the symbol's side and cap, so that a policy that answers
    :math:`w_2` changes nothing, to the last bit. Symbols without a counted prediction keep
    Phase 2 and are fixed in the projection.

    Parameters
    ----------
    baseline : ndarray of shape (m,), >= 0
        Absolute Phase 2 weights.
    side : ndarray of shape (m,), +1, -1 or 0
        0 gives the policy no room: what Phase 1 closed stays closed.
    targets : PolicyTargets
    limits : Limits

    Returns
    -------
    weights : ndarray of shape (m,), >= 0
    failure : str or None
        Why a scale-down stands in for the nearest point.
    """
    wanted = np.where(targets.used, targets.weight * side, 0.0)
    clipped = np.minimum(np.maximum(wanted, 0.0), limits.cap)
    moved = baseline + targets.confidence * (clipped - baseline)
    free = targets.used & (side != 0.0)
    blended = np.where(free, moved, baseline)
    if (blended == baseline).all():
        return baseline, None
    fixed = np.where(free, 0.0, baseline)
    room = np.maximum(limits.room - np.asarray(limits.rows @ fixed), 0.0)
    columns = np.flatnonzero(free)
    inside, failure = project_on_limits(
        blended[columns], limits.cap[columns], limits.rows[:, columns], room
    )
    weights = fixed
    weights[columns] = inside
    return weights, failure
