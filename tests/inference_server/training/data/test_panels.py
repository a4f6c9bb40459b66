"""Files joined into panels."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference_server.training.data.errors import TableInvalid
from inference_server.training.data.fetch import cached_path
from inference_server.training.data.packages import Package
from inference_server.training.data.panels import Panel, read_panel, spread_days
from inference_server.training.data.sources import Calendar, Column, DataFile, Repair, Source

PACKAGE = Package("prices", "1.0", "0" * 64, "MIT")
ONE = DataFile(PACKAGE, "one.csv", "0" * 64, (Column("Close", "A"),))
TWO = DataFile(PACKAGE, "two.csv", "0" * 64, (Column("Close", "B"),))
WEALTH = DataFile(PACKAGE, "wealth.csv", "0" * 64, date_format=None)
WEEK = Calendar(date(2021, 1, 1), date(2021, 1, 8))


def read(folder: Path, source: Source, *texts: str) -> Panel:
    for file, text in zip(source.files, texts, strict=True):
        path = cached_path(file, folder)
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return read_panel(source, folder)


def test_files_are_joined_on_their_times_and_gaps_are_nan(tmp_path: Path) -> None:
    source = Source("both", "Two files.", (ONE, TWO))
    one = "Date,Close\n2020-01-01,1\n2020-01-03,3\n"
    two = "Date,Close\n2020-01-02,20\n2020-01-03,30\n"
    panel = read(tmp_path, source, one, two)
    assert panel.symbols == ("A", "B")
    assert (panel.name, panel.dated, panel.interval_sec) == ("both", True, 86_400)
    np.testing.assert_array_equal(panel.closes, [[1, np.nan], [np.nan, 20], [3, 30]])
    assert [str(day)[:10] for day in panel.dates] == ["2020-01-01", "2020-01-02", "2020-01-03"]


def test_a_bar_without_any_price_falls_away(tmp_path: Path) -> None:
    panel = read(
        tmp_path, Source("one", "", (ONE,)), "Date,Close\n2020-01-01,1\n2020-01-02,\n2020-01-03,3\n"
    )
    np.testing.assert_array_equal(panel.closes, [[1], [3]])


def test_a_symbol_in_two_files_is_refused(tmp_path: Path) -> None:
    source = Source("twice", "", (ONE, replace(TWO, columns=ONE.columns)))
    text = "Date,Close\n2020-01-01,1\n"
    with pytest.raises(TableInvalid, match="twice: each symbol must stand once, had A, A"):
        read(tmp_path, source, text, text)


def test_wealth_without_times_begins_at_the_unit_it_grew_from(tmp_path: Path) -> None:
    source = Source("ny_se", "", (WEALTH,), calendar=WEEK)
    panel = read(tmp_path, source, "A,\n1.1,0.5\n1.2,0.4\n1.3,0.3\n")
    assert panel.symbols == ("NYSE01", "NYSE02")
    np.testing.assert_array_equal(panel.closes, [[1, 1], [1.1, 0.5], [1.2, 0.4], [1.3, 0.3]])
    assert not panel.dated
    assert str(panel.dates[0])[:10] == "2021-01-01"
    assert str(panel.dates[-1])[:10] == "2021-01-08"


def test_repairs_of_the_source_are_applied(tmp_path: Path) -> None:
    repair = Repair("blank", "A", 1, 1, "a misprint")
    source = Source("one", "", (ONE,), repairs=(repair,))
    panel = read(tmp_path, source, "Date,Close\n2020-01-01,1\n2020-01-02,9\n2020-01-03,3\n")
    np.testing.assert_array_equal(panel.closes, [[1], [np.nan], [3]])


@given(
    st.dates(date(1960, 1, 1), date(2010, 1, 1)),
    st.integers(7, 3000),
    st.floats(0, 1),
)
def test_spread_days_are_ascending_business_days_over_the_whole_range(
    first: date, days: int, share: float
) -> None:
    calendar = Calendar(first, date.fromordinal(first.toordinal() + days))
    every = np.arange(np.datetime64(calendar.first), np.datetime64(calendar.last) + 1)
    business = every[np.is_busday(every)]
    count = max(2, round(share * len(business)))
    spread = spread_days(calendar, count)
    assert len(spread) == count
    assert (np.diff(spread) > np.timedelta64(0, "s")).all()
    assert np.is_busday(spread.astype("datetime64[D]")).all()
    assert (spread[0], spread[-1]) == (business[0], business[-1])


def test_more_bars_than_business_days_are_refused() -> None:
    with pytest.raises(TableInvalid, match="must have 7 business days, had 6"):
        spread_days(WEEK, 7)
