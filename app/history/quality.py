"""What a price panel has besides prices: holes, jumps, stale and dead columns, symbol by symbol."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.types import BoolArray, FloatArray
from app.history.alike import find_fields, find_same_closes
from app.history.prices import DateArray, PricePanel, PricesInvalid

# a close that moves so far in log terms always counts: it doubles or halves
DOUBLED: Final = math.log(2.0)
# below that a move counts from 20 volatilities on; 3:2 splits of calm instruments do, and of 20 US
# stocks in 33 years nothing else
SPLIT_FROM: Final = 0.375
SPLIT_VOLATILITIES: Final = 20.0
# a tick that comes back is judged by less, since few real moves do
TICK_FROM: Final = 0.15
TICK_VOLATILITIES: Final = 10.0
TICK_LASTS: Final = 3
HOLIDAYS: Final = 7
# a market that never closes has 2 of 7 days on weekends
WEEKENDS_FROM: Final = 0.2
_LARGEST: Final = 700.0
_NEIGHBOURS: Final = 25
# the standard deviation of a normal variable over its median distance from zero
_DEVIATIONS: Final = 1.4826


@dataclass(frozen=True, slots=True)
class Jump:
    """A close on ``day`` that is ``ratio`` times the one before."""

    day: str
    ratio: float


@dataclass(frozen=True, slots=True)
class FlatRun:
    """Closes that did not change: how many in a row equal the one before, from when to when."""

    closes: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class SymbolQuality:
    """One column, over the days of the whole file.

    Parameters
    ----------
    symbol : str
    first, last : str or None
        Days of its first and last close; None in a column without any.
    missing_share : float, fraction of days
        Without a close, before the first and after the last included.
    missing_before, missing_after : int, days
        Of the file before the first close and after the last.
    holes, missing_between, longest_hole : int, runs of days; days; days
        Without a close between the first and the last.
    splits : tuple of Jump
        Closes that double, halve or jump and stay: a split not adjusted for would be among them.
    bad_ticks : tuple of Jump
        Closes that jump and come back within three.
    flat : FlatRun or None
        The longest run of equal closes; None where each differs from the one before.
    usual_move : float or None, log return per close
        1.4826 times the median absolute one: a volatility that no jump raises; None without one.
    """

    symbol: str
    first: str | None = None
    last: str | None = None
    missing_share: float = 1.0
    missing_before: int = 0
    missing_after: int = 0
    holes: int = 0
    missing_between: int = 0
    longest_hole: int = 0
    splits: tuple[Jump, ...] = ()
    bad_ticks: tuple[Jump, ...] = ()
    flat: FlatRun | None = None
    usual_move: float | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Neighbouring days of the file with none between them."""

    after: str
    before: str
    days: int


@dataclass(frozen=True, slots=True)
class PanelQuality:
    """A panel's columns, those without any close among them, and the gaps between its days.

    Parameters
    ----------
    n_days : int
    gaps : tuple of Gap, in order
        Longer than a market's holidays: more than a week, in a market that never closes more than
        a day, in a file of weeks or months more than seven of them.
    symbols : tuple of SymbolQuality, in the order of the file
    same_closes : tuple of pairs of symbols
        An earlier column and one with the same closes.
    like_fields : tuple of str, length 4 or 0
        Columns that behave as open, high, low and close of one instrument.
    """

    n_days: int
    gaps: tuple[Gap, ...]
    symbols: tuple[SymbolQuality, ...]
    same_closes: tuple[tuple[str, str], ...]
    like_fields: tuple[str, ...]

    @property
    def empty(self) -> tuple[str, ...]:
        """Symbols without any close."""
        return tuple(each.symbol for each in self.symbols if each.first is None)


def measure_quality(panel: PricePanel) -> PanelQuality:
    """Measure a panel; nothing of it is changed."""
    return PanelQuality(
        n_days=len(panel.dates),
        gaps=tuple(_gaps(panel.dates)),
        symbols=tuple(
            _column(symbol, panel.dates, panel.closes[:, place])
            for place, symbol in enumerate(panel.symbols)
        ),
        same_closes=tuple(find_same_closes(panel)),
        like_fields=find_fields(panel),
    )


def without_empty(panel: PricePanel) -> PricePanel:
    """Return the panel without columns that hold no close, since those are no instruments.

    Raises
    ------
    PricesInvalid
        If no column is left.
    """
    filled = np.isfinite(panel.closes).any(axis=0)
    if not filled.any():
        raise PricesInvalid(f"no column has a price: {', '.join(panel.symbols)} are empty")
    symbols = tuple(np.array(panel.symbols, dtype=object)[filled].tolist())
    return PricePanel(panel.dates, symbols, panel.closes[:, filled])


