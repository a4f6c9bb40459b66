"""A sentence for each fault of a panel."""

import numpy as np

from app.history.prices import PricePanel
from app.history.quality import measure_quality
from app.history.quality_warnings import is_clean, quality_warnings
from tests.history.panels import random_walk

WALK = random_walk(420, 2)


def warnings_of(closes: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> list[str]:
    return quality_warnings(measure_quality(PricePanel(WALK.dates, WALK.symbols, closes)))


def test_jumps_are_listed_up_to_three() -> None:
    closes = WALK.closes.copy()
    for row in (100, 150, 200, 250, 300):
        closes[row:, 0] *= 10.0
    (line,) = warnings_of(closes)
    assert line.startswith("S00: the close jumps and stays, x")
    assert line.count(" on 2018-") == 3
    assert line.endswith(" and 2 more: a split not adjusted for, or a real move")


def test_a_bad_tick_is_named_with_day_and_factor() -> None:
    closes = WALK.closes.copy()
    closes[99, 0] = 100.0 * closes[98, 0]
    assert warnings_of(closes) == [
        "S00: the close jumps and comes back, x100 on 2018-04-10: a bad tick, or a real move"
    ]


def test_a_column_that_ends_early_says_what_its_position_is_worth() -> None:
    closes = WALK.closes.copy()
    closes[400:, 1] = np.nan
    assert warnings_of(closes) == [
        (
            "S01: no close on the last 20 days of 420, the last is of 2019-02-04: what is held is "
            "valued at it to the end"
        )
    ]


def test_a_column_that_begins_late_and_one_with_holes_say_so() -> None:
    closes = WALK.closes.copy()
    closes[:30, 0] = np.nan
    closes[100:103, 1] = np.nan
    assert warnings_of(closes) == [
        "S01: no close on 3 days between its first and its last, in 1 hole, the longest of 3 days",
        "S00: no close on the first 30 days of 420, the first is of 2018-01-31",
    ]


def test_a_flat_run_counts_from_ten_on_and_says_if_it_lasts_to_the_end() -> None:
    closes = WALK.closes.copy()
    closes[100:110, 0] = closes[100, 0]
    assert warnings_of(closes) == []
    closes[-11:, 0] = closes[-11, 0]
    assert warnings_of(closes) == [
        (
            "S00: the close did not change 10 times in a row, 2019-02-14 to 2019-02-24, its last "
            "day: stale prices look like no risk"
        )
    ]


def test_an_empty_column_is_said_to_be_left_out() -> None:
    closes = WALK.closes.copy()
    closes[:, 1] = np.nan
    assert warnings_of(closes) == ["S01: the column is empty and was left out"]


def test_missing_rows_are_said_once_with_their_longest_gap() -> None:
    kept = np.delete(np.arange(420), [*range(50, 60), 300])
    panel = PricePanel(WALK.dates[kept], WALK.symbols, WALK.closes[kept])
    assert quality_warnings(measure_quality(panel)) == [
        (
            "no row between 2018-02-19 and 2018-03-02, 11 days, and 1 more gap: the figures "
            "count the move over a gap as one day's"
        )
    ]


def test_a_column_with_a_sentence_is_not_clean() -> None:
    closes = WALK.closes.copy()
    closes[400:, 1] = np.nan
    quality = measure_quality(PricePanel(WALK.dates, WALK.symbols, closes))
    assert [is_clean(each, quality) for each in quality.symbols] == [True, False]
