"""Bayesian Kelly against exact rational arithmetic of the design's formulas (section 1, step 1)."""

from fractions import Fraction

import numpy as np
import pytest

from app.core.params import KellyParams
from app.core.stages.kelly import kelly_sizes, posterior_mean, win_rate

PARAMS = KellyParams()


def exact_mean(claim: str, confidence: str, count: int, mean: str) -> Fraction:
    """M = (n0 c mu + n r) / (n0 + n), n0 = 20."""
    pull = 20 * Fraction(confidence) * Fraction(claim) + count * Fraction(mean)
    return pull / (20 + count)


def exact_size(edge: Fraction, volatility: str, count: int) -> Fraction:
    """U = k max(m, 0) / (sigma^2 (1 + 1/(n0 + n))), k = 1/4."""
    variance = Fraction(volatility) ** 2 * (1 + Fraction(1, 20 + count))
    return Fraction(1, 4) * max(edge, Fraction(0)) / variance


CASES = [
    # claim, confidence, outcomes, their mean, volatility, size by hand
    ("0.01", "0.5", 0, "0", "0.1", 0.119047619),  # 0.25 0.005 / 0.0105
    ("0.01", "0.5", 20, "0.02", "0.1", 0.304878049),  # 0.25 0.0125 / 0.01025
    ("0.01", "0.5", 80, "-0.001", "0.1", 0.004950495),  # 0.25 0.0002 / 0.0101
    ("0.12", "0.85", 0, "0", "0.04", 15.178571429),  # the contract's first example
    ("0.002", "1", 5, "0.001", "0.03", 0.480769231),  # 0.25 0.0018 / 0.000936
    ("0.01", "0", 0, "0", "0.1", 0.0),
    ("0.01", "0.5", 20, "-0.02", "0.1", 0.0),  # the record outweighs the claim
]


@pytest.mark.parametrize(("claim", "confidence", "count", "mean", "volatility", "by_hand"), CASES)
def test_mean_and_size_are_the_formulas(
    claim: str, confidence: str, count: int, mean: str, volatility: str, by_hand: float
) -> None:
    edge = exact_mean(claim, confidence, count, mean)
    size = exact_size(edge, volatility, count)
    assert float(size) == pytest.approx(by_hand, abs=1e-9)
    found = posterior_mean(
        np.array([float(claim)]), np.array([float(confidence)]), np.array([float(count)]),
        np.array([float(mean)]), PARAMS,
    )  # fmt: skip
    assert found == pytest.approx([float(edge)], rel=1e-12, abs=1e-18)
    sized = kelly_sizes(
        found, np.array([float(volatility)]), np.array([float(count)]), np.array([True]), PARAMS
    )
    assert sized == pytest.approx([float(size)], rel=1e-12, abs=1e-15)


def test_without_a_claim_the_record_alone_speaks_shrunk_by_the_prior() -> None:
    found = posterior_mean(
        np.array([np.nan, np.nan]), np.array([0.9, 0.9]), np.array([60.0, 0.0]),
        np.array([0.004, 0.0]), PARAMS,
    )  # fmt: skip
    # 60 0.004 / 80
    assert found == pytest.approx([0.003, 0.0])


@pytest.mark.parametrize(
    ("wins", "losses", "rate"), [(0, 0, 0.5), (8, 12, 0.45), (30, 10, 2 / 3), (0, 20, 0.25)]
)
def test_the_win_rate_is_the_mean_of_beta_ten_ten(wins: int, losses: int, rate: float) -> None:
    found = win_rate(np.array([float(wins)]), np.array([float(losses)]), PARAMS)
    assert found == pytest.approx([rate], rel=1e-15)


def test_an_edge_of_exactly_the_least_edge_is_sized_and_a_smaller_one_is_not() -> None:
    edges, volatility = np.array([0.01, 0.0099]), np.full(2, 0.1)
    params = KellyParams(min_edge=0.01)
    sizes = kelly_sizes(edges, volatility, np.zeros(2), np.full(2, fill_value=True), params)
    # 0.25 0.01 / 0.0105
    assert sizes == pytest.approx([0.238095238, 0.0])


def test_double_the_volatility_is_a_quarter_of_the_size() -> None:
    sizes = kelly_sizes(
        np.array([0.002, 0.002]), np.array([0.1, 0.2]), np.zeros(2), np.full(2, fill_value=True),
        PARAMS,
    )  # fmt: skip
    assert sizes == pytest.approx([0.0476190476, 0.0119047619])
