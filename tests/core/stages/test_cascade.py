"""The cascade score against hand arithmetic of the design's formula (section 1, step 5)."""

import pytest

from app.core.params import CascadeParams
from app.core.stages.cascade import RECOMMENDATIONS, WEIGHTS, assess_cascade
from app.core.types import CascadeIndicators

PARAMS = CascadeParams()
NAMES = (
    "funding_rate", "oi_change_pct", "volume_ratio", "onchain_whale_pressure",
    "exchange_netflow_zscore",
)  # fmt: skip


def test_a_calm_market_scores_zero() -> None:
    calm = assess_cascade(CascadeIndicators(), PARAMS)
    assert (calm.risk_score, calm.recommendation, calm.multiplier) == (0.0, "MONITOR", 1.0)
    assert calm.components == dict.fromkeys(NAMES, 0.0)


def test_the_contracts_example_scores_zero() -> None:
    assert assess_cascade(CascadeIndicators(0.001, 0.05, 2.0, 0.30, 0.5), PARAMS).risk_score == 0.0


@pytest.mark.parametrize(
    ("name", "value", "component"),
    [
        ("funding_rate", 0.003, 0.0),
        ("funding_rate", 0.005, 0.5),
        ("funding_rate", -0.005, 0.5),
        ("funding_rate", 0.5, 1.0),
        ("oi_change_pct", -0.10, 0.0),
        ("oi_change_pct", -0.105, 0.35),
        ("oi_change_pct", -0.15, 0.5),
        ("oi_change_pct", 0.9, 0.0),
        ("oi_change_pct", -0.9, 1.0),
        ("volume_ratio", 5.0, 0.0),
        ("volume_ratio", 5.2, 0.52),
        ("volume_ratio", 6.0, 0.6),
        ("volume_ratio", 100.0, 1.0),
        ("onchain_whale_pressure", 0.7, 0.0),
        ("onchain_whale_pressure", 0.71, 0.71),
        ("onchain_whale_pressure", 1.0, 1.0),
        ("exchange_netflow_zscore", 2.0, 0.0),
        ("exchange_netflow_zscore", 3.0, 0.75),
        ("exchange_netflow_zscore", -3.0, 0.75),
        ("exchange_netflow_zscore", -10.0, 1.0),
    ],
)
def test_each_component_counts_beyond_its_threshold_and_at_most_one(
    name: str, value: float, component: float
) -> None:
    found = assess_cascade(CascadeIndicators(**{name: value}), PARAMS)
    weights = dict(zip(NAMES, (0.20, 0.25, 0.15, 0.25, 0.15), strict=True))
    assert found.components[name] == pytest.approx(component)
    assert sum(found.components.values()) == pytest.approx(component)
    assert found.risk_score == pytest.approx(weights[name] * component, abs=1e-9)


@pytest.mark.parametrize(
    ("indicators", "score", "recommendation", "multiplier"),
    [
        # 0.20 + 0.25 0.8 = 0.4 exactly: still MONITOR
        (CascadeIndicators(0.01, -0.24, 1.0, 0.0, 0.0), 0.40, "MONITOR", 1.0),
        # 0.15 + 0.25 + 0.2 0.4 = 0.48
        (CascadeIndicators(0.004, 0.0, 10.0, 1.0, 0.0), 0.48, "REDUCE_50%", 0.5),
        # 0.2 + 0.25 + 0.15 = 0.6 exactly: the lower side
        (CascadeIndicators(0.01, -0.3, 10.0, 0.0, 0.0), 0.60, "REDUCE_50%", 0.5),
        # 0.2 + 0.25 + 0.25 0.8 = 0.65
        (CascadeIndicators(0.01, -0.3, 1.0, 0.8, 0.0), 0.65, "REDUCE_75%", 0.25),
        # 0.15 + 0.25 + 0.15 + 0.25 = 0.8 exactly
        (CascadeIndicators(0.0, -0.3, 10.0, 1.0, 4.0), 0.80, "REDUCE_75%", 0.25),
        # 0.2 0.31 more
        (CascadeIndicators(0.0031, -0.3, 10.0, 1.0, 4.0), 0.862, "EXIT", 0.0),
        (CascadeIndicators(-1.0, -1.0, 1e9, 1.0, -10.0), 1.0, "EXIT", 0.0),
    ],
)
def test_the_score_chooses_the_recommendation(
    indicators: CascadeIndicators, score: float, recommendation: str, multiplier: float
) -> None:
    found = assess_cascade(indicators, PARAMS)
    assert found.risk_score == score
    assert (found.recommendation, found.multiplier) == (recommendation, multiplier)


def test_the_score_is_rounded_to_a_billionth() -> None:
    found = assess_cascade(CascadeIndicators(funding_rate=0.0033333333333), PARAMS)
    assert found.risk_score == 0.066666667


def test_other_thresholds_move_the_recommendations() -> None:
    strict = CascadeParams(exit_above=0.3, reduce_75_above=0.2, reduce_50_above=0.1)
    for whale, expected in [(0.0, "MONITOR"), (0.8, "REDUCE_50%"), (1.0, "REDUCE_75%")]:
        found = assess_cascade(CascadeIndicators(onchain_whale_pressure=whale), strict)
        assert found.recommendation == expected
    both = CascadeIndicators(onchain_whale_pressure=1.0, funding_rate=0.01)
    assert assess_cascade(both, strict).recommendation == "EXIT"


def test_the_weights_add_up_to_one_and_the_recommendations_get_stricter() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    assert tuple(WEIGHTS) == NAMES
    assert RECOMMENDATIONS == ("MONITOR", "REDUCE_50%", "REDUCE_75%", "EXIT")
