"""Dates: read where they mean one day; order and dialect are named where they do not fit."""

from pathlib import Path

import pytest

from app.history.days import moment_of
from app.history.prices import PricesInvalid, read_price_csv


def refused(folder: Path, *days: str) -> str:
    path = folder / "prices.csv"
    path.write_text("Date,A\n" + "".join(f'"{day}",1\n' for day in days), encoding="utf-8")
    with pytest.raises(PricesInvalid) as caught:
        read_price_csv(path)
    return str(caught.value)


@pytest.mark.parametrize(
    "cell",
    [
        "2017-12-01",
        "2017/12/1",
        "2017.12.01",
        "20171201",
        "2017-12-01 16:00",
        "2017-12-01T16:00:00Z",
        "2017-12-01 00:00:00 UTC",
        "1512110400",
        "1512110400.0",
        "1512110400000",
        "1512110400000000",
        "1512110400000000000",
    ],
)
def test_a_cell_that_means_one_day_is_read(cell: str) -> None:
    moment = moment_of(cell)
    assert moment is not None
    assert str(moment.date()) == "2017-12-01"


@pytest.mark.parametrize("cell", ["", "0", "43831", "1512-11-04", "2020-13-01", "2020-01", "x"])
def test_a_cell_that_means_no_day_is_none(cell: str) -> None:
    assert moment_of(cell) is None


@pytest.mark.parametrize(
    ("cell", "part"),
    [
        ("31.12.2019", "it looks like day.month.year, write the year first"),
        ("12/31/2019", "month/day or day/month cannot be told apart, write the year first"),
        ("01-02-20", "month/day or day/month cannot be told apart"),
        ("43831", "it looks like a spreadsheet's day number"),
        ("Jan 2, 2020", "write year, month and day as numbers"),
        ("02-Jan-2020", "write year, month and day as numbers"),
    ],
)
def test_a_date_in_another_dialect_is_refused_with_its_name(
    tmp_path: Path, cell: str, part: str
) -> None:
    sentence = refused(tmp_path, cell)
    assert f"line 2, column 1: must be a date like 2020-03-16, was '{cell}': " in sentence
    assert part in sentence


def test_rows_that_run_newest_first_are_named_as_such(tmp_path: Path) -> None:
    assert refused(tmp_path, "2020-01-03", "2020-01-02", "2020-01-01") == (
        "prices.csv line 3, column 1: must be after 2020-01-03, was 2020-01-02: the rows run "
        "newest first, sort them by date, oldest first"
    )


def test_rows_without_order_are_not_called_newest_first(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "2020-01-01", "2020-01-03", "2020-01-02", "2020-01-04")
    assert "the rows are not in the order of their dates, sort them" in sentence
    assert "newest" not in sentence


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("2017-04-19 09:00:00", "2017-04-19 10:00:00"),
        ("1492592400", "1492596000"),
        ("2017-04-19T09:00:00Z", "2017-04-19T10:00:00Z"),
    ],
)
def test_more_than_one_row_a_day_is_named_as_such(tmp_path: Path, first: str, second: str) -> None:
    assert refused(tmp_path, first, second) == (
        "prices.csv line 3, column 1: must be after 2017-04-19, was 2017-04-19: the file has more "
        "than one row a day, and a backtest takes daily closes: keep the last row of each day, "
        "oldest day first"
    )


def test_hours_newest_first_are_both(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "2017-04-19 10:00", "2017-04-19 09:00", "2017-04-18 23:00")
    assert "more than one row a day, newest first" in sentence


def test_a_day_that_stands_twice_is_named_as_such(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "2020-01-01", "2020-01-02", "2020-01-02")
    assert sentence.endswith(
        "line 4, column 1: must be after 2020-01-02, was 2020-01-02: the day "
        "stands twice, keep one row a day"
    )
