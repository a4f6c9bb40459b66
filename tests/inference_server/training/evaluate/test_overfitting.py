"""PSR, DSR and PBO against the papers' worked examples and a plain computation."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.training.evaluate.overfitting import (
    ReturnMoments,
    deflated_sharpe,
    expected_best_sharpe,
    overfitting_probability,
    probabilistic_sharpe,
    return_moments,
)
from inference_server.training.evaluate.series import FloatArray, UnusableSeries

# Bailey and Lopez de Prado (2014), the numerical example: an annual Sharpe ratio of 2.5 over 5
# years of 250 days, skewness -3, kurtosis 10, variance 1/2 of the trials' annual Sharpe ratios
FOUND = ReturnMoments(2.5 / math.sqrt(250.0), 1250, -3.0, 10.0)
VARIANCE = 0.5 / 250.0


def noise(days: int, candidates: int, seed: int) -> FloatArray:
    return np.random.default_rng(seed).standard_normal((days, candidates)) * 0.01


def test_the_expected_best_of_a_hundred_trials_is_the_papers() -> None:
    assert expected_best_sharpe(100, VARIANCE) == pytest.approx(0.1132, abs=5e-5)


def test_the_deflated_sharpe_ratio_is_the_papers() -> None:
    assert deflated_sharpe(FOUND, 100, VARIANCE) == pytest.approx(0.9004, abs=5e-5)
    assert deflated_sharpe(FOUND, 46, VARIANCE) == pytest.approx(0.9505, abs=5e-5)
    normal = ReturnMoments(FOUND.sharpe, FOUND.n)
    assert deflated_sharpe(normal, 88, VARIANCE) == pytest.approx(0.9505, abs=5e-5)


def test_the_probabilistic_sharpe_ratio_is_the_papers() -> None:
    # Bailey and Lopez de Prado (2012): 24 months, a monthly Sharpe ratio of 0.458
    assert probabilistic_sharpe(ReturnMoments(0.458, 24)) == pytest.approx(0.982, abs=5e-4)
    skewed = ReturnMoments(0.458, 24, -2.448, 10.164)
    assert probabilistic_sharpe(skewed) == pytest.approx(0.913, abs=5e-4)


def test_one_trial_deflates_nothing() -> None:
    assert expected_best_sharpe(1, VARIANCE) == 0.0
    assert deflated_sharpe(FOUND, 1, VARIANCE) == probabilistic_sharpe(FOUND)


def test_the_expected_best_is_what_simulated_worthless_trials_show() -> None:
    best = np.random.default_rng(1).standard_normal((20_000, 50)).max(axis=1).mean()
    assert expected_best_sharpe(50, 1.0) == pytest.approx(best, rel=0.02)


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(1e-6, 0.01))
def test_more_trials_never_raise_the_deflated_ratio(
    first: int, second: int, variance: float
) -> None:
    few, many = sorted((first, second))
    assert deflated_sharpe(FOUND, many, variance) <= deflated_sharpe(FOUND, few, variance)


def test_moments_of_a_sample_are_counted_by_hand() -> None:
    moments = return_moments([0.01, 0.01, 0.01, -0.03])
    # centred: 0.01 three times and -0.03; population moments 0.0003, -6e-6, 21e-8
    assert moments.skewness == pytest.approx(-6e-6 / 0.0003**1.5)
    assert moments.kurtosis == pytest.approx(21e-8 / 0.0003**2)
    assert moments.n == 4
    assert moments.sharpe == 0.0


def test_a_flat_series_has_even_odds() -> None:
    assert probabilistic_sharpe(return_moments(np.zeros(100))) == 0.5


@pytest.mark.parametrize(("trials", "variance"), [(0, 0.1), (3, -0.1), (3, math.nan)])
def test_impossible_counts_and_variances_are_refused(trials: int, variance: float) -> None:
    with pytest.raises(ValueError, match="must be >="):
        expected_best_sharpe(trials, variance)


def test_moments_that_no_distribution_has_are_refused() -> None:
    with pytest.raises(UnusableSeries, match="variance of the Sharpe ratio must be > 0"):
        probabilistic_sharpe(ReturnMoments(1.0, 100, 5.0, 1.0))


def plain_pbo(matrix: FloatArray, blocks: int) -> float:
    """Count the splits in which the best is at or below the middle, with loops and no sums."""
    parts = np.array_split(matrix, blocks)
    below = []
    for inside in combinations(range(blocks), blocks // 2):
        known = np.concatenate([parts[k] for k in inside])
        rest = np.concatenate([parts[k] for k in range(blocks) if k not in inside])
        best = int(np.argmax(known.mean(axis=0) / known.std(axis=0)))
        ratios = rest.mean(axis=0) / rest.std(axis=0)
        rank = 1 + int(np.sum(ratios < ratios[best]))
        below.append(rank / (len(ratios) + 1) <= 0.5)
    return float(np.mean(below))


@pytest.mark.parametrize(("days", "candidates"), [(60, 4), (61, 5), (83, 2)])
def test_pbo_is_what_loops_over_all_splits_count(days: int, candidates: int) -> None:
    matrix = noise(days, candidates, days)
    result = overfitting_probability(matrix, 6)
    assert result.splits == math.comb(6, 3)
    assert result.pbo == pytest.approx(plain_pbo(matrix, 6))


def test_sixteen_blocks_make_12870_splits() -> None:
    assert overfitting_probability(noise(400, 5, 1)).splits == 12_870


def test_pbo_of_noise_is_about_a_half() -> None:
    found = [overfitting_probability(noise(400, 20, seed), 8).pbo for seed in range(40)]
    assert np.mean(found) == pytest.approx(0.5, abs=0.08)


def test_pbo_of_one_candidate_that_is_really_better_is_about_zero() -> None:
    matrix = noise(1000, 10, 3)
    matrix[:, 4] += 0.003
    result = overfitting_probability(matrix)
    assert result.pbo < 0.01
    assert result.median_logit == pytest.approx(math.log(10.0))


def test_pbo_of_candidates_that_only_shine_by_turns_is_about_one() -> None:
    matrix = 0.001 * noise(64, 8, 5)
    for candidate in range(8):
        matrix[8 * candidate : 8 * candidate + 8, candidate] += 0.01
    assert overfitting_probability(matrix, 8).pbo > 0.9


def test_scaling_a_candidate_changes_nothing() -> None:
    matrix = noise(200, 6, 7)
    scaled = matrix * np.array([1.0, 1e-6, 10.0, 3.0, 1e3, 0.5])
    assert overfitting_probability(scaled, 8) == overfitting_probability(matrix, 8)


def test_a_candidate_that_never_trades_ranks_as_zero() -> None:
    matrix = np.column_stack([np.full(100, 0.0), noise(100, 1, 2)[:, 0] + 0.1])
    assert overfitting_probability(matrix, 4).pbo == 0.0


@pytest.mark.parametrize("shape", [(100, 1), (31, 4), (100,)])
def test_too_few_days_or_candidates_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(UnusableSeries, match="candidates must have shape"):
        overfitting_probability(np.zeros(shape), 16)


def test_odd_blocks_and_gaps_are_refused() -> None:
    with pytest.raises(ValueError, match="blocks must be even and >= 2, was 5"):
        overfitting_probability(noise(100, 3, 1), 5)
    with pytest.raises(UnusableSeries, match="candidates must be finite"):
        overfitting_probability(np.full((100, 3), np.nan), 4)
