"""Hours into days."""

import numpy as np
import pytest

from inference_server.training.data.panels import Panel
from inference_server.training.data.resample import resample_daily


def hourly(start: str, count: int) -> Panel:
    dates = np.datetime64(start, "s") + np.arange(count) * np.timedelta64(3600, "s")
    closes = np.arange(1.0, count + 1)[:, np.newaxis]
    return Panel("coin_hourly", ("A",), dates, closes, 3600, dated=True)


def test_a_day_closes_with_its_last_hour() -> None:
    daily = resample_daily(hourly("2020-01-01T00:00", 72))
    assert (daily.name, daily.interval_sec, daily.dated) == ("coin_daily", 86_400, True)
    assert [str(day) for day in daily.dates] == [f"2020-01-0{day}T00:00:00" for day in (1, 2, 3)]
    np.testing.assert_array_equal(daily.closes[:, 0], [24, 48, 72])


def test_a_day_with_less_than_half_its_hours_falls_away() -> None:
    daily = resample_daily(hourly("2020-01-01T12:00", 12 + 24 + 11))
    np.testing.assert_array_equal(daily.closes[:, 0], [12, 36])


def test_daily_bars_are_refused() -> None:
    daily = resample_daily(hourly("2020-01-01T00:00", 24))
    with pytest.raises(ValueError, match="interval of coin_daily must be < 86400 s, was 86400"):
        resample_daily(daily)
