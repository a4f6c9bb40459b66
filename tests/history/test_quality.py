"""What a panel holds besides prices."""

import numpy as np
import pytest

from app.history.prices import PricePanel, PricesInvalid, load_stock_prices
from app.history.quality import FlatRun, SymbolQuality, measure_quality, without_empty
from app.history.quality_warnings import quality_warnings
from tests.history.panels import random_walk

WALK = random_walk(420, 3)


def changed(rows: slice | int, factor: float) -> PricePanel:
    """Return the walk with some closes of its second symbol multiplied."""
    closes = WALK.closes.copy()
    closes[rows, 1] *= factor
    return PricePanel(WALK.dates, WALK.symbols, closes)


def second(panel: PricePanel) -> SymbolQuality:
    return measure_quality(panel).symbols[1]


def test_a_walk_without_faults_has_no_warning() -> None:
    quality = measure_quality(WALK)
    assert quality_warnings(quality) == []
    assert [each.symbol for each in quality.symbols] == ["S00", "S01", "S02"]
    one = quality.symbols[1]
    assert (one.first, one.last) == ("2018-01-01", "2019-02-24")
    assert (one.missing_share, one.holes, one.splits, one.bad_ticks) == (0.0, 0, (), ())


# 3:2 and both ways of 2:1, 4:1, 10:1
@pytest.mark.parametrize("factor", [2 / 3, 0.5, 0.25, 0.1, 2.0, 4.0, 10.0])
def test_a_split_that_was_not_adjusted_for_is_a_jump_that_stays(factor: float) -> None:
    one = second(changed(slice(330, None), factor))
    move = WALK.closes[330, 1] / WALK.closes[329, 1]
    (jump,) = one.splits
    assert jump.day == "2018-11-27"
    assert jump.ratio == pytest.approx(factor * move)
    assert one.bad_ticks == ()


@pytest.mark.parametrize("factor", [100.0, 10.0, 1.5, 0.5, 0.01])
@pytest.mark.parametrize("lasts", [1, 2, 3])
def test_a_bad_tick_is_a_jump_that_comes_back(factor: float, lasts: int) -> None:
    one = second(changed(slice(200, 200 + lasts), factor))
    assert [tick.day for tick in one.bad_ticks] == ["2018-07-20"]
    assert one.splits == ()


def test_a_jump_on_the_last_day_is_one_that_stays() -> None:
    one = second(changed(419, 100.0))
    assert [jump.day for jump in one.splits] == ["2019-02-24"]


def test_a_jump_over_a_hole_counts() -> None:
    panel = changed(slice(330, None), 0.1)
    panel.closes[320:330, 1] = np.nan
    assert [jump.day for jump in second(panel).splits] == ["2018-11-27"]


def test_a_calm_move_is_no_jump_and_a_far_move_of_a_wild_symbol_is_none_below_doubling() -> None:
    rng = np.random.default_rng(3)
    wild = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.1, size=(420, 1)), axis=0))
    wild[300:] *= 1.4
    panel = PricePanel(WALK.dates, ("W",), wild)
    assert measure_quality(panel).symbols[0].splits == ()


def test_holes_are_counted_between_the_first_close_and_the_last() -> None:
    panel = changed(0, 1.0)
    panel.closes[:30, 1] = np.nan
    panel.closes[100:105, 1] = np.nan
    panel.closes[200, 1] = np.nan
    panel.closes[400:, 1] = np.nan
    one = second(panel)
    assert (one.holes, one.missing_between, one.longest_hole) == (2, 6, 5)
    assert (one.missing_before, one.missing_after) == (30, 20)
    assert one.missing_share == pytest.approx(56 / 420)
    assert (one.first, one.last) == ("2018-01-31", "2019-02-04")


def test_the_longest_run_of_equal_closes_has_its_days() -> None:
    panel = changed(0, 1.0)
    panel.closes[100:104, 1] = 50.0
    panel.closes[200:241, 1] = 60.0
    assert second(panel).flat == FlatRun(40, "2018-07-20", "2018-08-29")
    assert second(WALK).flat is None


def test_an_empty_column_is_no_instrument() -> None:
    panel = changed(slice(None), np.nan)
    quality = measure_quality(panel)
    assert quality.empty == ("S01",)
    kept = without_empty(panel)
    assert kept.symbols == ("S00", "S02")
    np.testing.assert_array_equal(kept.closes, WALK.closes[:, [0, 2]])


def test_a_panel_of_empty_columns_is_refused() -> None:
    closes = np.full((3, 2), np.nan)
    with pytest.raises(PricesInvalid, match="no column has a price: A, B are empty"):
        without_empty(PricePanel(WALK.dates[:3], ("A", "B"), closes))


def gaps_of(rows: list[int], *, business: bool = False) -> list[int]:
    dates = WALK.dates[np.is_busday(WALK.dates)] if business else WALK.dates
    kept = np.delete(dates, rows)
    panel = PricePanel(kept, ("A",), np.arange(1.0, len(kept) + 1)[:, np.newaxis])
    return [gap.days for gap in measure_quality(panel).gaps]


def test_missing_rows_are_a_gap_beyond_a_weekend_and_holidays() -> None:
    assert gaps_of([]) == []
    assert gaps_of([], business=True) == []
    assert gaps_of([50]) == [2]
    # two days beside a weekend, and from a Friday to the third Monday
    assert gaps_of([50, 51], business=True) == []
    assert gaps_of(list(range(50, 60)), business=True) == [17]


def test_the_largest_move_of_a_float_is_a_jump() -> None:
    closes = np.array([[1e-300], [1e300], [1e300], [1e300]])
    (jump,) = measure_quality(PricePanel(WALK.dates[:4], ("A",), closes)).symbols[0].splits
    assert jump.ratio > 1e300


def test_one_day_alone_is_measured() -> None:
    quality = measure_quality(PricePanel(WALK.dates[:1], ("A",), np.array([[5.0]])))
    assert quality.gaps == ()
    assert quality.symbols[0].first == quality.symbols[0].last == "2018-01-01"


def test_the_shipped_panel_has_three_warnings_each_true() -> None:
    # Apple's fall of 2000-09-29 is real; Range's prices of early 1990 are stale, then a third
    assert quality_warnings(measure_quality(load_stock_prices())) == [
        (
            "AAPL: the close jumps and stays, x0.482 on 2000-09-29: a split not adjusted for, or a "
            "real move"
        ),
        (
            "RRC: the close jumps and stays, x0.333 on 1990-04-10: a split not adjusted for, "
            "or a real move"
        ),
        (
            "RRC: the close did not change 68 times in a row, 1990-01-02 to 1990-04-09: "
            "stale prices look like no risk"
        ),
    ]
