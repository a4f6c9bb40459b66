"""What a panel holds, in figures."""

import numpy as np
import pytest

from inference_server.training.data.panels import Panel
from inference_server.training.data.quality import format_table, measure


def daily(*columns: list[float]) -> Panel:
    closes = np.array(columns).T
    dates = np.arange("2020-01-01", len(closes), dtype="datetime64[D]").astype("datetime64[s]")
    symbols = tuple(f"S{k}" for k in range(len(columns)))
    return Panel("made_up", symbols, dates, closes, 86_400, dated=True)


def test_a_price_that_doubles_or_halves_is_a_jump() -> None:
    assert measure(daily([10, 20, 19, 9.5, 5])).jumps == 2
    assert measure(daily([10, 19.9, 10, 5.1])).jumps == 0


def test_a_jump_over_a_missing_bar_counts() -> None:
    assert measure(daily([10, np.nan, 20, 20])).jumps == 1


def test_the_longest_run_without_movement_is_counted_in_returns() -> None:
    assert measure(daily([1, 1, 2, 2, 2, 2, 3])).longest_flat == 3
    assert measure(daily([1, 2, 3, 4])).longest_flat == 0


def test_volatility_is_annual_by_the_panels_own_calendar() -> None:
    signs = np.tile([1.0, -1.0], 200)
    closes = np.exp(np.cumsum(0.01 * signs))
    # daily returns of +-1 % on 365.25 days a year, sample standard deviation
    expected = np.std(0.01 * signs[1:], ddof=1) * np.sqrt(365.25)
    assert measure(daily(closes.tolist())).volatility == pytest.approx(expected)


def test_range_gap_and_missing_share_are_those_of_the_panel() -> None:
    panel = daily([1, 2, np.nan, 3], [1, 2, 3, 4])
    quality = measure(panel)
    assert (quality.symbols, quality.bars) == (2, 4)
    assert (quality.first, quality.last) == ("2020-01-01", "2020-01-04")
    assert quality.missing == 1 / 8
    assert quality.longest_gap_days == 1


def test_an_instrument_with_one_price_has_no_volatility() -> None:
    assert np.isnan(measure(daily([1, np.nan, np.nan])).volatility)


def test_the_table_has_a_line_a_panel_and_is_plain_text() -> None:
    head, row = format_table([daily([1, 2, 3, 4.5])], ["prices 1.0"]).splitlines()
    assert head.split() == [
        *("panel", "symbols", "bars", "first", "last", "missing"),
        *("vol", "jumps", "flat", "gap", "dated", "from"),
    ]
    assert row.split()[:6] == ["made_up", "1", "4", "2020-01-01", "2020-01-04", "0.0%"]
    assert row.endswith("1d    yes  prices 1.0")
    assert (head + row).isascii()
