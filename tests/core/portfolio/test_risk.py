"""Risk of a whole book, by hand and against a plain covariance."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.portfolio.correlation import Correlations, prior_matrix
from app.core.portfolio.risk import RiskModel
from app.core.types import FloatArray
from tests.core.problems import correlation_of, random_loadings
from tests.strategies import seeds


def model_of(volatility: list[float], matrix: FloatArray | None = None) -> RiskModel:
    names = tuple("ABCDEFGH"[: len(volatility)])
    found = prior_matrix(np.ones(len(names)), 0.5) if matrix is None else matrix
    return RiskModel(np.array(volatility), Correlations(names, found))


def test_two_equal_weights_at_the_prior() -> None:
    risk = model_of([0.04, 0.04]).assess({"A": 0.1, "B": 0.1})
    # 0.004 sqrt(1 + 1 + 2 0.5)
    assert risk.volatility == pytest.approx(0.004 * math.sqrt(3.0))
    assert risk.shortfall == pytest.approx(2.063 * 0.004 * math.sqrt(3.0))
    assert risk.contributions == pytest.approx({"A": 0.5, "B": 0.5})


def test_a_hedge_has_a_negative_share() -> None:
    risk = model_of([0.04, 0.04]).assess({"A": 0.2, "B": -0.05})
    # in units of 0.002: 4, -1; 16 + 1 - 4 = 13; 4 (4 - 0.5), -1 (2 - 1)
    assert risk.volatility == pytest.approx(0.002 * math.sqrt(13.0))
    assert risk.contributions == pytest.approx({"A": 14 / 13, "B": -1 / 13})


def test_an_empty_book_has_no_risk_and_strangers_have_no_part() -> None:
    model = model_of([0.04])
    for weights in ({}, {"A": 0.0}, {"Z": 0.3}):
        assert model.assess(weights).volatility == 0.0
        assert model.assess(weights).contributions == {}
    assert model_of([]).assess({}).shortfall == 0.0


@pytest.mark.parametrize("level", [1e-300, 1e-160, 1e160, 1.7e308])
def test_the_ends_of_the_number_range_stay_finite(level: float) -> None:
    risk = model_of([level, level]).assess({"A": 1.0, "B": 1.0})
    assert 0.0 < risk.volatility < math.inf
    assert math.isfinite(risk.shortfall)


@given(seed=seeds, count=st.integers(1, 8), in_factors=st.booleans())
@settings(max_examples=40, deadline=None)
def test_it_is_the_root_of_the_quadratic_form(seed: int, count: int, *, in_factors: bool) -> None:
    rng = np.random.default_rng(seed)
    loadings = random_loadings(rng, count, 3)
    matrix, sigma = correlation_of(loadings), rng.uniform(0.01, 0.2, count)
    names = tuple("ABCDEFGH"[:count])
    form = Correlations(names, None, loadings) if in_factors else Correlations(names, matrix)
    weights = dict(zip(names, rng.normal(0.0, 0.1, count).tolist(), strict=True))
    covariance = matrix * np.outer(sigma, sigma)
    w = np.array(list(weights.values()))
    variance = float(w @ covariance @ w)
    risk = RiskModel(sigma, form).assess(weights)
    assert risk.volatility == pytest.approx(math.sqrt(variance))
    assert list(risk.contributions.values()) == pytest.approx((w * (covariance @ w)) / variance)
    assert math.fsum(risk.contributions.values()) == pytest.approx(1.0)
