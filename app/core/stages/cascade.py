"""Stage 5: risk of a liquidation cascade, for the whole batch."""

from dataclasses import dataclass
from typing import Final

from app.core.params import CascadeParams
from app.core.types import CascadeIndicators

WEIGHTS: Final[dict[str, float]] = {
    "funding_rate": 0.20,
    "oi_change_pct": 0.25,
    "volume_ratio": 0.15,
    "onchain_whale_pressure": 0.25,
    "exchange_netflow_zscore": 0.15,
}
RECOMMENDATIONS: Final[tuple[str, ...]] = ("MONITOR", "REDUCE_50%", "REDUCE_75%", "EXIT")


@dataclass(frozen=True, slots=True)
class CascadeAssessment:
    """Score in [0, 1], what to do, the multiplier a, and each component's own score in [0, 1]."""

    risk_score: float
    recommendation: str
    multiplier: float
    components: dict[str, float]


def assess_cascade(indicators: CascadeIndicators, params: CascadeParams) -> CascadeAssessment:
    """Score the indicators and choose the multiplier of sizes and limits.

    Each component counts only beyond its threshold and is at most 1; the weighted sum is rounded
    to 1e-9 so that a score that is exactly a threshold on paper stays on its near side.

    Parameters
    ----------
    indicators : CascadeIndicators
        Finite numbers.
    params : CascadeParams

    Returns
    -------
    CascadeAssessment
    """
    components = _components(indicators)
    score = round(sum(WEIGHTS[name] * value for name, value in components.items()), 9)
    if score > params.exit_above:
        return CascadeAssessment(score, "EXIT", 0.0, components)
    if score > params.reduce_75_above:
        return CascadeAssessment(score, "REDUCE_75%", 0.25, components)
    if score > params.reduce_50_above:
        return CascadeAssessment(score, "REDUCE_50%", 0.5, components)
    return CascadeAssessment(score, "MONITOR", 1.0, components)


def _components(indicators: CascadeIndicators) -> dict[str, float]:
    funding = abs(indicators.funding_rate)
    drop = -indicators.oi_change_pct
    volume = indicators.volume_ratio
    whale = indicators.onchain_whale_pressure
    netflow = abs(indicators.exchange_netflow_zscore)
    return {
        "funding_rate": min(1.0, funding / 0.01) if funding > 0.003 else 0.0,
        "oi_change_pct": min(1.0, drop / 0.30) if drop > 0.10 else 0.0,
        "volume_ratio": min(1.0, volume / 10.0) if volume > 5.0 else 0.0,
        "onchain_whale_pressure": min(1.0, whale) if whale > 0.7 else 0.0,
        "exchange_netflow_zscore": min(1.0, netflow / 4.0) if netflow > 2.0 else 0.0,
    }
