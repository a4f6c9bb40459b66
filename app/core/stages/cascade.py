"""Stage 5: the risk of a liquidation cascade, one score for the whole batch.

See docs/concepts.md#cascade.
"""

from dataclasses import dataclass, replace
from typing import Final

from app.core.params import CascadeParams
from app.core.types import CascadeIndicators

# weight of each component in the score; they sum to 1
WEIGHTS: Final[dict[str, float]] = {
    "funding_rate": 0.20,
    "oi_change_pct": 0.25,
    "volume_ratio": 0.15,
    "onchain_whale_pressure": 0.25,
    "exchange_netflow_zscore": 0.15,
}

# a component counts above its threshold, and is 1 from its scale on; both have the indicator's unit
# fraction of notional paid per funding interval, either sign
FUNDING_THRESHOLD: Final = 0.003
FUNDING_SCALE: Final = 0.01
# fall of open interest, fraction of what was open
OPEN_INTEREST_DROP_THRESHOLD: Final = 0.10
OPEN_INTEREST_DROP_SCALE: Final = 0.30
# volume over its usual level
VOLUME_RATIO_THRESHOLD: Final = 5.0
VOLUME_RATIO_SCALE: Final = 10.0
# pressure score from 0 to 1
WHALE_PRESSURE_THRESHOLD: Final = 0.7
WHALE_PRESSURE_SCALE: Final = 1.0
# standard deviations from the mean, either sign
NETFLOW_THRESHOLD: Final = 2.0
NETFLOW_SCALE: Final = 4.0

# multiplier a of sizes and limits by recommendation, dimensionless
MULTIPLIERS: Final[dict[str, float]] = {
    "MONITOR": 1.0,
    "REDUCE_50%": 0.5,
    "REDUCE_75%": 0.25,
    "EXIT": 0.0,
}
RECOMMENDATIONS: Final[tuple[str, ...]] = tuple(MULTIPLIERS)
# decimals kept of the score, so that a score that equals a threshold on paper is not above it
SCORE_DECIMALS: Final = 9


@dataclass(frozen=True, slots=True)
class CascadeAssessment:
    """The batch's cascade risk and what follows from it.

    Attributes
    ----------
    risk_score : float, in [0, 1]
        Weighted sum of the components.
    recommendation : str
        In force, one of `RECOMMENDATIONS`.
    multiplier : float, in [0, 1]
        Factor a on sizes and limits, of what is in force.
    components : dict of str to float, each in [0, 1]
        Score of each indicator before its weight.
    score_recommendation : str
        What the score alone recommends.
    """

    risk_score: float
    recommendation: str
    multiplier: float
    components: dict[str, float]
    score_recommendation: str

    def under(self, in_force: str) -> "CascadeAssessment":
        """Return the same score with another recommendation in force."""
        return replace(self, recommendation=in_force, multiplier=MULTIPLIERS[in_force])


def assess_cascade(indicators: CascadeIndicators, params: CascadeParams) -> CascadeAssessment:
    """Return the risk score of the indicators, its recommendation and its multiplier.

    Each component counts only beyond its threshold and is at most 1. What the batches before it
    leave in force is not known here.

    Parameters
    ----------
    indicators : CascadeIndicators
        Finite numbers.
    params : CascadeParams
        Scores above which to reduce or exit.

    Returns
    -------
    CascadeAssessment
    """
    components = _components(indicators)
    score = round(sum(WEIGHTS[name] * value for name, value in components.items()), SCORE_DECIMALS)
    alone = _recommend(score, params)
    return CascadeAssessment(score, alone, MULTIPLIERS[alone], components, alone)


def _recommend(score: float, params: CascadeParams) -> str:
    if score > params.exit_above:
        return "EXIT"
    if score > params.reduce_75_above:
        return "REDUCE_75%"
    if score > params.reduce_50_above:
        return "REDUCE_50%"
    return "MONITOR"


def _components(indicators: CascadeIndicators) -> dict[str, float]:
    return {
        "funding_rate": _component(abs(indicators.funding_rate), FUNDING_THRESHOLD, FUNDING_SCALE),
        "oi_change_pct": _component(
            -indicators.oi_change_pct, OPEN_INTEREST_DROP_THRESHOLD, OPEN_INTEREST_DROP_SCALE
        ),
        "volume_ratio": _component(
            indicators.volume_ratio, VOLUME_RATIO_THRESHOLD, VOLUME_RATIO_SCALE
        ),
        "onchain_whale_pressure": _component(
            indicators.onchain_whale_pressure, WHALE_PRESSURE_THRESHOLD, WHALE_PRESSURE_SCALE
        ),
        "exchange_netflow_zscore": _component(
            abs(indicators.exchange_netflow_zscore), NETFLOW_THRESHOLD, NETFLOW_SCALE
        ),
    }


def _component(value: float, threshold: float, scale: float) -> float:
    return min(1.0, value / scale) if value > threshold else 0.0
