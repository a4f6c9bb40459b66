"""Nothing missing enters a statistic."""

import numpy as np
import pytest

from inference_server.training.evaluate.series import (
    UnusableSeries,
    require_finite,
    require_paired,
    require_returns,
    require_spans,
)


def test_a_gap_is_named_by_its_place() -> None:
    with pytest.raises(UnusableSeries, match="returns must be finite, was nan at 1"):
        require_finite("returns", [0.1, float("nan"), 0.2])


@pytest.mark.parametrize("values", [[], [0.1], [[0.1, 0.2]], 0.1])
def test_a_series_that_is_too_short_or_not_one_dimensional_is_refused(values: object) -> None:
    with pytest.raises(UnusableSeries, match=r"must have shape \(n,\), n >= 2"):
        require_finite("returns", np.asarray(values, dtype=np.float64))


def test_a_loss_of_everything_cannot_be_compounded() -> None:
    with pytest.raises(UnusableSeries, match=r"returns must be > -1, was -1\.0 at 2"):
        require_returns("returns", [0.1, -0.5, -1.0])


def test_pairs_have_the_same_days() -> None:
    with pytest.raises(UnusableSeries, match="reference must have as many days as policy, 3"):
        require_paired(("policy", "reference"), [0.1, 0.2, 0.3], [0.1, 0.2])


@pytest.mark.parametrize("spans", [[(0, 0)], [(2, 1)], [(0, 3), (2, 4)], [(-1, 2)], [(0, 9)]])
def test_spans_ascend_within_the_rows(spans: list[tuple[int, int]]) -> None:
    with pytest.raises(UnusableSeries, match="spans must ascend without overlap within 5 rows"):
        require_spans(spans, 5)
