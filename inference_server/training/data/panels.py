"""Join the files of a source into one `Panel`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference_server.training.data.catalogue import find_sources
from inference_server.training.data.errors import TableInvalid
from inference_server.training.data.fetch import Download, cached_path, fetch_files
from inference_server.training.data.repairs import apply_repairs
from inference_server.training.data.sources import Calendar, DataFile, Source
from inference_server.training.data.tables import FloatArray, Table, TimeArray, read_table


@dataclass(frozen=True, slots=True)
class Panel:
    """Closes of several instruments at the same times.

    Parameters
    ----------
    name : str
    symbols : tuple of str, length n_symbols
    dates : ndarray of shape (n_bars,), datetime64[s], UTC
        Strictly ascending; of an hourly panel the start of the bar.
    closes : ndarray of shape (n_bars, n_symbols), price
        Finite and > 0, or NaN where the instrument has no price; no bar is wholly NaN.
    interval_sec : int
        Length of a bar. Closed markets leave gaps: bars are evenly spaced in trading time only.
    dated : bool
        False: ``dates`` are business days spread over the documented range, good for cutting a
        panel at a date with a margin of 12 days, and for nothing finer.
    """

    name: str
    symbols: tuple[str, ...]
    dates: TimeArray
    closes: FloatArray
    interval_sec: int
    dated: bool


def load_panels(
    names: Sequence[str], cache: Path, download: Download | None = None
) -> tuple[Panel, ...]:
    """Fetch what is missing, then read the panels.

    Parameters
    ----------
    names : sequence of str
        Of panels; empty: all of them.
    cache : Path
        Folder of the data files.
    download : callable, optional
        See `fetch_files`.

    Raises
    ------
    TrainingDataError
        If a panel is unknown, or its files cannot be had or read.
    """
    sources = find_sources(names)
    fetch_files(sources, cache, download)
    return tuple(read_panel(source, cache) for source in sources)


def read_panel(source: Source, cache: Path) -> Panel:
    """Read one panel from the cache.

    Raises
    ------
    TableInvalid
        If a file breaks its form, or the files do not fit together.
    """
    tables = [_read_cached(file, cache) for file in source.files]
    if source.calendar is None:
        dates, symbols, closes = _join(source.name, tables)
    else:
        dates, symbols, closes = _unroll(source.name, tables[0], source.calendar)
    return Panel(
        name=source.name,
        symbols=symbols,
        dates=dates,
        closes=apply_repairs(closes, symbols, source.repairs),
        interval_sec=source.interval_sec,
        dated=source.calendar is None,
    )


def spread_days(calendar: Calendar, count: int) -> TimeArray:
    """Spread bars evenly over the business days of a calendar, its first and last day included.

    Parameters
    ----------
    calendar : Calendar
    count : int
        At least 2, and not above the number of business days.

    Returns
    -------
    ndarray of shape (count,), datetime64[s]
        Strictly ascending.

    Raises
    ------
    TableInvalid
        If there are fewer business days than bars.
    """
    first, last = np.datetime64(calendar.first), np.datetime64(calendar.last)
    days = np.arange(first, last + 1)
    business = days[np.is_busday(days)]
    if count > len(business):
        raise TableInvalid(
            f"{calendar.first} to {calendar.last} must have {count} business days, "
            f"had {len(business)}"
        )
    places = np.rint(np.linspace(0, len(business) - 1, count)).astype(np.intp)
    return business[places].astype("datetime64[s]")


def _read_cached(file: DataFile, cache: Path) -> Table:
    return read_table(cached_path(file, cache), file)


def _unroll(
    name: str, table: Table, calendar: Calendar
) -> tuple[TimeArray, tuple[str, ...], FloatArray]:
    # the files begin with the wealth after the first day: the unit it grew from stands before it
    closes = np.vstack([np.ones((1, table.closes.shape[1])), table.closes])
    prefix = name.replace("_", "").upper()
    symbols = tuple(f"{prefix}{number:02d}" for number in range(1, closes.shape[1] + 1))
    return spread_days(calendar, len(closes)), symbols, closes


def _join(name: str, tables: Sequence[Table]) -> tuple[TimeArray, tuple[str, ...], FloatArray]:
    symbols = tuple(symbol for table in tables for symbol in table.symbols)
    if len(set(symbols)) != len(symbols):
        raise TableInvalid(f"{name}: each symbol must stand once, had {', '.join(symbols)}")
    times = np.unique(np.concatenate([_times(table) for table in tables]))
    closes = np.full((len(times), len(symbols)), np.nan)
    column = 0
    for table in tables:
        width = len(table.symbols)
        closes[np.searchsorted(times, _times(table)), column : column + width] = table.closes
        column += width
    priced = np.isfinite(closes).any(axis=1)
    return times[priced], symbols, closes[priced]


def _times(table: Table) -> TimeArray:
    if table.times is None:
        raise TableInvalid("files without times cannot be joined")
    return table.times
