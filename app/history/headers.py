"""Which columns of a price file hold dates and closes, and the sentences that refuse a header."""

import re
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.history.days import moment_of
from app.history.dialects import Row
from app.history.errors import PricesInvalid

PANEL_REMEDY: Final = "keep a date column and one column of closes a symbol"
_NUMBER: Final = re.compile(r"[-+]?[\d.,]*\d[\d.,]*(?:[eE][-+]?\d+)?")
_CLOSES: Final = ("adj close", "adjusted close", "adjclose", "close", "close last", "last", "price")
# a word that names what is measured of an instrument, never the instrument
# "vol" is one only where it stands alone: funds of low volatility are called so
_FIELD: Final = re.compile(
    "(open|high|low|close)(price)?|adj|adjusted|adjclose|last|price|volume|vwap|settle|settlement"
    "|turnover|trades"
)
_VOLUMES: Final = frozenset({"volume", "vol", "turnover", "trades"})
# Opendoor, Highstreet and Lowe's are listed under these
_TICKERS: Final = frozenset({"OPEN", "HIGH", "LOW"})
_DATES: Final = ("date", "datetime", "timestamp", "time", "day", "open time", "opentime", "unix")
_INSTRUMENT: Final = re.compile(
    "symbol|ticker|instrument|asset|name|isin|figi|sid|permno|security|pair|coin"
)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where dates and closes stand, counted from 0.

    Parameters
    ----------
    day : int
    closes : tuple of int, length n_symbols
    symbols : tuple of str, length n_symbols
        Not empty, each once.
    width : int
        Cells of a row; more of them must be empty.
    """

    day: int
    closes: tuple[int, ...]
    symbols: tuple[str, ...]
    width: int


def find_columns(rows: Sequence[Row], name: str, wanted: str | None = None) -> Columns:
    """Find the columns by the first row's names.

    Parameters
    ----------
    rows : sequence of Row
        Of the whole file, header first.
    name : str
        Of the file, in front of every message.
    wanted : str, optional
        ``COLUMN`` or ``SYMBOL=COLUMN``: the one column to read, as the closes of one instrument.

    Raises
    ------
    PricesInvalid
        If the header is missing, names fields of one instrument as if they were symbols, is
        incomplete, or has no such column.
    """
    header = _without_empty_ends(rows)
    where = f"{name} line {rows[0].line if rows else 1}"
    _require_names(header, rows, where)
    _require_one_line(rows, where)
    _require_one_row_a_day(header, rows, where)
    if wanted is not None:
        return _one_column(header, wanted, name, where)
    if len(header) < 2:
        message = f"{where}: must name a date column and at least one symbol"
        raise PricesInvalid(message + _why_one_cell(header, rows))
    _require_symbols(header, rows, where)
    _require_days_first(header, rows, where)
    return Columns(0, tuple(range(1, len(header))), tuple(header[1:]), len(header))


def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a column's name in lower case: ``<CLOSE>``, ``4. close``: close."""
    return tuple(re.findall(r"[^\W\d_]+", name.lower()))


def is_field(name: str) -> bool:
    """Whether a name says what is measured, and nothing of an instrument."""
    words = words_of(name)
    return words == ("vol",) or (bool(words) and all(map(_FIELD.fullmatch, words)))


def _without_empty_ends(rows: Sequence[Row]) -> list[str]:
    """Return the header without trailing columns in which no row has anything."""
    header = list(rows[0].cells) if rows else []
    filled = max((_last_filled(row.cells) for row in rows), default=0)
    return header[: max(filled, 1)]


def _last_filled(cells: Sequence[str]) -> int:
    return max((place for place, cell in enumerate(cells, 1) if cell), default=0)


def _require_names(header: Sequence[str], rows: Sequence[Row], where: str) -> None:
    numbers = [cell for cell in header if _NUMBER.fullmatch(cell)]
    if not numbers and not (header and moment_of(header[0])):
        return
    shown = ", ".join((numbers or list(header))[:3])
    if not _NUMBER.fullmatch(header[0]) and not moment_of(header[0]):
        raise PricesInvalid(
            f"{where}: a symbol must not be a number, was {shown}: if the header is missing, write "
            "one above the first row; a code of digits needs a letter in front"
        )
    if all(_is_kline(row.cells) for row in rows):
        raise PricesInvalid(
            f"{where}: the header is missing, was {shown}, ...: the rows look like klines of one "
            f"instrument, write a line of {len(header)} names above the first, such as "
            "open_time,open,high,low,close,volume, and add --column SYMBOL=close"
        )
    raise PricesInvalid(
        f"{where}: the header is missing, was {shown}: write a line of names above the first row, "
        "such as date,AAA,BBB"
    )


