"""Daily closes: the 20 US stocks that ship inside the ``skfolio`` package, or a CSV file.

Only the package's data file is read; ``skfolio`` itself is never imported, so it can be installed
without its dependencies (``requirements/data.txt``).
"""

import csv
import gzip
import math
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.core.errors import HimariError
from app.core.types import FloatArray

DateArray = NDArray[np.datetime64]

# 21:00 UTC is after the New York close in winter and in summer
CLOSE_OF_DAY_NS: Final = 21 * 3600 * 1_000_000_000
STOCKS_FILE: Final = Path("datasets", "data", "sp500_dataset.csv.gz")


class PricesMissing(HimariError):
    """The data package or the price file is not there."""


class PricesInvalid(HimariError):
    """A price table is malformed; the message names line and column."""


@dataclass(frozen=True, slots=True)
class PricePanel:
    """Closes of several instruments on the same days.

    Parameters
    ----------
    dates : ndarray of shape (n_days,), datetime64[D]
        Strictly ascending.
    symbols : tuple of str, length n_symbols
        Not empty, each once.
    closes : ndarray of shape (n_days, n_symbols), price
        Finite and > 0, or NaN where the instrument has no price that day.
    """

    dates: DateArray
    symbols: tuple[str, ...]
    closes: FloatArray

    def between(self, start: date | None, end: date | None) -> slice:
        """Return the slice of rows from ``start`` to ``end``, both included.

        None leaves that side open; days outside the panel are no error.
        """
        first = 0 if start is None else int(np.searchsorted(self.dates, np.datetime64(start, "D")))
        last = len(self.dates)
        if end is not None:
            last = int(np.searchsorted(self.dates, np.datetime64(end, "D"), side="right"))
        return slice(first, max(first, last))


def load_stock_prices() -> PricePanel:
    """Return the daily closes of 20 large US stocks, 1990-01-02 to 2022-12-28.

    Returns
    -------
    PricePanel
        Split-adjusted closes in USD; 8,313 days, no gaps.

    Raises
    ------
    PricesMissing
        If the package is not installed, or without this file.
    PricesInvalid
        If the file is not the table it should be.

    Notes
    -----
    The 20 are names that survived to 2022, so their drift is larger than that of stocks picked in
    advance (survivorship bias): absolute returns on this panel are evidence of nothing.
    """
    # find_spec locates a top-level package without running it, so its dependencies stay out
    spec = find_spec("skfolio")
    if spec is None or not spec.submodule_search_locations:
        message = (
            "the stock prices ship inside the skfolio package, which is not installed: "
            "pip install --no-deps --require-hashes -r requirements/data.txt"
        )
        raise PricesMissing(message)
    path = Path(spec.submodule_search_locations[0]) / STOCKS_FILE
    if not path.is_file():
        raise PricesMissing(f"the installed skfolio package has no {STOCKS_FILE.as_posix()}")
    with gzip.open(path, mode="rt", encoding="utf-8", newline="") as lines:
        return parse_prices(lines, path.name)


def read_price_csv(path: Path) -> PricePanel:
    """Return the closes in a CSV file of a date column and one column per symbol.

    Parameters
    ----------
    path : Path
        UTF-8, comma separated, with a header; dates ISO 8601 (``2020-03-16``), strictly ascending;
        prices > 0; an empty cell is a missing price. ``.gz`` files are unpacked.

    Returns
    -------
    PricePanel
        With NaN where a cell was empty.

    Raises
    ------
    PricesMissing
        If there is no such file.
    PricesInvalid
        At the first malformed cell, named by line and column.
    """
    if not path.is_file():
        raise PricesMissing(f"there is no price file {path}")
    try:
        if path.suffix == ".gz":
            with gzip.open(path, mode="rt", encoding="utf-8-sig", newline="") as lines:
                return parse_prices(lines, path.name)
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return parse_prices(lines, path.name)
    except (UnicodeDecodeError, gzip.BadGzipFile, zlib.error, EOFError, csv.Error) as error:
        raise PricesInvalid(f"{path.name}: not a readable UTF-8 CSV file ({error})") from error


def parse_prices(lines: Iterable[str], name: str) -> PricePanel:
    """Return the closes in the lines of a CSV file; every error message begins with ``name``.

    Raises
    ------
    PricesInvalid
        At the first malformed cell, named by line and column.
    """
    rows = csv.reader(lines, strict=True)
    symbols = _symbols(next(rows, []), name)
    days: list[date] = []
    closes: list[list[float]] = []
    for row in rows:
        if not row:
            continue
        where = f"{name} line {rows.line_num}"
        if len(row) != len(symbols) + 1:
            raise PricesInvalid(f"{where}: must have {len(symbols) + 1} cells, had {len(row)}")
        days.append(_day(row[0], where, days))
        closes.append(
            [_close(cell, f"{where}, column {symbol}") for symbol, cell in _cells(symbols, row)]
        )
    if not days:
        raise PricesInvalid(f"{name}: must have at least one day, had none")
    return PricePanel(
        np.array(days, dtype="datetime64[D]"), symbols, np.array(closes, dtype=np.float64)
    )


def _cells(symbols: Sequence[str], row: Sequence[str]) -> Iterable[tuple[str, str]]:
    return zip(symbols, row[1:], strict=True)


def _symbols(header: Sequence[str], name: str) -> tuple[str, ...]:
    symbols = tuple(cell.strip() for cell in header[1:])
    if not symbols:
        raise PricesInvalid(f"{name} line 1: must name a date column and at least one symbol")
    if "" in symbols:
        raise PricesInvalid(
            f"{name} line 1: column {symbols.index('') + 2} must name a symbol, was empty"
        )
    twice = sorted({symbol for symbol in symbols if symbols.count(symbol) > 1})
    if twice:
        raise PricesInvalid(
            f"{name} line 1: each symbol must stand once, {', '.join(twice)} did not"
        )
    return symbols


def _day(cell: str, where: str, earlier: Sequence[date]) -> date:
    try:
        day = datetime.fromisoformat(cell.strip()).date()
    except ValueError as error:
        raise PricesInvalid(
            f"{where}, column 1: must be a date like 2020-03-16, was {cell!r}"
        ) from error
    if earlier and day <= earlier[-1]:
        raise PricesInvalid(f"{where}, column 1: must be after {earlier[-1]}, was {day}")
    return day


def _close(cell: str, where: str) -> float:
    text = cell.strip()
    if not text:
        return math.nan
    try:
        # Python's float reads 1_000 as a thousand; in a price file it is an error
        close = math.nan if "_" in text else float(text)
    except ValueError:
        close = math.nan
    if not (math.isfinite(close) and close > 0):
        raise PricesInvalid(f"{where}: must be a price > 0 or empty, was {cell!r}")
    return close
