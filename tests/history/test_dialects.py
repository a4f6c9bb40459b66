"""Files in another dialect are refused by one sentence that names it."""

import gzip
from pathlib import Path

import pytest

from app.history.prices import PricesInvalid, read_price_csv


def refused(folder: Path, content: bytes, name: str = "prices.csv") -> str:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(PricesInvalid) as caught:
        read_price_csv(path)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("Date;A;B\n2020-01-01;1.5;2.5\n", "semicolons"),
        ("Date\tA\tB\n2020-01-01\t1.5\t2.5\n", "tabs"),
        ("\tA\tB\n2020-01-01\t1.5\t2.5\n", "tabs"),
        ("Date|A|B\n2020-01-01|1.5|2.5\n", "vertical bars"),
    ],
)
def test_another_separator_is_named_with_what_to_write(
    tmp_path: Path, text: str, mark: str
) -> None:
    assert refused(tmp_path, text.encode()) == (
        f"prices.csv: its columns are separated by {mark}: save it with commas between the "
        "columns and points before the decimals"
    )


@pytest.mark.parametrize(
    "text",
    [
        "Datum;A;B\n02.01.2020;1,5;2,5\n",
        '"Date";"A"\n"2020-01-01";"1,5"\n',
        "2020-01-01;1,5\n2;1,6",
    ],
)
def test_a_decimal_comma_beside_semicolons_is_named_too(tmp_path: Path, text: str) -> None:
    sentence = refused(tmp_path, text.encode())
    assert "separated by semicolons, and its decimals by commas: save it with" in sentence


@pytest.mark.parametrize(
    ("content", "part"),
    [
        ("Date,A\n2020-01-01,1\n".encode("utf-16"), "it is UTF-16: save it as UTF-8"),
        (b"PK\x03\x04rest", "it is a zip archive or a workbook: unpack it, or export it as CSV"),
        (b"PAR1rest", "it is a Parquet file: write it as CSV"),
        (gzip.compress(b"Date,A\n", mtime=0), "it is packed by gzip: name it .csv.gz"),
        ("Date,\u00c4\n".encode("latin-1"), "save it as UTF-8"),
    ],
)
def test_what_is_no_utf8_text_is_named_with_what_to_do(
    tmp_path: Path, content: bytes, part: str
) -> None:
    sentence = refused(tmp_path, content)
    assert "not a readable UTF-8 CSV file" in sentence
    assert part in sentence


def test_a_gzipped_name_of_plain_text_is_refused(tmp_path: Path) -> None:
    sentence = refused(tmp_path, b"Date,A\n2020-01-01,1\n", "prices.csv.gz")
    assert "it is not packed by gzip: take .gz off its name" in sentence


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfDate,A\n2020-01-01,1\n2020-01-02,2\n",
        b"Date,A\r\n2020-01-01,1\r\n2020-01-02,2\r\n",
        b"Date,A\r2020-01-01,1\r2020-01-02,2\r",
        b"\n\nDate,A\n\n2020-01-01,1\n  \n,\n2020-01-02,2\n\n",
        b'"Date","A"\n"2020-01-01"," 1 "\n"2020-01-02","2"\n',
    ],
)
def test_marks_line_ends_blank_lines_and_quotes_change_nothing(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "prices.csv"
    path.write_bytes(content)
    panel = read_price_csv(path)
    assert panel.symbols == ("A",)
    assert panel.closes.tolist() == [[1.0], [2.0]]
