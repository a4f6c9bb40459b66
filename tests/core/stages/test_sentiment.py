"""Sentiment against hand arithmetic of the design's formula (section 1, step 3)."""

import math

import numpy as np
import pytest

from app.core.params import SentimentParams
from app.core.stages.sentiment import sentiment_factors

PARAMS = SentimentParams()


def factor(score: float, confidence: float, direction: float) -> float:
    found = sentiment_factors(
        np.array([score]), np.array([confidence]), np.array([direction]), PARAMS
    )
    return float(found[0])


@pytest.mark.parametrize(
    ("score", "confidence", "long"),
    [
        (0.5, 1.0, 1.0),
        (0.4, 1.0, 1.0),
        (0.6, 1.0, 1.0),
        (1.0, 1.0, 1.15),
        (0.0, 1.0, 0.85),
        (0.7, 0.8, 1.03),  # 0.15 0.8 0.1/0.4
        (0.8, 1.0, 1.075),  # 0.15 0.2/0.4
        (0.3, 0.5, 0.98125),  # 0.15 0.5 0.1/0.4
        (1.0, 0.0, 1.0),
        (math.nan, 1.0, 1.0),
        (1.0, math.nan, 1.0),
        (math.nan, math.nan, 1.0),
    ],
)
def test_the_factor_is_the_formula_and_mirrored_for_shorts(
    score: float, confidence: float, long: float
) -> None:
    assert factor(score, confidence, 1.0) == pytest.approx(long, rel=1e-12)
    assert factor(score, confidence, -1.0) == pytest.approx(2.0 - long, rel=1e-12)
    assert factor(score, confidence, 0.0) == 1.0


@pytest.mark.parametrize(
    ("low", "high", "score", "long"),
    [
        (0.45, 0.55, 0.75, 1.075),  # 0.2 outside: half the tilt
        (0.3, 0.8, 0.9, 1.0375),  # 0.1 outside: a quarter
        (0.5, 0.5, 1.0, 1.15),  # 0.5 outside: at most the whole
        (0.5, 0.5, 0.0, 0.85),
        (0.0, 1.0, 1.0, 1.0),  # nothing lies outside
        (0.0, 1.0, 0.0, 1.0),
    ],
)
def test_another_neutral_zone_keeps_the_distance_of_the_formula(
    low: float, high: float, score: float, long: float
) -> None:
    params = SentimentParams(neutral_low=low, neutral_high=high)
    found = sentiment_factors(np.array([score]), np.ones(1), np.ones(1), params)
    assert found == pytest.approx([long])
