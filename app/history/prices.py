"""Daily closes: the 20 US stocks that ship inside the ``skfolio`` package, or a CSV file.

Only the package's data file is read; ``skfolio`` itself is never imported, so it can be installed
without its dependencies (``requirements/data.txt``).
"""

import csv
import gzip
import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.core.types import FloatArray
from app.history.days import moment_of, read_day, require_ascending
from app.history.dialects import Row, read_rows, require_text
from app.history.errors import PricesInvalid, PricesMissing
from app.history.headers import Columns, find_columns

__all__ = [
    "DateArray",
    "PricePanel",
    "PricesInvalid",
    "PricesMissing",
    "load_stock_prices",
    "parse_prices",
    "read_price_csv",
]

DateArray = NDArray[np.datetime64]

# 21:00 UTC is after the New York close in winter and in summer
CLOSE_OF_DAY_NS: Final = 21 * 3600 * 1_000_000_000
STOCKS_FILE: Final = Path("datasets", "data", "sp500_dataset.csv.gz")
_NO_PRICE: Final = re.compile(r"#?n/?a|nan|null|none|nil|missing|[-.?]+", re.IGNORECASE)
_GROUPED: Final = re.compile(r"\d[,_ '\u2019\u00a0]\d|\.\d+\.\d")


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


def read_price_csv(path: Path, column: str | None = None) -> PricePanel:
    """Return the closes in a CSV file of a date column and one column per symbol.

    Parameters
    ----------
    path : Path
        UTF-8, comma separated, with a header; dates ISO 8601 (``2020-03-16``), strictly ascending;
        prices > 0; an empty cell is a missing price. ``.gz`` files are unpacked.
    column : str, optional
        ``COLUMN`` or ``SYMBOL=COLUMN``: read this column alone, as the closes of one instrument.
        The symbol is by default the column's name, or the file's where the column says only what
        is measured (``Close``).

    Returns
    -------
    PricePanel
        With NaN where a cell was empty.

    Raises
    ------
    PricesMissing
        If there is no such file.
    PricesInvalid
        At the first malformed cell, named by line and column; or with the likely dialect.
    """
    if not path.is_file():
        raise PricesMissing(f"there is no price file {path}")
    require_text(path)
    try:
        if path.suffix == ".gz":
            with gzip.open(path, mode="rt", encoding="utf-8-sig", newline="") as lines:
                return parse_prices(lines, path.name, column)
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return parse_prices(lines, path.name, column)
    except UnicodeDecodeError as error:
        raise PricesInvalid(
            f"{path.name}: not a readable UTF-8 CSV file ({error}): save it as UTF-8"
        ) from error
    except (gzip.BadGzipFile, zlib.error, EOFError, csv.Error) as error:
        raise PricesInvalid(f"{path.name}: not a readable UTF-8 CSV file ({error})") from error


def parse_prices(lines: Iterable[str], name: str, column: str | None = None) -> PricePanel:
    """Return the closes in the lines of a CSV file; every error message begins with ``name``.

    Raises
    ------
    PricesInvalid
        At the first malformed cell, named by line and column; or with the likely dialect.
    """
    rows = read_rows(lines, name)
    columns = find_columns(rows, name, column)
    if len(rows) < 2:
        raise PricesInvalid(f"{name}: must have at least one day, had none")
    dates = [row.cells[columns.day] for row in rows[1:] if columns.day < len(row.cells)]
    moments: list[datetime] = []
    closes: list[list[float]] = []
    for row in rows[1:]:
        where = f"{name} line {row.line}"
        _require_width(row, columns, where)
        of_day = f"{where}, column {columns.day + 1}"
        moments.append(read_day(row.cells[columns.day], of_day))
        require_ascending(moments, dates, of_day)
        closes.append(_closes(row, columns, where))
    days = np.array([moment.date() for moment in moments], dtype="datetime64[D]")
    return PricePanel(days, columns.symbols, np.array(closes, dtype=np.float64))


def _require_width(row: Row, columns: Columns, where: str) -> None:
    had = len(row.cells)
    if had < columns.width:
        raise PricesInvalid(
            f"{where}: must have {columns.width} cells, had {had}: the line is cut short"
        )
    if any(row.cells[columns.width :]):
        raise PricesInvalid(
            f"{where}: must have {columns.width} cells, had {had}: each comma begins a cell, so "
            "name every column, and write decimals with a point and nothing between thousands"
        )


def _closes(row: Row, columns: Columns, where: str) -> list[float]:
    pairs = zip(columns.symbols, columns.closes, strict=True)
    return [_close(row.cells[place], f"{where}, column {symbol}") for symbol, place in pairs]


def _close(text: str, where: str) -> float:
    if not text:
        return math.nan
    try:
        # Python's float reads 1_000 as a thousand; in a price file it is an error
        close = math.nan if "_" in text else float(text)
    except ValueError:
        close = math.nan
    if not (math.isfinite(close) and close > 0):
        raise PricesInvalid(
            f"{where}: must be a price > 0 or empty, was {text!r}{_likely_meaning(text)}"
        )
    return close


def _likely_meaning(text: str) -> str:
    if _NO_PRICE.fullmatch(text):
        return ": leave the cell empty where there is no price"
    if _GROUPED.search(text):
        return ": write decimals with a point and nothing between thousands"
    if re.search(r"\d", text) and re.search(r"[^-+.\deE]", text) and not moment_of(text):
        return ": write the number alone"
    return ""