def _is_kline(cells: Sequence[str]) -> bool:
    """Whether a row is a date with open, high, low and close, as far as their order tells."""
    if len(cells) < 5 or not all(map(_NUMBER.fullmatch, cells[1:5])):
        return False
    try:
        opened, high, low, close = map(float, cells[1:5])
    except ValueError:
        return False
    return low <= min(opened, close) <= max(opened, close) <= high


def _require_one_line(rows: Sequence[Row], where: str) -> None:
    """Refuse a header of several lines, and dates that stand in the header."""
    if len(rows) > 1 and len(rows[0].cells) == 1 < len(rows[1].cells):
        raise PricesInvalid(
            f"{where}: must be the header, was {rows[0].cells[0]!r}: delete what stands above it"
        )
    more = [row.cells[0] for row in rows[1:4] if _is_of_header(row.cells[0])]
    if more:
        raise PricesInvalid(
            f"{where}: the header must be one line, {', '.join(more)} stand below it: keep one, "
            "the name of the date column first"
        )
    across = [cell for cell in rows[0].cells[1:] if moment_of(cell)] if rows else []
    if len(across) > 1:
        raise PricesInvalid(
            f"{where}: the dates stand across ({across[0]}, {across[1]}): transpose the table, a "
            "row a day and a column a symbol"
        )


def _is_of_header(cell: str) -> bool:
    spoken = " ".join(words_of(cell))
    return spoken in _DATES or _INSTRUMENT.fullmatch(spoken) is not None


def _require_one_row_a_day(header: Sequence[str], rows: Sequence[Row], where: str) -> None:
    """Refuse long tables: a column of symbols, several of them in the same file."""
    for place, cell in enumerate(header):
        if not _INSTRUMENT.fullmatch(" ".join(words_of(cell))):
            continue
        values = {row.cells[place] for row in rows[1:] if place < len(row.cells)} - {""}
        words = sorted(value for value in values if not _NUMBER.fullmatch(value))
        if len(words) > 1 and not any(map(moment_of, words)):
            shown = ", ".join([*words[:3], *["..."][: len(words) > 3]])
            raise PricesInvalid(
                f"{where}: the file has a row for each day and {cell} ({shown}): pivot it to a "
                "date column and one column of closes a symbol"
            )


def _require_symbols(header: Sequence[str], rows: Sequence[Row], where: str) -> None:
    symbols = header[1:]
    fields = _fields_among(header)
    if fields:
        refusal = f"{where}: {_fields_refused(fields, header)}"
        raise PricesInvalid(refusal + _and_rows_a_day(header, rows))
    if "" in symbols:
        raise PricesInvalid(
            f"{where}: column {list(symbols).index('') + 2} must name a symbol, was empty"
        )
    twice = sorted(symbol for symbol, count in Counter(symbols).items() if count > 1)
    if twice:
        raise PricesInvalid(
            f"{where}: each symbol must stand once, {', '.join(twice)} did not: rename or delete "
            "the others"
        )


def _require_days_first(header: Sequence[str], rows: Sequence[Row], where: str) -> None:
    day = _day_column(header)
    if day > 0 and len(rows) > 1 and moment_of(rows[1].cells[0]) is None:
        raise PricesInvalid(
            f"{where}: the first column must hold dates, and {header[day]} is column {day + 1}: "
            "put it first and delete what is no close"
        )


def _fields_among(header: Sequence[str]) -> list[str]:
    """Return the names that are fields of an instrument, alone or of one that they name too."""
    bare = [cell for cell in header if is_field(cell)]
    others = len(header) - 1 - len(bare)
    if bare and set(bare) <= _TICKERS and len(bare) <= others and header[0] not in bare:
        bare = []
    return bare or _fields_of_named(header)


