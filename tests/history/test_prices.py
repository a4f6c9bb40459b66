"""Reading closes, strictly."""

import gzip
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from app.history.prices import PricesInvalid, PricesMissing, load_stock_prices, read_price_csv

GOOD = "Date,BTC-USD,ETH-USD\n2020-01-01,7200.5,130\n2020-01-02,6985,\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "prices.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_panel_has_20_stocks_from_1990_to_2022_without_gaps() -> None:
    panel = load_stock_prices()
    assert panel.closes.shape == (8313, 20)
    assert panel.symbols[0] == "AAPL"
    assert str(panel.dates[0]) == "1990-01-02"
    assert str(panel.dates[-1]) == "2022-12-28"
    assert np.isfinite(panel.closes).all()
    assert (panel.closes > 0).all()


def test_a_missing_package_is_named_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "skfolio", None)
    with pytest.raises(PricesMissing, match="pip install --no-deps --require-hashes"):
        load_stock_prices()


def test_a_csv_gives_closes_with_nan_where_a_cell_is_empty(tmp_path: Path) -> None:
    panel = read_price_csv(write(tmp_path, GOOD))
    assert panel.symbols == ("BTC-USD", "ETH-USD")
    np.testing.assert_array_equal(panel.closes, [[7200.5, 130.0], [6985.0, np.nan]])
    np.testing.assert_array_equal(panel.dates, np.array(["2020-01-01", "2020-01-02"], "M8[D]"))


def test_a_gzipped_csv_a_byte_order_mark_and_timestamps_are_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv.gz"
    text = "\ufeff" + GOOD.replace("2020-01-02", "2020-01-02 00:00:00")
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    assert read_price_csv(path).closes[0, 0] == 7200.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: must name a date column and at least one symbol"),
        ("Date\n2020-01-01\n", "line 1: must name a date column and at least one symbol"),
        ("Date,A,\n2020-01-01,1,2\n", "line 1: column 3 must name a symbol"),
        ("Date,A,A\n2020-01-01,1,2\n", "line 1: each symbol must stand once, A did not"),
        ("Date,A\n", "must have at least one day"),
        ("Date,A\n2020-01-01,1,2\n", "line 2: must have 2 cells, had 3"),
        ("Date,A\n01.02.2020,1\n", "line 2, column 1: must be a date like 2020-03-16"),
        ("Date,A\n2020-01-02,1\n2020-01-02,1\n", "line 3, column 1: must be after 2020-01-02"),
        ("Date,A\n2020-01-01,abc\n", "line 2, column A: must be a price > 0 or empty, was 'abc'"),
        ("Date,A\n2020-01-01,0\n", "was '0'"),
        ("Date,A\n2020-01-01,-3\n", "was '-3'"),
        ("Date,A\n2020-01-01,nan\n", "was 'nan'"),
        ("Date,A\n2020-01-01,1e999\n", "was '1e999'"),
        ("Date,A\n2020-01-01,1_000\n", "was '1_000'"),
        ('Date,A\n2020-01-01,"1,000"\n', "was '1,000'"),
        ('Date,A\n2020-01-01,"1\n', "not a readable UTF-8 CSV file"),
    ],
)
def test_a_broken_cell_is_named_by_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PricesInvalid, match=r"prices\.csv") as caught:
        read_price_csv(write(tmp_path, text))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "remedy"),
    [
        ("n/a", "leave the cell empty where there is no price"),
        ("#N/A", "leave the cell empty where there is no price"),
        ("null", "leave the cell empty where there is no price"),
        ("NaN", "leave the cell empty where there is no price"),
        ("-", "leave the cell empty where there is no price"),
        (".", "leave the cell empty where there is no price"),
        ("1,234.5", "write decimals with a point and nothing between thousands"),
        ("1234,5", "write decimals with a point and nothing between thousands"),
        ("1 234.5", "write decimals with a point and nothing between thousands"),
        ("1'234.5", "write decimals with a point and nothing between thousands"),
        ("1.234.567", "write decimals with a point and nothing between thousands"),
        ("$12.5", "write the number alone"),
        ("5K", "write the number alone"),
    ],
)
def test_a_cell_in_another_dialect_is_refused_with_what_to_write(
    tmp_path: Path, cell: str, remedy: str
) -> None:
    with pytest.raises(PricesInvalid) as caught:
        read_price_csv(write(tmp_path, f'Date,A\n2020-01-01,"{cell}"\n'))
    assert str(caught.value) == (
        f"prices.csv line 2, column A: must be a price > 0 or empty, was {cell!r}: {remedy}"
    )


@pytest.mark.parametrize(
    ("row", "part"),
    [
        ("2020-01-01,1,234.5", "had 3: each comma begins a cell, so name every column, and write"),
        ("2020-01-01", "had 1: the line is cut short"),
    ],
)
def test_a_row_of_another_width_says_why_it_may_be_so(tmp_path: Path, row: str, part: str) -> None:
    with pytest.raises(PricesInvalid) as caught:
        read_price_csv(write(tmp_path, f"Date,A\n{row}\n"))
    assert f"line 2: must have 2 cells, {part}" in str(caught.value)


def test_bytes_that_are_not_utf8_and_absent_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(b"Date,\xff\n")
    with pytest.raises(PricesInvalid, match="UTF-8"):
        read_price_csv(path)
    with pytest.raises(PricesMissing, match=r"absent\.csv"):
        read_price_csv(tmp_path / "absent.csv")


def test_a_window_holds_both_its_ends_and_is_open_where_none_is_given() -> None:
    panel = load_stock_prices()
    window = panel.between(date(2019, 6, 3), date(2021, 6, 30))
    assert str(panel.dates[window][0]) == "2019-06-03"
    assert str(panel.dates[window][-1]) == "2021-06-30"
    assert window.stop - window.start == 525
    assert panel.between(None, None) == slice(0, 8313)
    assert panel.between(date(2050, 1, 1), date(1980, 1, 1)) == slice(8313, 8313)
