"""Intervals hold what they promise, with factors from the past."""

import numpy as np
import pytest

from inference_server.training.evaluate.intervals import interval_factor, walk_coverage
from inference_server.training.evaluate.series import UnusableSeries

FOLDS = ((500, 1000), (1000, 2000))


def test_the_factor_is_the_smallest_that_covers_one_more_than_the_past() -> None:
    # of 9 values the 8th: (9 + 1) 0.8
    assert interval_factor(np.arange(1.0, 10.0), 0.8) == 8.0
    assert interval_factor(np.array([[3.0, np.nan], [1.0, 2.0], [np.nan, 4.0]]), 0.6) == 3.0


def test_the_factor_of_normal_returns_is_the_normal_quantile() -> None:
    scaled = np.abs(np.random.default_rng(1).standard_normal(200_000))
    assert interval_factor(scaled, 0.8) == pytest.approx(1.2816, abs=0.01)


def test_stationary_returns_are_covered_as_promised_whatever_their_tails() -> None:
    scaled = np.abs(np.random.default_rng(2).standard_t(3, (2000, 20)))
    assert walk_coverage(scaled, FOLDS) == pytest.approx((0.8, 0.8), abs=0.02)


def test_a_forecast_that_turns_too_small_covers_less() -> None:
    scaled = np.abs(np.random.default_rng(3).standard_normal((2000, 5)))
    scaled[1000:] *= 2.0
    first, second = walk_coverage(scaled, FOLDS)
    assert first == pytest.approx(0.8, abs=0.03)
    assert second == pytest.approx(0.478, abs=0.03)


def test_the_rows_before_a_fold_whose_returns_end_inside_it_are_purged() -> None:
    scaled = np.abs(np.random.default_rng(4).standard_normal((1000, 2)))
    wild = scaled.copy()
    wild[490:500] = 100.0
    assert walk_coverage(wild, [(500, 1000)]) == walk_coverage(scaled, [(500, 1000)])
    assert walk_coverage(wild, [(500, 1000)], purge=0) != walk_coverage(scaled, [(500, 1000)])


def test_too_little_past_is_refused() -> None:
    with pytest.raises(UnusableSeries, match="3 values are too few for an interval of 80%"):
        interval_factor(np.array([1.0, 2.0, 3.0]), 0.8)
    with pytest.raises(UnusableSeries, match="too few"):
        walk_coverage(np.ones((100, 2)), [(5, 50)])
