"""Dates of price files: read where they mean one day, else refused with the likely dialect."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Final

from app.history.errors import PricesInvalid

_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)(.*)", re.DOTALL)
_EPOCH: Final = re.compile(r"(\d{10}|\d{13}|\d{16}|\d{19})(?:\.0*)?")
# digits of an epoch of today in seconds, milliseconds, microseconds, nanoseconds
_UNITS: Final[Mapping[int, int]] = {10: 1, 13: 10**3, 16: 10**6, 19: 10**9}
_DIALECTS: Final = (
    (r"\d{1,2}\.\d{1,2}\.\d{2,4}.*", "it looks like day.month.year, write the year first"),
    (
        r"\d{1,2}[-/]\d{1,2}[-/]\d{2,4}.*",
        "month/day or day/month cannot be told apart, write the year first",
    ),
    (r"\d{5}(\.\d*)?", "it looks like a spreadsheet's day number, format the column as a date"),
    (r".*[A-Za-z]{3}.*\d.*", "write year, month and day as numbers"),
)
# datetime64[ns] ends in 1677 and 2262
_FIRST: Final = date(1700, 1, 1)
_LAST: Final = date(2199, 12, 31)


def moment_of(cell: str) -> datetime | None:
    """Read a date with or without a time; None if it is none or could mean several days.

    ISO 8601, the same with ``/`` or ``.`` between year, month and day, ``20200316``, and epochs in
    seconds, milliseconds, microseconds or nanoseconds, whose day is that of UTC.
    """
    epoch = _EPOCH.fullmatch(cell)
    if epoch is not None:
        seconds = int(epoch[1]) // _UNITS[len(epoch[1])]
        return _within(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))
    if cell.isdigit() and len(cell) != 8:
        return None
    parts = _YEAR_FIRST.fullmatch(cell.removesuffix(" UTC"))
    text = cell if parts is None else f"{parts[1]}-{parts[2]:0>2}-{parts[3]:0>2}{parts[4]}"
    try:
        return _within(datetime.fromisoformat(text))
    except ValueError:
        return None


def _within(moment: datetime) -> datetime | None:
    return moment if _FIRST <= moment.date() <= _LAST else None


def read_day(cell: str, where: str) -> datetime:
    """Read a date, or say what dialect it seems to be.

    Raises
    ------
    PricesInvalid
        If `moment_of` gives none.
    """
    moment = moment_of(cell)
    if moment is None:
        raise PricesInvalid(
            f"{where}: must be a date like 2020-03-16, was {cell!r}{_likely_dialect(cell)}"
        )
    return moment


def _likely_dialect(cell: str) -> str:
    return next((f": {remedy}" for form, remedy in _DIALECTS if re.fullmatch(form, cell)), "")


def require_ascending(moments: Sequence[datetime], cells: Sequence[str], where: str) -> None:
    """Refuse the last moment if its day is not after that of the one before.

    Parameters
    ----------
    moments : sequence of datetime
        Of all rows so far.
    cells : sequence of str
        Dates of the whole file, from which the order that it runs in is seen.
    where : str
        Line and column.

    Raises
    ------
    PricesInvalid
        With what the file seems to be: intraday, newest first, a day twice, not sorted.
    """
    if len(moments) < 2 or moments[-1].date() > moments[-2].date():
        return
    before, this = moments[-2], moments[-1]
    raise PricesInvalid(
        f"{where}: must be after {before.date()}, was {this.date()}: "
        f"{_likely_order(before, this, cells)}"
    )


def _likely_order(before: datetime, this: datetime, cells: Sequence[str]) -> str:
    if before.date() == this.date() and before == this:
        return "the day stands twice, keep one row a day"
    falling = _runs_newest_first(cells)
    if before.date() == this.date():
        order = ", newest first" if falling else ""
        return (
            f"the file has more than one row a day{order}, and a backtest takes daily closes: "
            "keep the last row of each day, oldest day first"
        )
    if falling:
        return "the rows run newest first, sort them by date, oldest first"
    return "the rows are not in the order of their dates, sort them, oldest first"


def _runs_newest_first(cells: Sequence[str]) -> bool:
    known = [each.replace(tzinfo=None) for each in map(moment_of, cells) if each is not None]
    pairs = list(pairwise(known))
    return sum(one > next_one for one, next_one in pairs) > sum(
        one < next_one for one, next_one in pairs
    )
