"""Charts keep every spike and stay inside their frame."""

import re
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.backtest.chart import BUCKETS, HEIGHT, WIDTH, Chart, Line, draw_chart, thinned
from app.core.types import FloatArray

DATES = np.datetime64("2001-03-05") + np.arange(4000)


def chart_of(values: FloatArray, *, log: bool = False) -> Chart:
    dates = DATES[: len(values)]
    return Chart("A chart", dates, [Line("one", "kelly", values)], "{:.2f}".format, log)


def points_of(html: str) -> list[list[tuple[float, float]]]:
    return [
        [(float(x), float(y)) for x, _, y in (pair.partition(",") for pair in points.split())]
        for points in re.findall(r'<polyline [^>]*points="([^"]*)"', html)
    ]


@given(arrays(np.float64, st.integers(1, 3000), elements=st.floats(-1e6, 1e6)))
def test_thinning_keeps_both_ends_and_both_extremes(values: FloatArray) -> None:
    kept = thinned(values)
    assert len(kept) <= 2 * BUCKETS + 2
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert kept[-1] == len(values) - 1
    assert values[kept].max() == values.max()
    assert values[kept].min() == values.min()


@given(
    values=arrays(np.float64, st.integers(2, 60), elements=st.floats(0.01, 1e6)),
    log=st.booleans(),
)
def test_every_point_lies_inside_the_frame_from_left_to_right(
    values: FloatArray, *, log: bool
) -> None:
    (points,) = points_of(draw_chart(chart_of(values, log=log)))
    assert all(0.0 <= x <= WIDTH and 0.0 <= y <= HEIGHT for x, y in points)
    assert all(before[0] <= after[0] for before, after in pairwise(points))


def test_higher_values_stand_higher() -> None:
    (points,) = points_of(draw_chart(chart_of(np.array([1.0, 3.0, 2.0]))))
    heights = [y for _, y in points]
    assert heights[1] < heights[2] < heights[0]


def test_equal_ratios_are_equal_heights_on_a_logarithmic_scale() -> None:
    (points,) = points_of(draw_chart(chart_of(np.array([10.0, 100.0, 1000.0]), log=True)))
    heights = [y for _, y in points]
    assert abs((heights[0] - heights[1]) - (heights[1] - heights[2])) < 0.2


def test_a_gap_breaks_the_line() -> None:
    values = np.array([1.0, 2.0, np.nan, 2.0, 1.0, 3.0])
    lines = points_of(draw_chart(chart_of(values)))
    assert [len(points) for points in lines] == [2, 3]


def test_a_curve_that_never_moves_and_one_without_values_are_drawn() -> None:
    assert points_of(draw_chart(chart_of(np.ones(5)))) != []
    assert points_of(draw_chart(chart_of(np.full(5, np.nan)))) == []


def test_years_name_the_horizontal_axis_in_order() -> None:
    html = draw_chart(chart_of(np.arange(4000.0)))
    years = [int(year) for year in re.findall(r">(20\d\d)</text>", html)]
    assert years == sorted(years)
    assert 5 <= len(years) <= 10
    months = re.findall(r">(2001-\d\d)</text>", draw_chart(chart_of(np.arange(200.0))))
    assert months[0] == "2001-04"


def test_words_from_outside_are_escaped() -> None:
    html = draw_chart(Chart("<x>", DATES[:2], [Line("a&b", "kelly", np.ones(2))], str))
    assert "<x>" not in html
    assert "a&amp;b" in html
