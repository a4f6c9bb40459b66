"""Headers: names of symbols are read, names of what is measured of one are not."""

from pathlib import Path

import numpy as np
import pytest

from app.history.prices import PricePanel, PricesInvalid, read_price_csv

FIELDS = "Date,Open,High,Low,Close,Adj Close,Volume"
ROWS = "2020-01-01,10,12,9,11,5.5,1000\n2020-01-02,11,13,10,12,6,2000\n"


def read(folder: Path, text: str, column: str | None = None, name: str = "GOOG.csv") -> PricePanel:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return read_price_csv(path, column)


def refused(folder: Path, text: str, column: str | None = None, name: str = "GOOG.csv") -> str:
    with pytest.raises(PricesInvalid) as caught:
        read(folder, text, column, name)
    sentence = str(caught.value)
    assert sentence.startswith(name)
    return sentence


# -- fields of one instrument --------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        FIELDS,
        FIELDS.lower(),
        FIELDS.upper(),
        "timestamp,1. open,2. high,3. low,4. close,5. adjusted close,6. volume",
        "<DATE>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<ADJ CLOSE>,<VOL>",
        "Date,GOOG.Open,GOOG.High,GOOG.Low,GOOG.Close,GOOG.Adjusted,GOOG.Volume",
        "Date,open_price,high_price,low_price,close_price,adj_close,volume",
    ],
)
def test_fields_of_one_instrument_are_refused_with_the_option_that_reads_one(
    tmp_path: Path, header: str
) -> None:
    sentence = refused(tmp_path, f"{header}\n{ROWS}")
    assert "fields of one instrument, not symbols" in sentence
    assert "--column" in sentence


def test_the_adjusted_close_is_what_the_refusal_proposes(tmp_path: Path) -> None:
    sentence = refused(tmp_path, f"{FIELDS}\n{ROWS}")
    assert "add --column 'Adj Close'" in sentence
    assert "--column SYMBOL='Adj Close' to name it" in sentence


def test_hours_of_fields_are_refused_for_both(tmp_path: Path) -> None:
    rows = "2017-04-19 09:00,1,2,1,2\n2017-04-19 10:00,2,3,2,3\n"
    sentence = refused(tmp_path, f",Open,High,Low,Close\n{rows}")
    assert "--column Close" in sentence
    assert sentence.endswith("; it has more than one row a day: keep the last row of each day")


def test_a_volume_beside_symbols_is_refused(tmp_path: Path) -> None:
    text = "Date,AAPL,{}\n2020-01-01,1,2\n"
    for name in ("Volume", "AAPL_volume", "Vol."):
        assert f"{name} is a field" in refused(tmp_path, text.format(name))


def test_a_close_alone_is_no_symbol(tmp_path: Path) -> None:
    assert "add --column Close" in refused(tmp_path, "Date,Close\n2020-01-01,1\n")


def test_fields_without_dates_are_refused_for_want_of_them(tmp_path: Path) -> None:
    text = "Open,High,Low,Close,Volume\n1,2,3,4,5\n"
    assert "no column holds dates: add a first column of dates" in refused(tmp_path, text)
    assert "must name a date column" in refused(tmp_path, text, "Close")


@pytest.mark.parametrize(
    "header",
    ["Date,AAPL,LOW", "Date,AAPL_close,MSFT_close", "Date,US Low Vol,US High Vol", "Date,INF,NAN"],
)
def test_symbols_that_sound_like_fields_are_read(tmp_path: Path, header: str) -> None:
    panel = read(tmp_path, f"{header}\n2020-01-01,1,2\n")
    assert panel.symbols == tuple(header.split(",")[1:])


# -- one column ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "symbol", "closes"),
    [
        ("Close", "GOOG", [11.0, 12.0]),
        ("close", "GOOG", [11.0, 12.0]),
        ("Adj Close", "GOOG", [5.5, 6.0]),
        ("BTC-USD=Close", "BTC-USD", [11.0, 12.0]),
        ("EURUSD=X=Close", "EURUSD=X", [11.0, 12.0]),
    ],
)
def test_a_column_is_read_as_one_instrument_named_by_the_option_or_the_file(
    tmp_path: Path, column: str, symbol: str, closes: list[float]
) -> None:
    panel = read(tmp_path, f"{FIELDS}\n{ROWS}", column)
    assert panel.symbols == (symbol,)
    np.testing.assert_array_equal(panel.closes, np.array([closes]).T)
    np.testing.assert_array_equal(panel.dates, np.array(["2020-01-01", "2020-01-02"], "M8[D]"))


def test_a_column_of_a_panel_keeps_its_own_name(tmp_path: Path) -> None:
    panel = read(tmp_path, "Date,A,B\n2020-01-01,1,2\n", "B")
    assert panel.symbols == ("B",)
    assert panel.closes.tolist() == [[2.0]]


