"""What a price file is written in, seen before any cell is read; other dialects are refused."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from app.history.errors import PricesInvalid

SEPARATORS: Final[Mapping[str, str]] = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}
_DECIMAL_COMMA: Final = re.compile(r"-?\d+,\d+")
_NO_TEXT: Final[Mapping[bytes, str]] = {
    b"PK\x03\x04": "it is a zip archive or a workbook: unpack it, or export it as CSV",
    b"PAR1": "it is a Parquet file: write it as CSV",
    b"\xff\xfe": "it is UTF-16: save it as UTF-8",
    b"\xfe\xff": "it is UTF-16: save it as UTF-8",
}
_GZIP: Final = b"\x1f\x8b"
# enough to see which mark stands in every line
_LOOKED_AT: Final = 20


class Row(NamedTuple):
    """One row: the file's line that it ends on, and its cells without blanks around them."""

    line: int
    cells: list[str]


def require_text(path: Path) -> None:
    """Refuse a file whose first bytes say that it is no plain text.

    Raises
    ------
    PricesInvalid
        With what it is instead and what to do.
    """
    with path.open("rb") as file:
        start = file.read(4)
    for mark, remedy in _NO_TEXT.items():
        if start.startswith(mark):
            raise PricesInvalid(f"{path.name}: not a readable UTF-8 CSV file, {remedy}")
    if start.startswith(_GZIP) != (path.suffix == ".gz"):
        remedy = "name it .csv.gz" if path.suffix != ".gz" else "take .gz off its name"
        packed = "is" if path.suffix != ".gz" else "is not"
        raise PricesInvalid(
            f"{path.name}: not a readable UTF-8 CSV file, it {packed} packed by gzip: {remedy}"
        )


def read_rows(lines: Iterable[str], name: str) -> list[Row]:
    """Return the rows of a comma separated file, without blank ones.

    Raises
    ------
    PricesInvalid
        If another mark than the comma separates the columns.
    csv.Error
        If a quote does not end.
    """
    text = list(lines)
    _require_commas([line for line in text[:_LOOKED_AT] if line.strip()], name)
    return list(_rows(text))


def _rows(text: Sequence[str]) -> Iterator[Row]:
    reader = csv.reader(text, strict=True)
    for cells in reader:
        row = Row(reader.line_num, [cell.strip() for cell in cells])
        if any(row.cells):
            yield row


def _require_commas(first: Sequence[str], name: str) -> None:
    if not first:
        return
    # a date column's name never holds one of the marks, so the first mark of the header decides
    start = first[0].partition(",")[0].rstrip()
    mark = next((each for each in start if each in SEPARATORS), None)
    if start.lower().startswith("sep="):
        raise PricesInvalid(f"{name} line 1: must be the header, was {start!r}: delete that line")
    if mark is None:
        return
    cells = [cell.strip(' "\r\n') for line in first[1:] for cell in line.split(mark)]
    decimal = any(_DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    commas = ", and its decimals by commas" if decimal else ""
    raise PricesInvalid(
        f"{name}: its columns are separated by {SEPARATORS[mark]}{commas}: save it with commas "
        "between the columns and points before the decimals"
    )
