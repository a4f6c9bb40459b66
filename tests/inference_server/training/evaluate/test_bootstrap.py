"""The paired stationary bootstrap of the Sharpe gain."""

import time

import numpy as np
import pytest
from arch.bootstrap import StationaryBootstrap

from inference_server.training.evaluate.bootstrap import (
    STANDARD,
    BootstrapParams,
    paired_gain,
    resampled_sharpes,
)
from inference_server.training.evaluate.series import FloatArray, UnusableSeries
from inference_server.training.evaluate.statistics import sharpe

QUICK = BootstrapParams(draws=500)


def market(days: int, seed: int = 1) -> FloatArray:
    return np.random.default_rng(seed).normal(0.0004, 0.01, days)


def test_a_policy_against_itself_gains_nothing_within_an_interval_of_nothing() -> None:
    returns = market(500)
    same = paired_gain(returns, returns, params=QUICK)
    assert (same.gain, same.ci_low, same.ci_high) == (0.0, 0.0, 0.0)
    assert same.p == 1.0


def test_a_levered_copy_gains_nothing() -> None:
    returns = market(500)
    levered = paired_gain(2.0 * returns, returns, params=QUICK)
    assert levered.gain == pytest.approx(0.0, abs=1e-12)
    assert levered.ci_low == pytest.approx(0.0, abs=1e-9)
    assert levered.ci_high == pytest.approx(0.0, abs=1e-9)


def test_the_gain_is_the_difference_of_the_two_sharpe_ratios() -> None:
    first, second = market(300, 1), market(300, 2)
    result = paired_gain(first, second, 52.0, params=QUICK)
    assert result.gain == pytest.approx(sharpe(first, 52.0) - sharpe(second, 52.0))
    assert result.n_days == 300
    assert result.ci_low < result.gain < result.ci_high


def test_the_interval_of_independent_days_has_the_width_of_theory() -> None:
    # Lo (2002): the variance of an annual Sharpe ratio of n iid days is about p / n; two
    # independent series of one length have twice that
    first, second = market(4000, 3), market(4000, 4)
    result = paired_gain(first, second)
    half = 1.96 * np.sqrt(2.0 * 252.0 / 4000.0)
    assert (result.ci_high - result.ci_low) / 2.0 == pytest.approx(half, rel=0.1)


def test_what_moves_both_cancels() -> None:
    noise = market(1000, 5)
    small = np.random.default_rng(6).normal(0.0002, 0.001, 1000)
    paired = paired_gain(noise + small, noise, params=QUICK)
    apart = paired_gain(noise + small, np.random.default_rng(8).permutation(noise), params=QUICK)
    assert paired.ci_high - paired.ci_low < 0.25 * (apart.ci_high - apart.ci_low)


def test_returns_that_trend_get_a_wider_interval_than_single_days_would_give() -> None:
    shocks = np.random.default_rng(9).normal(0.0, 0.01, 3000)
    trending = np.convolve(shocks, np.ones(10) / 10.0, mode="same")
    flat = np.random.default_rng(10).normal(0.0, 0.003, 3000)
    blocks = paired_gain(trending, flat, params=QUICK)
    days = paired_gain(trending, flat, params=BootstrapParams(draws=500, mean_block=1))
    assert blocks.ci_high - blocks.ci_low > 1.5 * (days.ci_high - days.ci_low)


def test_a_real_gain_has_a_small_p_and_a_loss_a_large_one() -> None:
    noise = market(2000, 5)
    assert paired_gain(noise + 0.001, noise, params=QUICK).p == pytest.approx(1.0 / 501.0)
    assert paired_gain(noise - 0.001, noise, params=QUICK).p > 0.99


def test_the_seed_decides_the_draws() -> None:
    first, second = market(300, 1), market(300, 2)
    again = BootstrapParams(draws=100, seed=1)
    assert paired_gain(first, second, params=again) == paired_gain(first, second, params=again)
    other = BootstrapParams(draws=100, seed=2)
    assert paired_gain(first, second, params=again) != paired_gain(first, second, params=other)


def test_the_sums_give_the_same_ratios_as_the_resampled_days_themselves() -> None:
    columns = np.column_stack([market(60, 1), market(60, 2)])
    params = BootstrapParams(draws=20, mean_block=5, seed=3)
    found = resampled_sharpes(columns, params)
    # the same seed draws the same days when the data themselves are resampled
    drawn = StationaryBootstrap(5, columns, seed=3).bootstrap(20)
    expected = [[sharpe(data[0][:, k], 1.0) for k in range(2)] for data, _ in drawn]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_a_policy_that_seldom_trades_has_finite_ratios_in_every_draw() -> None:
    seldom = np.zeros(200)
    seldom[100] = 0.01
    ratios = resampled_sharpes(np.column_stack([seldom, market(200)]), QUICK)
    assert np.isfinite(ratios).all()
    assert np.any(ratios[:, 0] == 0.0)


def test_a_gap_is_refused() -> None:
    with pytest.raises(UnusableSeries, match="reference must be finite"):
        paired_gain([0.1, 0.2], [0.1, np.nan])


def test_two_thousand_draws_of_five_thousand_days_take_less_than_three_seconds_of_cpu() -> None:
    first, second = market(5000, 1), market(5000, 2)
    start = time.process_time()
    paired_gain(first, second, params=STANDARD)
    assert time.process_time() - start < 3.0
