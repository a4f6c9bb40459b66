"""Read a data file: a CSV with a header, checked cell by cell."""

import csv
import gzip
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, TextIO

import numpy as np
from numpy.typing import NDArray

from inference_server.training.data.errors import TableInvalid
from inference_server.training.data.sources import Column, DataFile

FloatArray = NDArray[np.float64]
TimeArray = NDArray[np.datetime64]

# an empty cell, or what the Federal Reserve's tables print on holidays
MISSING: Final = frozenset({"", "."})


@dataclass(frozen=True, slots=True)
class Table:
    """Times, symbols and closes of one file.

    Parameters
    ----------
    times : ndarray of shape (n_bars,), datetime64[s], or None
        Strictly ascending, UTC; None if the file has none.
    symbols : tuple of str, length n_symbols
    closes : ndarray of shape (n_bars, n_symbols)
        Finite and > 0, or NaN where missing.
    """

    times: TimeArray | None
    symbols: tuple[str, ...]
    closes: FloatArray


def read_table(path: Path, file: DataFile) -> Table:
    """Read the columns of a data file.

    Parameters
    ----------
    path : Path
        Where the file is; ``.gz`` is unpacked.
    file : DataFile
        What to read of it. Rows may stand newest first; they come back oldest first.

    Returns
    -------
    Table

    Raises
    ------
    TableInvalid
        At the first cell that breaks the form, named by file and line, or if a time stands twice.
    """
    with _open_text(path) as lines:
        for _ in range(file.skip_lines):
            lines.readline()
        rows = csv.reader(lines, strict=True)
        try:
            header = next(rows, [])
            return _read_rows(path.name, file, header, _numbered(rows, file.skip_lines))
        except (UnicodeDecodeError, csv.Error, EOFError, gzip.BadGzipFile) as error:
            raise TableInvalid(f"{path.name}: not a readable UTF-8 CSV file ({error})") from error


def _read_rows(
    name: str, file: DataFile, header: Sequence[str], rows: Iterator[tuple[int, list[str]]]
) -> Table:
    pick = _Picker.of(name, file, header)
    times: list[datetime] = []
    closes: list[list[float]] = []
    for line, row in rows:
        where = f"{name} line {line}"
        if len(row) != len(header):
            raise TableInvalid(f"{where}: must have {len(header)} cells, had {len(row)}")
        if file.date_format is not None:
            times.append(_parse_time(row[0], file.date_format, where))
        closes.append(pick.closes(row, where))
    if not closes:
        raise TableInvalid(f"{name}: must have at least one row, had none")
    values = np.array(closes, dtype=np.float64)
    if file.date_format is None:
        return Table(None, pick.symbols, values)
    return _sorted(name, np.array(times, dtype="datetime64[s]"), pick.symbols, values)


def _sorted(name: str, times: TimeArray, symbols: tuple[str, ...], closes: FloatArray) -> Table:
    order = np.argsort(times, kind="stable")
    times = times[order]
    twice = np.flatnonzero(times[1:] == times[:-1])
    if twice.size:
        raise TableInvalid(f"{name}: each time must stand once, {times[twice[0]]} did not")
    return Table(times, symbols, closes[order])


@dataclass(frozen=True, slots=True)
class _Picker:
    """Columns of closes and of volumes in a row."""

    symbols: tuple[str, ...]
    places: tuple[int, ...]
    volumes: tuple[int | None, ...]

    @classmethod
    def of(cls, name: str, file: DataFile, header: Sequence[str]) -> "_Picker":
        first = 0 if file.date_format is None else 1
        if not file.columns:
            places = tuple(range(first, len(header)))
            return cls(tuple(header[first:]), places, (None,) * len(places))
        return cls(
            tuple(column.symbol for column in file.columns),
            tuple(_place(name, header, column.header) for column in file.columns),
            tuple(_volume_place(name, header, column) for column in file.columns),
        )

    def closes(self, row: Sequence[str], where: str) -> list[float]:
        return [
            _parse_close(row[place], None if volume is None else row[volume], f"{where}, {symbol}")
            for symbol, place, volume in zip(self.symbols, self.places, self.volumes, strict=True)
        ]


def _volume_place(name: str, header: Sequence[str], column: Column) -> int | None:
    return None if column.volume is None else _place(name, header, column.volume)


def _place(name: str, header: Sequence[str], wanted: str) -> int:
    if wanted not in header:
        raise TableInvalid(f"{name}: must have a column {wanted}, had {', '.join(header)}")
    return header.index(wanted)


def _parse_time(cell: str, date_format: str, where: str) -> datetime:
    try:
        # the files are in UTC and numpy's times are without zone
        return datetime.strptime(cell.strip(), date_format)  # noqa: DTZ007
    except ValueError as error:
        raise TableInvalid(f"{where}: time must look like {date_format}, was {cell!r}") from error


def _parse_close(cell: str, volume: str | None, where: str) -> float:
    if cell.strip() in MISSING:
        return math.nan
    close = _parse_number(cell)
    if not (math.isfinite(close) and close > 0):
        raise TableInvalid(f"{where}: must be a price > 0 or missing, was {cell!r}")
    if volume is None:
        return close
    traded = _parse_number(volume)
    if not (math.isfinite(traded) and traded >= 0):
        raise TableInvalid(f"{where}: volume must be >= 0, was {volume!r}")
    return close if traded > 0 else math.nan


def _parse_number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _numbered(rows: Iterator[list[str]], before: int) -> Iterator[tuple[int, list[str]]]:
    # the header is one more line than those skipped
    return ((line, row) for line, row in enumerate(rows, start=before + 2) if row)


@contextmanager
def _open_text(path: Path) -> Iterator[TextIO]:
    if path.suffix == ".gz":
        with gzip.open(path, mode="rt", encoding="utf-8-sig", newline="") as lines:
            yield lines
    else:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            yield lines
