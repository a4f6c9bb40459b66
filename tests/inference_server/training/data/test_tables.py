"""Reading one data file, strictly."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from inference_server.training.data.errors import TableInvalid
from inference_server.training.data.packages import Package
from inference_server.training.data.sources import Column, DataFile
from inference_server.training.data.tables import Table, read_table

PACKAGE = Package("prices", "1.0", "0" * 64, "MIT")
CLOSE = (Column("Close", "X"),)
TRADED = (Column("Close", "X", "Volume"),)


def read(folder: Path, text: str, file: DataFile) -> Table:
    path = folder / "closes.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path, file)


def data_file(
    *columns: Column, date_format: str | None = "%Y-%m-%d", skip_lines: int = 0
) -> DataFile:
    return DataFile(PACKAGE, "closes.csv", "0" * 64, columns, date_format, skip_lines)


def test_without_columns_every_one_after_the_date_is_read(tmp_path: Path) -> None:
    table = read(tmp_path, "Date,A,B\n2020-01-01,1.5,10\n2020-01-02,,11\n", data_file())
    assert table.symbols == ("A", "B")
    np.testing.assert_array_equal(table.closes, [[1.5, 10.0], [np.nan, 11.0]])
    assert table.times is not None
    assert table.times.dtype == "datetime64[s]"
    assert [str(time) for time in table.times] == ["2020-01-01T00:00:00", "2020-01-02T00:00:00"]


def test_rows_newest_first_come_back_oldest_first(tmp_path: Path) -> None:
    text = "By a vendor\ndate,Open,Close\n2020-01-01 01-PM,9,3\n2020-01-01 12-PM,9,2\n"
    text += "2020-01-01 12-AM,9,1\n"
    file = data_file(*CLOSE, date_format="%Y-%m-%d %I-%p", skip_lines=1)
    table = read(tmp_path, text, file)
    np.testing.assert_array_equal(table.closes, [[1.0], [2.0], [3.0]])
    assert table.times is not None
    assert [str(time)[11:13] for time in table.times] == ["00", "12", "13"]


def test_a_bar_without_volume_has_no_price_of_its_own(tmp_path: Path) -> None:
    text = "Date,Close,Volume\n2020-01-01,5,2.5\n2020-01-02,5,0.0\n2020-01-03,6,1\n"
    table = read(tmp_path, text, data_file(*TRADED))
    np.testing.assert_array_equal(table.closes, [[5.0], [np.nan], [6.0]])


def test_a_point_is_a_holiday(tmp_path: Path) -> None:
    table = read(tmp_path, "Date,Close\n2020-01-01,5\n2020-01-02,.\n", data_file(*CLOSE))
    np.testing.assert_array_equal(table.closes, [[5.0], [np.nan]])


def test_a_file_without_times_may_have_columns_without_names(tmp_path: Path) -> None:
    table = read(tmp_path, "A,,\n1,2,3\n4,5,6\n", data_file(date_format=None))
    assert table.times is None
    np.testing.assert_array_equal(table.closes, [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])


def test_a_gzipped_file_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = tmp_path / "closes.csv.gz"
    path.write_bytes(gzip.compress("\ufeffDate,Close\n2020-01-01,5\n\n".encode()))
    np.testing.assert_array_equal(read_table(path, data_file(*CLOSE)).closes, [[5.0]])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("", "closes.csv: must have at least one row, had none"),
        ("2020-01-01,5\n", "line 2: must have 3 cells, had 2"),
        ("2020-01-01,5,1\n2020-01-02,0,1\n", "line 3, X: must be a price > 0 or missing, was '0'"),
        ("2020-01-01,-2,1\n", "was '-2'"),
        ("2020-01-01,nan,1\n", "was 'nan'"),
        ("2020-01-01,1e999,1\n", "was '1e999'"),
        ("2020-01-01,five,1\n", "was 'five'"),
        ("2020-01-01,5,-1\n", "line 2, X: volume must be >= 0, was '-1'"),
        ("2020-01-01,5,\n", "line 2, X: volume must be >= 0, was ''"),
        ("01.02.2020,5,1\n", "line 2: time must look like %Y-%m-%d, was '01.02.2020'"),
        ("2020-01-01,5,1\n2020-01-01,5,1\n", "each time must stand once, 2020-01-01T00:00:00 did"),
        ('2020-01-01,"5,1\n', "not a readable UTF-8 CSV file"),
    ],
)
def test_a_broken_row_is_named(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(TableInvalid) as caught:
        read(tmp_path, "Date,Close,Volume\n" + rows, data_file(*TRADED))
    assert message in str(caught.value)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(TableInvalid, match="must have a column Close, had Date, Last"):
        read(tmp_path, "Date,Last\n2020-01-01,5\n", data_file(*CLOSE))


def test_a_cut_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "closes.csv.gz"
    path.write_bytes(gzip.compress(b"Date,Close\n2020-01-01,5\n")[:-10])
    with pytest.raises(TableInvalid, match="not a readable UTF-8 CSV file"):
        read_table(path, data_file(*CLOSE))