def _fields_of_named(header: Sequence[str]) -> list[str]:
    """Return names such as ``GOOG.Open`` beside ``GOOG.Close``, and every named volume."""
    named: dict[str, tuple[frozenset[str], frozenset[str]]] = {}
    for cell in header:
        words = frozenset(re.findall(r"[^\W_]+", cell.lower()))
        fields = frozenset(filter(_FIELD.fullmatch, words))
        if fields and words > fields:
            named[cell] = (words - fields, fields)
    of: dict[frozenset[str], set[str]] = {}
    for rest, fields in named.values():
        of.setdefault(rest, set()).update(fields)
    # funds of low and of high volatility, say, are two instruments
    return [
        cell
        for cell, (rest, fields) in named.items()
        if "volume" in fields or (len(of[rest]) > 1 and not of[rest] <= {"high", "low"})
    ]


def _fields_refused(fields: Sequence[str], header: Sequence[str]) -> str:
    many = len(fields) > 1
    what = (
        f"{', '.join(fields[:8])} {'are fields' if many else 'is a field'} of one instrument, "
        f"not {'symbols' if many else 'a symbol'}"
    )
    if is_field(header[0]):
        return f"{what}, and no column holds dates: add a first column of dates, then --column NAME"
    close = best_close(header)
    if close is None and all(_VOLUMES.intersection(words_of(each)) for each in fields):
        return f"{what}: leave {'them' if many else 'it'} out"
    if close is None:
        symbol = shlex.quote(fields[0])
        return f"{what}: leave {symbol} out, or if it is a symbol add --column {symbol}={symbol}"
    return (
        f"{what}: add --column {shlex.quote(close)} to read that column alone "
        f"(--column SYMBOL={shlex.quote(close)} to name it), or {PANEL_REMEDY}"
    )


def _and_rows_a_day(header: Sequence[str], rows: Sequence[Row]) -> str:
    """Say the next thing in the way of an intraday file, so that it is mended at once."""
    day = _day_column(header)
    moments = [moment_of(row.cells[day]) for row in rows[1:3] if day < len(row.cells)]
    days = {moment.date() for moment in moments if moment is not None}
    if len(moments) == 2 and len(days) == 1 and None not in moments:
        return "; it has more than one row a day: keep the last row of each day"
    return ""


def best_close(header: Sequence[str]) -> str | None:
    """Return the column that a close most likely stands in, adjusted first; None without one."""
    spoken = {" ".join(words_of(cell)): cell for cell in reversed(header)}
    known = (spoken[each] for each in _CLOSES if each in spoken)
    return next(known, next((each for each in header if "close" in words_of(each)), None))


def _why_one_cell(header: Sequence[str], rows: Sequence[Row]) -> str:
    if len(rows) > 1 and len(header[0].split()) == len(rows[1].cells[0].split()) > 1:
        return ": blanks separate no columns, write commas between them"
    return ""


def _one_column(header: Sequence[str], wanted: str, name: str, where: str) -> Columns:
    symbol, column = _symbol_and_column(header, wanted, where)
    if is_field(column) and _VOLUMES.intersection(words_of(column)):
        raise PricesInvalid(f"{where}: --column must name a column of prices, was {column}")
    place = header.index(column)
    if not symbol:
        symbol = _stem(name) if is_field(column) else column
    if not symbol.isprintable() or " " in symbol or not symbol:
        raise PricesInvalid(
            f"{name}: a symbol must be one word, was {symbol!r}: name it, --column SYMBOL={column}"
        )
    day = _day_column(header)
    if day == place or is_field(header[day]):
        raise PricesInvalid(f"{where}: must name a date column, had {', '.join(header)}: add one")
    return Columns(day, (place,), (symbol,), len(header))


def _symbol_and_column(header: Sequence[str], wanted: str, where: str) -> tuple[str, str]:
    """Split ``SYMBOL=COLUMN``; a column's whole name may hold the sign of equality itself."""
    before, _, after = wanted.rpartition("=")
    for symbol, column in (("", wanted), (before, after)):
        same = [cell for cell in header if cell == column.strip()]
        alike = same or [cell for cell in header if cell.lower() == column.strip().lower()]
        if len(alike) == 1 and alike[0]:
            return symbol.strip(), alike[0]
        if len(alike) > 1:
            raise PricesInvalid(f"{where}: --column must name one column, {column} stands twice")
    raise PricesInvalid(
        f"{where}: --column must name a column of the file, was {after or wanted}: it has "
        f"{', '.join(header[:12])}"
    )


def _day_column(header: Sequence[str]) -> int:
    spoken = [" ".join(words_of(cell)) for cell in header]
    return next((spoken.index(each) for each in _DATES if each in spoken), 0)


def _stem(name: str) -> str:
    return name.removesuffix(".gz").rpartition(".")[0] or name