def test_dates_are_found_by_their_name_where_one_column_is_read(tmp_path: Path) -> None:
    text = (
        "unix,date,symbol,open,close,Volume BTC\n1577836800,2020-01-01 00:00:00,BTC/USD,1,4,n/a\n"
    )
    panel = read(tmp_path, text, "BTC=close")
    assert str(panel.dates[0]) == "2020-01-01"
    assert panel.closes.tolist() == [[4.0]]


@pytest.mark.parametrize(
    ("column", "part"),
    [
        ("Price", "--column must name a column of the file, was Price: it has Date, Open"),
        ("GOOG=Price", "was Price: it has Date"),
        ("Volume", "--column must name a column of prices, was Volume"),
    ],
)
def test_a_column_that_is_not_there_or_no_price_is_refused(
    tmp_path: Path, column: str, part: str
) -> None:
    assert part in refused(tmp_path, f"{FIELDS}\n{ROWS}", column)


def test_a_file_name_that_is_no_symbol_asks_for_one(tmp_path: Path) -> None:
    sentence = refused(tmp_path, f"{FIELDS}\n{ROWS}", "Close", "BTC USD.csv")
    assert sentence == (
        "BTC USD.csv: a symbol must be one word, was 'BTC USD': name it, --column SYMBOL=Close"
    )


# -- no header, another header, another shape ----------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["2020-01-01,7200.5,130\n2020-01-02,6985,140\n", "2020-01-01,,130\n", "20200101,1,2\n"],
)
def test_a_missing_header_is_named_as_such(tmp_path: Path, text: str) -> None:
    sentence = refused(tmp_path, text)
    assert "line 1: the header is missing" in sentence
    assert "write a line of names above the first row, such as date,AAA,BBB" in sentence


@pytest.mark.parametrize(
    "rows",
    [
        (
            "1577836800000,7195.2,7255.0,7175.1,7200.8,16792.3,1577923199999,1.5,194010,8.9,6.4,0\n"
            "1577923200000,7200.7,7212.5,6924.7,6965.7,31951.4,1578009599999,2.5,302667,15.9,9.3,0\n"
        ),
        (
            "2020-01-01,7195.2,7255.0,7175.1,7200.8,16792.3\n"
            "2020-01-02,7200.7,7212.5,6924.7,6965.7,31951.4\n"
        ),
    ],
)
def test_klines_without_a_header_are_named_as_such(tmp_path: Path, rows: str) -> None:
    sentence = refused(tmp_path, rows)
    assert "the header is missing" in sentence
    names = rows.split("\n", maxsplit=1)[0].count(",") + 1
    assert f"look like klines of one instrument, write a line of {names} names" in sentence
    assert "--column SYMBOL=close" in sentence


def test_names_that_are_numbers_are_refused(tmp_path: Path) -> None:
    sentence = refused(tmp_path, "date,100.06,2\n2020-01-01,1,2\n")
    assert "a symbol must not be a number, was 100.06, 2: if the header is missing" in sentence


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("sep=;\nDate;A\n", "was 'sep=;': delete that line"),
        ("from example\nDate,A\n2020-01-01,1\n", "was 'from example': delete what stands above"),
        ("Price,Close,Close\nTicker,A,B\nDate,,\n2020-01-01,1,2\n", "Ticker, Date stand below it"),
        ("Name,2020-01-01,2020-01-02\nA,1,2\n", "the dates stand across"),
        ("date,symbol,x\n2020-01-01,A,1\n2020-01-01,B,2\n", "a row for each day and symbol (A, B)"),
        (",Date,A\n0,2020-01-01,1\n", "the first column must hold dates, and Date is column 2"),
        ("Date A B\n2020-01-01 1 2\n", "blanks separate no columns"),
    ],
)
def test_another_shape_is_refused_with_what_to_do(tmp_path: Path, text: str, part: str) -> None:
    assert part in refused(tmp_path, text)


def test_a_comma_at_the_end_of_every_line_adds_no_column(tmp_path: Path) -> None:
    for text in (
        "Date,A,\n2020-01-01,1,\n2020-01-02,2,\n",
        "Date,A\n2020-01-01,1,\n2020-01-02,2\n",
    ):
        panel = read(tmp_path, text)
        assert panel.symbols == ("A",)
        assert panel.closes.tolist() == [[1.0], [2.0]]


def test_a_named_column_without_a_price_stays_for_who_looks_at_the_panel(tmp_path: Path) -> None:
    panel = read(tmp_path, "Date,A,E\n2020-01-01,1,\n2020-01-02,2,\n")
    assert panel.symbols == ("A", "E")
    assert np.isnan(panel.closes[:, 1]).all()
