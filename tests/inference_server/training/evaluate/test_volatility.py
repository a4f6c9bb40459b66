"""QLIKE, its test against a rival, and the judgement of the volatility head."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st

from inference_server.training.evaluate.series import FloatArray, UnusableSeries
from inference_server.training.evaluate.volatility import (
    diebold_mariano,
    judge_forecasts,
    qlike,
    realised_variance,
)


def losses(days: int, seed: int) -> FloatArray:
    return np.random.default_rng(seed).gamma(2.0, 0.2, (days, 3))


def test_the_target_is_the_mean_square_of_the_next_returns_alone() -> None:
    returns = np.array([[9.0], [0.1], [0.2], [0.3], [0.4]])
    target = realised_variance(returns, 2)
    np.testing.assert_allclose(target[:3, 0], [0.025, 0.065, 0.125])
    assert np.isnan(target[3:]).all()


def test_a_missing_return_or_ten_equal_closes_make_the_target_unknown() -> None:
    returns = np.full((30, 2), 0.01)
    returns[15, 0] = np.nan
    returns[10:20, 1] = 0.0
    target = realised_variance(returns)
    assert np.isnan(target[5:15, 0]).all()
    assert not np.isnan(target[[4, 15], 0]).any()
    assert np.flatnonzero(np.isnan(target[:20, 1])).tolist() == [9]


def test_qlike_is_counted_by_hand() -> None:
    loss = qlike(np.array([2.0, 1.0, np.nan]), np.array([1.0, 2.0, 1.0]))
    assert loss[0] == pytest.approx(2.0 - math.log(2.0) - 1.0)
    assert loss[1] == pytest.approx(0.5 + math.log(2.0) - 1.0)
    assert np.isnan(loss[2])


@given(st.floats(1e-6, 1.0), st.floats(0.05, 20.0))
def test_qlike_is_zero_at_the_truth_and_positive_elsewhere(variance: float, wrong: float) -> None:
    assert qlike(np.array([variance]), np.array([variance]))[0] == 0.0
    assert qlike(np.array([variance]), np.array([variance * wrong]))[0] >= 0.0


def test_mean_qlike_is_least_at_the_true_variance_though_the_proxy_is_noisy() -> None:
    rng = np.random.default_rng(1)
    truth = np.exp(rng.normal(-9.0, 0.5, 50_000))
    proxy = truth * rng.chisquare(10, 50_000) / 10.0
    scores = {scale: qlike(proxy, scale * truth).mean() for scale in (0.8, 0.9, 1.0, 1.1, 1.25)}
    assert min(scores, key=scores.__getitem__) == 1.0


@pytest.mark.parametrize("wrong", [0.0, -1.0, np.inf])
def test_a_variance_that_is_not_positive_is_refused(wrong: float) -> None:
    with pytest.raises(UnusableSeries, match="variance forecast must be > 0 and finite, was"):
        qlike(np.array([1.0, 1.0]), np.array([1.0, wrong]))
    with pytest.raises(UnusableSeries, match="realised variance must be > 0 and finite, was"):
        qlike(np.array([1.0, wrong]), np.array([1.0, 1.0]))


def test_the_t_statistic_is_that_of_newey_and_west_as_statsmodels_has_it() -> None:
    first, second = losses(400, 1), losses(400, 2)
    daily = (first - second).mean(axis=1)
    fit = sm.OLS(daily, np.ones(400)).fit(
        cov_type="HAC", cov_kwds={"maxlags": 20, "use_correction": False}
    )
    assert diebold_mariano(first, second) == pytest.approx(float(fit.tvalues[0]))


def test_a_day_counts_once_however_many_instruments_share_it() -> None:
    first, second = losses(200, 1)[:, :1], losses(200, 2)[:, :1]
    many = diebold_mariano(np.tile(first, 50), np.tile(second, 50))
    assert many == pytest.approx(diebold_mariano(first, second))


def test_unknown_losses_are_left_out_and_the_same_loss_has_t_zero() -> None:
    first, second = losses(100, 1), losses(100, 2)
    holes = first.copy()
    holes[10] = np.nan
    rest = np.delete(first, 10, axis=0), np.delete(second, 10, axis=0)
    assert diebold_mariano(holes, second, 5) == pytest.approx(diebold_mariano(*rest, 5))
    assert diebold_mariano(first, first) == 0.0


def test_too_few_days_for_the_lags_are_refused() -> None:
    with pytest.raises(UnusableSeries, match="difference of losses must have shape"):
        diebold_mariano(losses(21, 1), losses(21, 2), 20)


def panel() -> tuple[FloatArray, dict[str, FloatArray]]:
    rng = np.random.default_rng(5)
    truth = np.exp(rng.normal(-9.0, 0.3, (300, 2)))
    proxy = truth * rng.chisquare(20, (300, 2)) / 20.0
    return proxy, {"head": truth, "har": truth * np.exp(rng.normal(0.0, 0.4, (300, 2)))}


def test_the_head_that_knows_the_truth_beats_a_noisy_rival() -> None:
    realised, forecasts = panel()
    figures = judge_forecasts(realised, forecasts, [(100, 200), (200, 300)], coverage=(0.8, 0.8))
    assert figures.t_against["har"] < -5.0
    assert figures.qlike["head"] < figures.qlike["har"]
    assert figures.observations == 400
    by_hand = qlike(realised, forecasts["head"])[100:]
    assert figures.qlike["head"] == pytest.approx(by_hand.mean())
    assert figures.qlike_by_fold["head"] == pytest.approx(
        (by_hand[:100].mean(), by_hand[100:].mean())
    )


def test_forecasts_are_compared_where_all_rivals_answer() -> None:
    realised, forecasts = panel()
    forecasts["har"][150:160] = np.nan
    figures = judge_forecasts(realised, forecasts, [(100, 300)])
    assert figures.observations == 380
    kept = np.r_[100:150, 160:300]
    assert figures.qlike["head"] == pytest.approx(qlike(realised, forecasts["head"])[kept].mean())


def test_a_head_that_leaves_out_a_day_is_refused() -> None:
    realised, forecasts = panel()
    forecasts["head"][150, 1] = np.nan
    with pytest.raises(UnusableSeries, match="head must forecast all 400 days judged, left out 1"):
        judge_forecasts(realised, forecasts, [(100, 300)])


def test_a_judgement_needs_a_head_and_a_rival() -> None:
    realised, forecasts = panel()
    with pytest.raises(UnusableSeries, match=r"must name head and a rival, were \['head'\]"):
        judge_forecasts(realised, {"head": forecasts["head"]}, [(100, 300)])
