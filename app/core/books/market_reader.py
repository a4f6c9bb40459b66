"""What is asked of the market book: last prices, volatility, history, correlations."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.books.bar_fold import BarFold
from app.core.books.bars import BarClock
from app.core.books.columns import NEVER, SymbolColumns
from app.core.books.moments import PairMoments
from app.core.books.runs import Run
from app.core.params import MarketParams
from app.core.types import BoolArray, FloatArray, IntArray

_MIN_RETURNS_FOR_VOLATILITY: Final = 10
# so many bars in a row make a habit
_TOLD_FROM_BARS: Final = 5


@dataclass(frozen=True, slots=True)
class ReturnWindow:
    """Last bar returns of some symbols, right-aligned, that of the open bar included.

    All arrays have shape (n_symbols, length), oldest first. ``returns`` is r / sqrt(tau), NaN
    where a symbol has fewer; ``begins`` and ``ends`` number the bars of its values, and mean
    nothing there.
    """

    returns: FloatArray
    begins: IntArray
    ends: IntArray


@dataclass(frozen=True, slots=True)
class LastPrice:
    """A symbol's last believed price in USD a unit, and its stamp."""

    price: float
    at_ns: int


class MarketReader:
    """The questions that the market book answers; none changes what is believed."""

    def __init__(self, params: MarketParams) -> None:
        self._params = params
        self._clock = BarClock.of(params)
        self._columns = SymbolColumns(params)
        self._fold = BarFold(self._columns, self._clock, params)
        self._runs: dict[str, Run] = {}
        self._derive()
        self.version = 0
        self._restored = 0
        # when the first observation after bars were begun anew came: 0 while there is none
        self._anew_ns: int | None = None

    def _derive(self) -> None:
        self._moments = PairMoments(
            self._columns, self._fold, self._clock, self._params.correlation_decay
        )

    @property
    def moment(self) -> tuple[int, int]:
        """What a cached computation is valid for: changes with every change of the book."""
        return self._restored, self.version

    def symbols(self) -> list[str]:
        """Every tracked symbol, sorted."""
        return sorted(self._columns.row)

    @property
    def tracked(self) -> Collection[str]:
        """Every tracked symbol, in no order that means anything."""
        return self._columns.row.keys()

    def last(self, symbol: str) -> LastPrice | None:
        """Last believed price and its stamp, None before the first."""
        row = self._columns.row.get(symbol)
        if row is None or self._columns.price_ns[row] == NEVER:
            return None
        return LastPrice(float(self._columns.price[row]), int(self._columns.price_ns[row]))

    def last_price(self, symbol: str) -> float | None:
        """Last believed price in USD a unit, None before the first."""
        last = self.last(symbol)
        return None if last is None else last.price

    def run_of(self, symbol: str) -> Run | None:
        """Return the run of prices that are not believed yet, None where there is none."""
        return self._runs.get(symbol)

    def largest_move(self, symbol: str, reference: float, since_ns: int) -> float:
        """Largest |move| that is believed of a symbol since a time, fraction; 0 for none.

        Of the values of its bars, that of the open one included.

        Parameters
        ----------
        symbol : str
        reference : float, USD a unit, > 0
            Price that was believed at that time.
        since_ns : int
        """
        row, columns = self._columns.row.get(symbol), self._columns
        if row is None:
            return 0.0
        head = int(columns.head[row])
        later = columns.values[row, :head][columns.ends[row, :head] > since_ns].tolist()
        if columns.value_ns[row] > since_ns:
            later.append(float(columns.value[row]))
        moves = [abs(value / reference - 1.0) for value in later if not math.isnan(value)]
        return max(moves, default=0.0)

    def volatility(self, symbol: str) -> float | None:
        """Larger of the fast and the slow EWMA volatility of a bar, the open one included.

        None with fewer than 10 returns or none that moved.
        """
        each, stands = self.sigmas_over([symbol], self._params.bar_sec)
        return float(each[0]) if stands[0] else None

    def sigma_over(self, symbol: str, horizon_sec: float) -> float | None:
        """Volatility over a time in seconds: that of a bar times the root of its bars.

        None where :meth:`volatility` is.
        """
        each, stands = self.sigmas_over([symbol], horizon_sec)
        return float(each[0]) if stands[0] else None

    def sigmas_over(
        self, symbols: Sequence[str], horizon_sec: float
    ) -> tuple[FloatArray, BoolArray]:
        """Return :meth:`sigma_over` of n symbols, however few returns they have.

        Returns
        -------
        sigma : ndarray of shape (n,), >= 0
            0 where nothing moved yet.
        stands : bool array of shape (n,)
            Where it stands in for a claim: from 10 returns on, and if anything moved.
        """
        rows = np.array([self._columns.row.get(symbol, NEVER) for symbol in symbols], np.int64)
        tracked: BoolArray = rows >= 0
        sigma = np.where(tracked, self._fold.volatilities(rows), 0.0)
        enough = tracked & (self._fold.counts(rows) >= _MIN_RETURNS_FOR_VOLATILITY)
        return sigma * math.sqrt(horizon_sec / self._params.bar_sec), enough & (sigma > 0.0)

    def count(self, symbol: str) -> int:
        """Return how many bar returns were ever taken, that of the open bar included."""
        row = self._columns.row.get(symbol)
        return 0 if row is None else int(self._columns.count[row] + self._columns.moved[row])

    def any_history(self, symbols: Sequence[str]) -> bool:
        """Whether two of these symbols have returns, so that they may have joint ones."""
        rows = [row for row in map(self._columns.row.get, symbols) if row is not None]
        counts = self._columns.count[rows] + self._columns.moved[rows]
        return int(np.count_nonzero(counts)) > 1

    def correlations(self, symbols: Sequence[str]) -> tuple[FloatArray, IntArray]:
        """Return the raw correlations of these symbols and their joint bars, both (n, n).

        See :meth:`~app.core.books.moments.PairMoments.correlations`.
        """
        return self._moments.correlations(symbols)

    def window(self, symbols: Sequence[str]) -> ReturnWindow:
        """Last ``history`` bar returns of these symbols; untracked ones have none."""
        columns, length = self._columns, self._params.history
        rows = np.array([columns.row.get(symbol, NEVER) for symbol in symbols], dtype=np.int64)
        moving = self._fold.open_returns(rows)
        present = moving.present & (rows >= 0)
        heads = np.where(rows >= 0, columns.head[rows], 0) + present
        places = heads[:, None] - length + np.arange(length)
        valid = (places >= 0) & (rows >= 0)[:, None]
        slots = np.clip(places, 0, columns.returns.shape[1] - 1)
        starts, ends = columns.starts[rows[:, None], slots], columns.ends[rows[:, None], slots]
        returns = columns.returns[rows[:, None], slots] / np.sqrt(self._clock.tau(starts, ends))
        begins, closes = self._clock.bars_of(starts), self._clock.bars_of(ends)
        returns[present, -1] = (moving.returns / np.sqrt(moving.tau))[present]
        begins[present, -1], closes[present, -1] = moving.begins[present], moving.ends[present]
        return ReturnWindow(np.where(valid, returns, np.nan), begins, closes)

    def history(self, symbol: str) -> tuple[FloatArray, float | None]:
        """Last bar returns of a symbol, oldest first, and the median seconds between them.

        That of the open bar is the last; the time between two is that between their values.
        """
        row, columns, length = self._columns.row.get(symbol), self._columns, self._params.history
        if row is None:
            return np.empty(0), None
        head = int(columns.head[row])
        returns, ends = columns.returns[row, :head], columns.ends[row, :head]
        if columns.moved[row]:
            latest = self._fold.open_returns(np.array([row])).returns
            returns = np.concatenate((returns, latest))
            ends = np.concatenate((ends, columns.value_ns[row : row + 1]))
        returns, ends = returns[-length:].copy(), ends[-length:]
        gap = None
        if len(ends) > 1:
            gaps = np.sort(ends[1:] - ends[:-1])
            gap = float(gaps[len(gaps) // 2]) / 1e9
        return returns, gap

    # -- oddities ------------------------------------------------------------------------------

    def begun_anew(self, at_ns: int) -> bool:
        """Whether a time lies in the first bar since bars of another length or phase began."""
        if self._anew_ns is None:
            return False
        return self._clock.bar_of(at_ns) <= self._clock.bar_of(self._anew_ns)

    def standing_still(self, symbols: Sequence[str]) -> list[str]:
        """Return the symbols whose price has not changed for 5 bars or more."""
        columns = self._columns
        names, rows = self._tracked_rows(symbols)
        open_still = columns.moved[rows] & (columns.move[rows] == 0.0)
        unmoved = ~columns.moved[rows] | open_still
        mask = unmoved & (columns.still[rows] + open_still >= _TOLD_FROM_BARS)
        return [names[place] for place in np.flatnonzero(mask).tolist()]

    def near_edges(self, symbols: Sequence[str]) -> list[str]:
        """Return the symbols of whose last 5 bars every stamp lies within 1 % of an edge."""
        names, rows = self._tracked_rows(symbols)
        mask = (self._columns.edges[rows] >= _TOLD_FROM_BARS) & ~self._columns.inside[rows]
        return [names[place] for place in np.flatnonzero(mask).tolist()]

    def _tracked_rows(self, symbols: Sequence[str]) -> tuple[list[str], IntArray]:
        row = self._columns.row
        names = [symbol for symbol in symbols if symbol in row]
        return names, np.array([row[symbol] for symbol in names], dtype=np.int64)
