"""Adaptive conformal scaling against a plain recursion and hand arithmetic (section 1, step 2).

The recursion is alpha <- alpha + gamma (0.1 - err), Gibbs and Candes (2021), section 2.
"""

import math

import numpy as np
import pytest

from app.core.books.records import RecordBook
from app.core.params import ConformalParams, RecordParams
from app.core.stages.conformal import conformal_quantile, conformal_scales, next_miscoverage
from tests.core.lessons import lesson

PARAMS = ConformalParams()


@pytest.mark.parametrize(
    ("count", "level", "rank"),
    [
        (20, 0.1, 19),  # ceil(21 0.9 = 18.9)
        (19, 0.1, 18),  # 20 0.9 is exactly 18
        (200, 0.1, 181),  # ceil(180.9)
        (99, 0.05, 95),  # 100 0.95 is exactly 95
        (20, 0.5, 11),  # ceil(10.5)
        (20, 1 / 21, 20),  # the largest
        (20, 0.001, 20),  # never beyond the largest
        (1, 0.5, 1),
        (5, 0.99, 1),
    ],
)
def test_the_quantile_is_the_finite_sample_rank(count: int, level: float, rank: int) -> None:
    residuals = [float((7 * step) % (count + 1)) for step in range(1, count + 1)]
    if len(set(residuals)) == count:
        assert conformal_quantile(residuals, level) == sorted(residuals)[rank - 1]
    ladder = [float(step) for step in range(count, 0, -1)]
    assert conformal_quantile(ladder, level) == float(rank)


@pytest.mark.parametrize(
    ("current", "missed", "count", "expected"),
    [
        (0.1, False, 100, 0.1005),
        (0.1, True, 100, 0.0955),
        (0.4999, False, 100, 0.5),
        (0.011, True, 100, 1 / 101),
        (0.01, True, 20, 1 / 21),
    ],
)
def test_the_miscoverage_steps_and_is_clipped(
    current: float,
    missed: bool,  # noqa: FBT001 - a case
    count: int,
    expected: float,
) -> None:
    stepped = next_miscoverage(current, missed=missed, count=count, params=PARAMS)
    assert stepped == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("quantile", "scale"),
    [
        (1.0, 1.0),
        (0.0, 1.0),
        (1.645, 1.0),
        (3.29, 0.25),
        (2.0, 0.676506),  # (1.645 / 2)^2 = 0.67650625
        (16.45, 0.01),
        (math.nan, 1.0),
        (math.inf, 0.0),
    ],
)
def test_the_scale_shrinks_as_the_square(quantile: float, scale: float) -> None:
    assert conformal_scales(np.array([quantile]), PARAMS) == pytest.approx([scale], abs=1e-6)


def test_a_whole_walk_is_the_plain_recursion() -> None:
    residuals = [abs(math.sin(1.7 * step)) * (1.0 + step / 200.0) for step in range(260)]
    book = RecordBook(PARAMS, RecordParams(), 3)
    seen: list[float] = []
    alpha, quantile, hits = 0.1, math.nan, 0
    for step, residual in enumerate(residuals):
        if not math.isnan(quantile):
            error = 1.0 if residual > quantile else 0.0
            hits += residual <= quantile
            alpha = min(max(alpha + 0.005 * (0.1 - error), 1.0 / (len(seen) + 1)), 0.5)
        seen = [*seen, residual][-200:]
        if len(seen) >= 20:
            exact = (len(seen) + 1) * (1.0 - alpha)
            rank = min(math.ceil(round(exact, 9)), len(seen))
            quantile = sorted(seen)[rank - 1]
        book.observe(lesson("a", residual * 0.02 + 0.01, 0.01, 0.02))
        record, _ = book.records()["a"]
        assert record.miscoverage == pytest.approx(alpha, rel=1e-12)
        if step >= 19:
            assert record.quantile == pytest.approx(quantile, rel=1e-9)
    assert book.coverage() == hits / 240
