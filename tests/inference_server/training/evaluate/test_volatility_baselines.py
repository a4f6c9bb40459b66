"""The rivals of the volatility head."""

import numpy as np
import pytest
from scipy.optimize import minimize

from app.history.prices import load_stock_prices
from inference_server.training.evaluate.series import FloatArray, UnusableSeries
from inference_server.training.evaluate.volatility import qlike, realised_variance
from inference_server.training.evaluate.volatility_baselines import (
    ewma_variance,
    fit_qlike,
    garch_variance,
    har_variance,
)


def garch_returns(days: int, instruments: int = 1, seed: int = 1) -> FloatArray:
    """Make returns of GARCH(1,1) with persistence 0.97 and 1 % a day."""
    rng = np.random.default_rng(seed)
    variance = np.full(instruments, 1e-4)
    rows = []
    for shock in rng.standard_normal((days, instruments)):
        rows.append(np.sqrt(variance) * shock)
        variance = 3e-6 + 0.07 * rows[-1] ** 2 + 0.90 * variance
    return np.array(rows)


def test_ewma_is_the_weighted_mean_of_the_squares_so_far() -> None:
    returns = garch_returns(300, 2)
    variance = ewma_variance(returns)
    for row in (0, 1, 50, 299):
        weights = 0.94 ** np.arange(row, -1, -1)
        expected = np.average(returns[: row + 1] ** 2, axis=0, weights=weights)
        np.testing.assert_allclose(variance[row], expected, rtol=1e-12)


def test_ewma_keeps_its_estimate_over_a_gap_and_is_silent_before_the_first_move() -> None:
    returns = garch_returns(50)
    returns[:5] = 0.0
    returns[20:25] = np.nan
    variance = ewma_variance(returns)
    assert np.isnan(variance[:5]).all()
    assert set(variance[20:25, 0].tolist()) == {variance[19, 0]}
    assert variance[25, 0] != variance[24, 0]


def test_the_qlike_fit_finds_what_a_general_optimiser_finds() -> None:
    rng = np.random.default_rng(3)
    features = np.column_stack([np.ones(500), rng.normal(0.0, 1.0, (500, 2))])
    target = np.exp(features @ [-9.0, 0.5, -0.2]) * rng.chisquare(5, 500) / 5.0

    def loss(b: FloatArray) -> float:
        return float(np.mean(features @ b + target * np.exp(-features @ b)))

    found = fit_qlike(features, target)
    other = minimize(loss, [-9.0, 0.0, 0.0], method="Nelder-Mead", options={"xatol": 1e-7})
    np.testing.assert_allclose(found, other.x, atol=1e-4)
    assert loss(found) <= float(other.fun) + 1e-12


def test_too_few_observations_for_the_coefficients_are_refused() -> None:
    with pytest.raises(UnusableSeries, match="must have ten observations each, had 19"):
        fit_qlike(np.ones((19, 2)), np.ones(19))


@pytest.mark.parametrize("forecast", [har_variance, garch_variance])
def test_a_price_of_tomorrow_changes_no_forecast_of_today(forecast: object) -> None:
    assert callable(forecast)
    returns = garch_returns(700)
    changed = returns.copy()
    changed[601:] *= 3.0
    before, after = forecast(returns, [400, 550]), forecast(changed, [400, 550])
    np.testing.assert_array_equal(before[:601], after[:601])
    assert not np.array_equal(before[601:], after[601:], equal_nan=True)


@pytest.mark.parametrize("forecast", [har_variance, garch_variance])
def test_fits_see_only_targets_that_end_before_they_are_used(forecast: object) -> None:
    assert callable(forecast)
    returns = garch_returns(700)
    changed = returns.copy()
    changed[400] *= 10.0
    # row 400 is known at its own close, so the first forecast may see it, the first fit may not
    before, after = forecast(returns, [400]), forecast(changed, [400])
    assert np.isnan(before[:400]).all()
    quiet = slice(470, 480)
    if forecast is har_variance:
        np.testing.assert_array_equal(before[quiet], after[quiet])
    assert not np.array_equal(before[400:405], after[400:405])


def test_har_and_garch_beat_ewma_where_garch_made_the_returns() -> None:
    returns = garch_returns(2500, 4, seed=8)
    realised = realised_variance(returns)
    rows = slice(1500, 2490)
    scores = {
        name: float(qlike(realised[rows], forecast[rows]).mean())
        for name, forecast in (
            ("ewma", ewma_variance(returns)),
            ("har", har_variance(returns, [1500])),
            ("garch", garch_variance(returns, [1500])),
        )
    }
    assert scores["garch"] < scores["har"] < scores["ewma"]


def test_garch_forecasts_the_mean_of_the_next_variances() -> None:
    returns = garch_returns(2000, seed=4)
    one, ten = garch_variance(returns, [1500], 1), garch_variance(returns, [1500], 10)
    long_run = float(np.mean(returns[:1500] ** 2))
    # the further ahead, the nearer to the long run
    spread = np.abs(np.log(one[1500:] / long_run)).mean()
    assert np.abs(np.log(ten[1500:] / long_run)).mean() < spread


def test_garch_skips_missing_returns_and_needs_a_year_of_them() -> None:
    returns = garch_returns(400)
    returns[350] = np.nan
    forecast = garch_variance(returns, [300])
    assert np.flatnonzero(np.isnan(forecast[300:, 0])).tolist() == [50]
    with pytest.raises(UnusableSeries, match="column 0 must have 250 returns before row 200"):
        garch_variance(returns, [200])


def test_refits_must_ascend() -> None:
    with pytest.raises(UnusableSeries, match="spans must ascend"):
        har_variance(garch_returns(700), [500, 400])


def test_the_design_s_benchmarks_come_out_on_the_twenty_stocks_with_a_target_of_ten_days() -> None:
    panel = load_stock_prices()
    returns = panel.closes[1:] / panel.closes[:-1] - 1.0
    dates = panel.dates[1:]
    refits = [int(np.searchsorted(dates, np.datetime64(f"{year}-01-01"))) for year in
              (2003, 2008, 2013, 2018)]  # fmt: skip
    realised = realised_variance(returns)[refits[0] :]
    ewma = qlike(realised, ewma_variance(returns)[refits[0] :])
    har = qlike(realised, har_variance(returns, refits)[refits[0] :])
    assert np.nanmean(ewma) == pytest.approx(0.401, abs=0.0005)
    assert np.nanmean(har) == pytest.approx(0.364, abs=0.001)
