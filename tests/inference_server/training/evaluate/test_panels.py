"""Daily series of several policies on one market."""

from dataclasses import replace

import numpy as np
import pytest

from inference_server.training.evaluate.panels import (
    DailySeries,
    Fold,
    build_panel,
    daily_series,
    year_folds,
)
from inference_server.training.evaluate.series import UnusableSeries
from tests.inference_server.training.evaluate.evaluations import strong_panel


def test_a_panel_is_built_from_arrays() -> None:
    days = np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]")
    panel = build_panel("two days", days, {"rl": (np.array([0.1, -0.1]), np.array([0.5, 0.0]))})
    assert panel.dates == ("2020-01-01", "2020-01-02")
    assert panel.policies["rl"] == DailySeries((0.1, -0.1), (0.5, 0.0))
    assert panel.returns("rl").tolist() == [0.1, -0.1]


def test_series_of_another_length_are_refused() -> None:
    panel = strong_panel()
    short = daily_series(np.zeros(10), np.zeros(10))
    with pytest.raises(UnusableSeries, match="rl must have 800 days in stocks, had 10"):
        replace(panel, policies={**panel.policies, "rl": short})


def test_a_gap_in_the_returns_is_refused() -> None:
    with pytest.raises(UnusableSeries, match="returns of rl must be finite"):
        build_panel("gap", ["2020-01-01", "2020-01-02"], {"rl": ([0.1, np.nan], [0.0, 0.0])})


def test_a_fold_is_cut_out_of_every_policy() -> None:
    panel = strong_panel()
    cut = panel.cut(panel.folds[1])
    assert cut.name == "fold 2"
    assert cut.dates == panel.dates[200:400]
    assert cut.policies["rl"].returns == panel.policies["rl"].returns[200:400]
    assert cut.folds == ()


def test_folds_of_years_meet_and_are_named_by_them() -> None:
    dates = [f"{year}-0{month}-01" for year in range(2003, 2011) for month in (1, 6)]
    assert year_folds(dates, (2003, 2007)) == (
        Fold("2003-2006", 0, 8),
        Fold("2007-2010", 8, 16),
    )


def test_a_fold_without_days_is_refused() -> None:
    with pytest.raises(UnusableSeries, match="spans must ascend"):
        year_folds(["2003-01-01", "2004-01-01"], (2003, 2020))
