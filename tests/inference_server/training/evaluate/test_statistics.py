"""Figures of return series against hand numbers and independent computations."""

import math
from statistics import fmean, stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from inference_server.training.evaluate.series import FloatArray, UnusableSeries
from inference_server.training.evaluate.statistics import (
    annual_return,
    calmar,
    drawdown_at_equal_volatility,
    equity_curve,
    hit_rate,
    max_drawdown,
    sharpe,
    sortino,
    summarise,
    turnover_per_year,
)

RETURNS = np.array([0.10, -0.20, 0.05, 0.10, -0.03])
SERIES = arrays(
    np.float64, st.integers(3, 40), elements=st.floats(-0.3, 0.3, allow_subnormal=False)
).filter(lambda series: bool(series.std() > 1e-3))


def test_sharpe_is_the_mean_over_the_sample_deviation_times_the_root_of_the_year() -> None:
    expected = fmean(RETURNS) / stdev(RETURNS) * math.sqrt(12.0)
    assert sharpe(RETURNS, 12.0) == pytest.approx(expected)


def test_sortino_counts_losses_alone() -> None:
    # mean 0.02 / 5; two losses among five days
    downside = math.sqrt((0.2**2 + 0.03**2) / 5.0)
    assert sortino(RETURNS, 1.0) == pytest.approx(0.004 / downside)


def test_the_maximum_drawdown_is_from_the_highest_equity_so_far_to_the_lowest_after_it() -> None:
    # 1.1 down to 0.88, back to 1.0164, never above 1.1
    assert max_drawdown(RETURNS) == pytest.approx(0.2)
    assert max_drawdown([-0.1, -0.1, 0.5]) == pytest.approx(0.19)


def test_calmar_is_compounded_growth_over_the_maximum_drawdown() -> None:
    total = 1.1 * 0.8 * 1.05 * 1.1 * 0.97
    assert annual_return(RETURNS, 252.0) == pytest.approx(total ** (252.0 / 5.0) - 1.0)
    assert calmar(RETURNS, 5.0) == pytest.approx((total - 1.0) / 0.2)


def test_turnover_and_hit_rate_are_plain_counts() -> None:
    assert turnover_per_year([0.1, 0.3], 252.0) == pytest.approx(0.2 * 252.0)
    assert hit_rate([0.1, 0.0, -0.1, 0.2]) == pytest.approx(2.0 / 3.0)


def test_a_policy_that_never_trades_has_zeros_and_no_infinities() -> None:
    summary = summarise(np.zeros(20), np.zeros(20))
    assert summary.days == 20
    assert {
        summary.sharpe,
        summary.sortino,
        summary.calmar,
        summary.max_drawdown,
        summary.annual_return,
        summary.volatility,
        summary.turnover_per_year,
        summary.hit_rate,
    } == {0.0}


def test_a_policy_that_never_loses_has_infinite_sortino_and_calmar_ratios() -> None:
    assert sortino([0.1, 0.2]) == math.inf
    assert calmar([0.1, 0.2]) == math.inf


def test_a_constant_return_is_no_risk_and_has_sharpe_ratio_zero() -> None:
    assert sharpe(np.full(100, 0.1)) == 0.0


def test_the_same_policy_with_half_the_size_has_the_same_drawdown_at_equal_volatility() -> None:
    result = drawdown_at_equal_volatility(0.5 * RETURNS, RETURNS)
    assert result.scale == pytest.approx(2.0)
    assert result.ratio == pytest.approx(1.0)
    assert result.drawdown == pytest.approx(0.2)
    assert max_drawdown(0.5 * RETURNS) < 0.2


def test_drawdown_at_equal_volatility_scales_first_and_compounds_then() -> None:
    policy = np.array([0.02, -0.01, -0.01, 0.03])
    reference = np.array([-0.05, 0.04, -0.06, 0.01])
    scaled = policy * reference.std() / policy.std()
    equity = np.concatenate([[1.0], np.cumprod(1.0 + scaled)])
    falls = [1.0 - equity[later] / equity[: later + 1].max() for later in range(5)]
    result = drawdown_at_equal_volatility(policy, reference)
    assert result.drawdown == pytest.approx(max(falls))
    assert result.ratio == pytest.approx(max(falls) / result.reference_drawdown)


def test_a_reference_that_never_moves_has_no_volatility_to_lever_to() -> None:
    with pytest.raises(UnusableSeries, match="volatility of reference must be > 0"):
        drawdown_at_equal_volatility(RETURNS, np.zeros(5))


def test_a_policy_levered_beyond_its_equity_is_refused() -> None:
    with pytest.raises(UnusableSeries, match="policy at equal volatility must be > -1"):
        drawdown_at_equal_volatility([0.0, 0.0, -0.1], [0.9, -0.9, 0.9])


def test_negative_turnover_is_refused() -> None:
    with pytest.raises(UnusableSeries, match=r"turnover must be >= 0, was -0\.1"):
        turnover_per_year([0.1, -0.1])


@given(SERIES, st.floats(0.01, 3.0))
def test_sharpe_and_sortino_know_no_scale(series: FloatArray, scale: float) -> None:
    assert sharpe(scale * series) == pytest.approx(sharpe(series), rel=1e-9, abs=1e-9)
    assert sortino(scale * series) == pytest.approx(sortino(series), rel=1e-9, abs=1e-9)


@given(SERIES)
def test_a_drawdown_is_a_share_and_is_zero_only_without_a_fall(series: FloatArray) -> None:
    worst = max_drawdown(series)
    assert 0.0 <= worst < 1.0
    equity = equity_curve(series)
    assert (worst == 0.0) == bool(np.all(np.diff(equity) >= 0.0))