def _gaps(dates: DateArray) -> Iterator[Gap]:
    between = np.diff(dates).astype(np.int64)
    if not len(between):
        return
    usual = max(1, int(np.median(between)))
    weekends = float((~np.is_busday(dates)).mean())
    longest = 1 if usual == 1 and weekends >= WEEKENDS_FROM else HOLIDAYS * usual
    for row in np.flatnonzero(between > longest).tolist():
        yield Gap(str(dates[row]), str(dates[row + 1]), int(between[row]))


def _column(symbol: str, dates: DateArray, closes: FloatArray) -> SymbolQuality:
    known = np.isfinite(closes)
    rows = np.flatnonzero(known)
    if not len(rows):
        return SymbolQuality(symbol)
    days, prices = dates[known], closes[known]
    inside = ~known[rows[0] : rows[-1]]
    moves = np.diff(np.log(prices))
    ticks, jumps = _jumps(moves)
    return SymbolQuality(
        symbol=symbol,
        first=str(days[0]),
        last=str(days[-1]),
        missing_share=1.0 - len(rows) / len(dates),
        missing_before=int(rows[0]),
        missing_after=len(dates) - 1 - int(rows[-1]),
        holes=len(_runs(inside)),
        missing_between=int(inside.sum()),
        longest_hole=max((stop - start for start, stop in _runs(inside)), default=0),
        splits=tuple(_jump(days, moves, row) for row in jumps),
        bad_ticks=tuple(_jump(days, moves, row) for row in ticks),
        flat=_longest_flat(days, moves),
        usual_move=_DEVIATIONS * float(np.median(np.abs(moves))) if len(moves) else None,
    )


def _jump(days: DateArray, moves: FloatArray, row: int) -> Jump:
    # a float has no room for the ratio of its largest number to its smallest
    return Jump(str(days[row + 1]), math.exp(min(moves[row], _LARGEST)))


def _jumps(moves: FloatArray) -> tuple[list[int], list[int]]:
    """Sort the far moves into first moves of ticks that come back, and moves that stay.

    Parameters
    ----------
    moves : ndarray of shape (n,), log returns between neighbouring closes
    """
    ticks: list[int] = []
    stays: list[int] = []
    back_at = -1
    for row in np.flatnonzero(np.abs(moves) >= TICK_FROM).tolist():
        if row <= back_at:
            continue
        volatility = _usual_move(moves, row)
        size = abs(moves[row])
        back = _comes_back(moves, row)
        if back is not None and size >= min(DOUBLED, TICK_VOLATILITIES * volatility):
            ticks.append(row)
            back_at = back
        elif size >= min(DOUBLED, max(SPLIT_FROM, SPLIT_VOLATILITIES * volatility)):
            stays.append(row)
    return ticks, stays


def _comes_back(moves: FloatArray, row: int) -> int | None:
    """Return the move that ends a tick, by which three quarters of the jump are undone."""
    size = abs(moves[row])
    for back in range(row + 1, min(row + 1 + TICK_LASTS, len(moves))):
        left = abs(moves[row : back + 1].sum())
        if moves[back] * moves[row] < 0.0 and abs(moves[back]) >= size / 2 and left <= size / 4:
            return back
    return None


def _usual_move(moves: FloatArray, row: int) -> float:
    """Return a volatility that the move itself does not raise: of the column, or around it."""
    around = moves[max(0, row - _NEIGHBOURS) : row + _NEIGHBOURS + 1]
    middle = max(float(np.median(np.abs(each))) for each in (moves, around))
    return _DEVIATIONS * middle


def _longest_flat(days: DateArray, moves: FloatArray) -> FlatRun | None:
    runs = _runs(moves == 0.0)
    if not runs:
        return None
    start, stop = max(runs, key=lambda run: run[1] - run[0])
    return FlatRun(stop - start, str(days[start]), str(days[stop]))


def _runs(holds: BoolArray) -> list[tuple[int, int]]:
    """Return first and one past the last row of every run of true."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], holds, [False])).astype(np.int8)))
    return list(_pairs(edges.tolist()))


def _pairs(edges: list[int]) -> Iterator[tuple[int, int]]:
    yield from zip(edges[::2], edges[1::2], strict=True)
