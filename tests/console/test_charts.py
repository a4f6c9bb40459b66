"""Shapes of the charts lie where the numbers are."""

import pytest

from app.console.charts import (
    lay_out_curves,
    lay_out_interval,
    lay_out_waterfall,
    percent_of,
    sparkline_points,
)
from app.console.figures import (
    basis_points,
    change,
    fraction,
    machine_time,
    milliseconds,
    moment,
    seconds,
    usd,
)

NBSP = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"


def test_each_step_of_a_waterfall_starts_where_the_last_ended() -> None:
    fall = lay_out_waterfall([100.0, 100.0, 120.0, 60.0, 60.0, 40.0, 50.0, 50.0])

    assert [step.kind for step in fall.steps] == [
        "whole",
        "same",
        "grew",
        "shrank",
        "same",
        "shrank",
        "grew",
        "whole",
    ]
    grew, shrank, last = fall.steps[2], fall.steps[3], fall.steps[7]
    assert (grew.x, grew.x + grew.width) == pytest.approx((100 / 1.2, 100.0), abs=1e-2)
    assert (shrank.x, shrank.x + shrank.width) == pytest.approx((50.0, 100.0), abs=1e-2)
    assert (last.x, last.width) == pytest.approx((0.0, 50 / 1.2), abs=1e-2)
    assert sum(step.change for step in fall.steps[1:]) == pytest.approx(-50.0)


def test_a_short_hangs_from_zero_at_the_right() -> None:
    fall = lay_out_waterfall([-100.0, -100.0, -100.0, -100.0, -100.0, 0.0, 0.0, 0.0])

    assert fall.zero == 100.0
    assert (fall.steps[0].x, fall.steps[0].width) == (0.0, 100.0)
    assert fall.steps[5].kind == "shrank"


def test_nothing_at_all_is_drawn_without_dividing_by_zero() -> None:
    assert all(step.width == pytest.approx(0.4) for step in lay_out_waterfall([0.0] * 8).steps)
    assert sparkline_points([0.0]) == "0.00,100.00"
    assert percent_of(1.0, 0.0) == 0.0


def test_both_lines_compound_and_share_one_scale() -> None:
    drawn = lay_out_curves([(0.10, 0.05), (-0.10, 0.0)])

    assert drawn.policy_end == pytest.approx(1.1 * 0.9 - 1.0)
    assert drawn.baseline_end == pytest.approx(0.05)
    points = [tuple(map(float, point.split(","))) for point in drawn.policy.split()]
    assert [x for x, _ in points] == [0.0, 50.0, 100.0]
    span = drawn.high - drawn.low
    assert points[1][1] == pytest.approx(100.0 * (drawn.high - 0.10) / span, abs=0.01)


def test_long_lines_are_thinned_and_keep_their_end() -> None:
    drawn = lay_out_curves([(0.001, 0.0)] * 5000)

    assert len(drawn.policy.split()) == 300
    assert drawn.policy.split()[-1].startswith("100.00,")
    assert drawn.policy_end == pytest.approx(1.001**5000 - 1.0)


def test_an_interval_holds_its_mean_and_zero_in_order() -> None:
    laid = lay_out_interval(-0.2, 0.1, 0.4)

    assert 0.0 < laid.low < laid.zero < laid.mean < laid.high < 100.0
    away = lay_out_interval(0.2, 0.3, 0.4)
    assert 0.0 < away.zero < away.low


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (usd(1234567.8), "1,234,568"),
        (usd(-12.345), f"{MINUS}12.35"),
        (usd(0.0), "0"),
        (usd(-0.0), "0"),
        (usd(None), "\N{EN DASH}"),
        (usd(float("nan")), "\N{EN DASH}"),
        (change(5.0), "+5.00"),
        (change(-1500.2), f"{MINUS}1,500"),
        (change(0.0), "0"),
        (change(None), "\N{EN DASH}"),
        (fraction(0.1234), f"12.3{NBSP}%"),
        (fraction(-0.00001), f"0.0{NBSP}%"),
        (basis_points(-0.00012), f"{MINUS}1.20{NBSP}bp"),
        (milliseconds(3.14159), f"3.14{NBSP}ms"),
        (milliseconds(1234.5), f"1,234{NBSP}ms"),
        (seconds(22.1), f"23{NBSP}s"),
        (seconds(125), f"2{NBSP}min 5{NBSP}s"),
        (seconds(7260), f"2{NBSP}h 1{NBSP}min"),
        (moment(1_735_226_000_000_000_000), "2024-12-26 15:13:20"),
        (machine_time(2**63 - 1), "2262-04-11T23:47:16Z"),
    ],
)
def test_a_number_reads_as_people_write_it(text: str, expected: str) -> None:
    assert text == expected
