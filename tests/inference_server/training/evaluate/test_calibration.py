"""A hit probability means what it says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.training.evaluate.calibration import (
    ReliabilityBin,
    brier_score,
    calibration_error,
    reliability_table,
    summarise_hits,
)
from inference_server.training.evaluate.series import UnusableSeries

# 20 forecasts: 0.25 comes true in 1 of 4, 0.75 in 3 of 4, ten times and ten times nearly
CALIBRATED = np.repeat([0.25, 0.75], 40)
OUTCOMES = np.concatenate([np.tile([1, 0, 0, 0], 10), np.tile([1, 1, 1, 0], 10)])


def test_a_forecast_that_comes_true_as_often_as_it_says_has_no_calibration_error() -> None:
    figures = summarise_hits(CALIBRATED, OUTCOMES)
    assert figures.ece == 0.0
    assert figures.ece_width == 0.0
    assert figures.table == (ReliabilityBin(0.25, 0.25, 40), ReliabilityBin(0.75, 0.75, 40))


def test_brier_and_skill_are_counted_by_hand() -> None:
    figures = summarise_hits(CALIBRATED, OUTCOMES)
    # p (1 - p) = 0.1875 in both groups; the base rate is one half
    assert figures.brier == pytest.approx(0.1875)
    assert figures.brier_base == pytest.approx(0.25)
    assert figures.skill == pytest.approx(0.25)
    assert figures.base_rate == 0.5


def test_always_saying_the_base_rate_has_no_skill_and_no_error() -> None:
    figures = summarise_hits(np.full(80, 0.5), OUTCOMES)
    assert figures.skill == 0.0
    assert figures.ece == 0.0
    assert len(figures.table) == 1


def test_the_calibration_error_weighs_bins_by_their_count() -> None:
    table = (ReliabilityBin(0.4, 0.5, 30), ReliabilityBin(0.6, 0.2, 10))
    assert calibration_error(table) == pytest.approx((30 * 0.1 + 10 * 0.4) / 40)


def test_an_overconfident_forecast_errs_by_its_overconfidence() -> None:
    truth = np.random.default_rng(1).uniform(0.3, 0.7, 100_000)
    hits = np.random.default_rng(2).random(100_000) < truth
    bold = 0.5 + 1.5 * (truth - 0.5)
    # |bold - truth| = 0.5 |truth - 0.5|, whose mean is 0.05
    assert summarise_hits(bold, hits).ece == pytest.approx(0.05, abs=0.005)
    assert summarise_hits(truth, hits).ece < 0.006


def test_bins_of_equal_mass_hold_equal_counts() -> None:
    forecast = np.random.default_rng(3).beta(2.0, 5.0, 1000)
    table = reliability_table(forecast, forecast > 0.3)
    assert [each.count for each in table] == [100] * 10
    assert [each.predicted for each in table] == sorted(each.predicted for each in table)


def test_bins_of_equal_width_hold_what_lies_there() -> None:
    table = reliability_table([0.05, 0.15, 0.17, 1.0], [0, 0, 1, 1], equal_mass=False)
    assert [each.count for each in table] == [1, 2, 1]
    assert table[1].predicted == pytest.approx(0.16)
    assert table[1].observed == 0.5


@given(
    pairs=st.lists(
        st.tuples(st.sampled_from([0.0, 0.2, 0.5, 0.51, 1.0]), st.booleans()), min_size=1
    ),
    equal_mass=st.booleans(),
)
def test_every_forecast_is_in_one_bin_and_equal_forecasts_in_the_same(
    pairs: list[tuple[float, bool]], *, equal_mass: bool
) -> None:
    forecast = np.array([said for said, _ in pairs])
    hit = np.array([came for _, came in pairs])
    table = reliability_table(forecast, hit, equal_mass=equal_mass)
    assert sum(each.count for each in table) == len(pairs)
    assert sum(each.count * each.predicted for each in table) == pytest.approx(forecast.sum())
    assert sum(each.count * each.observed for each in table) == pytest.approx(hit.sum())
    # equal forecasts in one bin: no more bins than forecasts that differ
    assert len(table) <= len(set(forecast.tolist()))


def test_brier_of_certainty_is_zero_when_right_and_one_when_wrong() -> None:
    assert brier_score([1.0, 0.0], [1, 0]) == 0.0
    assert brier_score([1.0, 0.0], [0, 1]) == 1.0


@pytest.mark.parametrize(
    ("forecast", "hit", "message"),
    [
        ([0.5, 1.5], [0, 1], r"probability must be in \[0, 1\], was 1\.5"),
        ([-0.5, 0.5], [0, 1], r"probability must be in \[0, 1\], was -0\.5"),
        ([0.5, np.nan], [0, 1], "probability must be finite"),
        ([0.5, 0.5], [0.0, 0.5], "hit must be 0 or 1"),
        ([0.5, 0.5], [1], "hit must have 2 values, had 1"),
    ],
)
def test_what_is_no_forecast_or_no_outcome_is_refused(
    forecast: list[float], hit: list[float], message: str
) -> None:
    with pytest.raises(UnusableSeries, match=message):
        reliability_table(forecast, hit)


def test_outcomes_that_are_all_the_same_cannot_show_skill() -> None:
    with pytest.raises(UnusableSeries, match="hits must hold both outcomes, were all 1"):
        summarise_hits([0.5, 0.6], [1, 1])
