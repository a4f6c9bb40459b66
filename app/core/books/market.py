"""Prices and returns that are believed: last price, return history, EWMA variance."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from app.core.books.columns import NEVER, SymbolColumns
from app.core.books.observed import ObservedSymbols, PriceReport
from app.core.books.runs import Run, extend_run, price_jump_mask
from app.core.errors import FieldProblem, InvalidInput, UnknownSymbol
from app.core.params import MarketParams
from app.core.types import BoolArray, FloatArray, IntArray

__all__ = ["LastPrice", "MarketBook", "PriceReport", "ReturnWindow"]

_MIN_RETURNS_FOR_VOLATILITY: Final = 10
_OBSERVED_SEC: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class ReturnWindow:
    """Last returns of some symbols, right-aligned.

    ``returns`` and ``times_ns`` have shape (n_symbols, length), oldest first, NaN and -1 where a
    symbol has fewer; ``aligned`` says that every row is full and all have the same timestamps.
    """

    returns: FloatArray
    times_ns: IntArray
    aligned: bool


@dataclass(frozen=True, slots=True)
class LastPrice:
    """A symbol's last believed price in USD a unit, and its stamp."""

    price: float
    at_ns: int


class MarketBook:
    """What is believed of each symbol; an observation counts once per symbol and timestamp.

    A price gives a return against the symbol's last believed price, unless returns were reported
    since that price (they would count twice), or the price was believed only because a run of
    observations confirmed it.
    """

    def __init__(self, params: MarketParams) -> None:
        self._params = params
        self._columns = SymbolColumns(params)
        self._runs: dict[str, Run] = {}
        self.version = 0
        self._restored = 0

    # -- observing -----------------------------------------------------------------------------

    def observe_prices(
        self,
        timestamp_ns: int,
        prices: Mapping[str, float],
        *,
        jump_from: float = 0.0,
        first: Collection[str] = (),
    ) -> PriceReport:
        """Learn prices at one time, unless they are older or too far from what is believed.

        Parameters
        ----------
        timestamp_ns : int
        prices : mapping of symbol to USD a unit, finite and > 0
        jump_from : float, fraction in [0, 1)
            See :func:`~app.core.books.runs.is_price_jump`; 0 believes everything.
        first : collection of str
            Symbols with signals or positions, which find room before others.
        """
        seen, columns = self._seen(timestamp_ns, prices, first), self._columns
        fresh: BoolArray = timestamp_ns > columns.price_ns[seen.rows]
        if not fresh.all():
            seen.older = seen.pick(~fresh)
        doubted = fresh & price_jump_mask(seen.values, columns.price[seen.rows], jump_from)
        continuous = fresh & ~doubted
        learnt = continuous
        if doubted.any():
            learnt = learnt | self._doubt(timestamp_ns, seen, doubted)
        if not learnt.any():
            return seen.report([], ())
        clipped = self._returns_of(timestamp_ns, seen, continuous)
        rows = seen.rows[learnt]
        columns.price[rows], columns.price_ns[rows] = seen.values[learnt], timestamp_ns
        accepted = seen.pick(learnt)
        if self._runs:
            for symbol in accepted:
                self._runs.pop(symbol, None)
        self.version += 1
        return seen.report(accepted, clipped)

    def observe_returns(
        self, timestamp_ns: int, returns: Mapping[str, float], *, first: Collection[str] = ()
    ) -> PriceReport:
        """Learn simple returns (fraction per period) at one time, unless they are older."""
        seen = self._seen(timestamp_ns, returns, first)
        fresh: BoolArray = timestamp_ns > self._columns.return_ns[seen.rows]
        seen.older = seen.pick(~fresh)
        if not fresh.any():
            return seen.report([], ())
        clipped = self._append(seen, fresh, seen.values, timestamp_ns)
        self.version += 1
        return seen.report(seen.pick(fresh), clipped)

    def _seen(
        self, timestamp_ns: int, values: Mapping[str, float], first: Collection[str]
    ) -> ObservedSymbols:
        tracked = self._columns.row
        if first or not all(symbol in tracked for symbol in values):
            self._columns.admit(timestamp_ns, values.keys(), frozenset(first))
            self._runs = {name: run for name, run in self._runs.items() if name in tracked}
        names = [symbol for symbol in values if symbol in tracked]
        no_room: tuple[str, ...] = ()
        if len(names) < len(values):
            no_room = tuple(symbol for symbol in values if symbol not in tracked)
        rows = np.array([tracked[symbol] for symbol in names], dtype=np.int64)
        numbers = np.array([values[symbol] for symbol in names], dtype=np.float64)
        return ObservedSymbols(names, rows, numbers, no_room)

    def _doubt(self, timestamp_ns: int, seen: ObservedSymbols, doubted: BoolArray) -> BoolArray:
        """Keep the runs of prices that are not believed; return where one is confirmed now."""
        confirmed: BoolArray = np.zeros(len(doubted), dtype=np.bool_)
        for place in np.flatnonzero(doubted).tolist():
            symbol = seen.names[place]
            before = self._runs.get(symbol)
            if before is not None and timestamp_ns <= before.last_ns:
                seen.older.append(symbol)
                continue
            run = extend_run(before, float(seen.values[place]), timestamp_ns)
            self._runs[symbol] = run
            confirmed[place] = run.confirmed
            (seen.confirmed if run.confirmed else seen.disbelieved).append(symbol)
        return confirmed

    def _returns_of(
        self, timestamp_ns: int, seen: ObservedSymbols, continuous: BoolArray
    ) -> tuple[str, ...]:
        """Learn the returns that believed prices imply; return the clipped symbols."""
        columns, rows = self._columns, seen.rows
        with np.errstate(over="ignore"):
            change = seen.values / columns.price[rows] - 1.0
        last = columns.return_ns[rows]
        covers_new_time = (last <= columns.price_ns[rows]) & (last < timestamp_ns)
        usable: BoolArray = continuous & np.isfinite(change) & covers_new_time
        return self._append(seen, usable, change, timestamp_ns)

    def _append(
        self, seen: ObservedSymbols, mask: BoolArray, values: FloatArray, timestamp_ns: int
    ) -> tuple[str, ...]:
        if not mask.any():
            return ()
        clipped = self._columns.append(seen.rows[mask], values[mask], timestamp_ns)
        if not clipped.any():
            return ()
        names = seen.pick(mask)
        return tuple(names[place] for place in np.flatnonzero(clipped).tolist())

    # -- correcting ----------------------------------------------------------------------------

    def accept(self, symbol: str, price: float, timestamp_ns: int) -> float | None:
        """Believe a price because an operator says so; return what was believed before.

        No return is learnt across it, and the run against it ends.

        Raises
        ------
        UnknownSymbol
            If the symbol is not tracked.
        """
        row, columns = self._row(symbol), self._columns
        was = self.last(symbol)
        columns.price[row] = price
        columns.price_ns[row] = max(int(columns.price_ns[row]), timestamp_ns)
        self._runs.pop(symbol, None)
        self.version += 1
        return None if was is None else was.price

    def split(self, symbol: str, ratio: float) -> int:
        """Divide what is known of a symbol's price by a ratio > 0 (new units per old one).

        Returns
        -------
        int
            How many returns are kept, as they are.

        Raises
        ------
        UnknownSymbol
            If the symbol is not tracked.
        InvalidInput
            If no finite price > 0 would be left; nothing has changed then.
        """
        row, columns = self._row(symbol), self._columns
        price = float(columns.price[row]) / ratio
        if not math.isnan(price) and not (math.isfinite(price) and price > 0.0):
            raise InvalidInput(FieldProblem("ratio", "must leave a price > 0", ratio))
        columns.price[row] = price
        if symbol in self._runs:
            self._runs[symbol] = self._runs[symbol].scaled(ratio)
        self.version += 1
        return self._kept(row)

    def forget(self, symbol: str) -> int:
        """Forget a symbol's prices and returns, and free its room; return how many returns.

        Raises
        ------
        UnknownSymbol
            If the symbol is not tracked.
        """
        kept = self._kept(self._row(symbol))
        self._columns.drop(symbol)
        self._runs.pop(symbol, None)
        self.version += 1
        return kept

    def _row(self, symbol: str) -> int:
        row = self._columns.row.get(symbol)
        if row is None:
            raise UnknownSymbol(f"nothing is known of symbol {symbol!r}")
        return row

    def _kept(self, row: int) -> int:
        return min(int(self._columns.head[row]), self._params.history)

    # -- asking --------------------------------------------------------------------------------

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

    def largest_move(self, symbol: str, reference: float, since_ns: int) -> float:
        """Largest |move| that is believed of a symbol since a time, fraction; 0 for none.

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
        start = max(head - self._params.history, 0)
        later = columns.times[row, start:head] > since_ns
        with np.errstate(over="ignore"):
            path = np.cumprod(1.0 + columns.returns[row, start:head][later])
            moves = np.abs(path - 1.0)
        largest = float(moves.max()) if len(moves) else 0.0
        if columns.price_ns[row] > since_ns:
            largest = max(largest, abs(float(columns.price[row]) / reference - 1.0))
        return largest

    def run_of(self, symbol: str) -> Run | None:
        """Return the run of prices that are not believed yet, None where there is none."""
        return self._runs.get(symbol)

    def volatility(self, symbol: str) -> float | None:
        """Larger of the fast and the slow EWMA volatility per observation.

        None with fewer than 10 returns or none that moved.
        """
        row, columns = self._columns.row.get(symbol), self._columns
        if row is None or columns.count[row] < _MIN_RETURNS_FOR_VOLATILITY:
            return None
        value = math.sqrt(max(columns.variance[row], columns.slow_variance[row]))
        return value if value > 0.0 else None

    def sigma_over(self, symbol: str, horizon_sec: float) -> float | None:
        """Volatility over a time in seconds: that of an observation, each taken as a day apart.

        None where :meth:`volatility` is.
        """
        each = self.volatility(symbol)
        return None if each is None else each * math.sqrt(horizon_sec / _OBSERVED_SEC)

    def count(self, symbol: str) -> int:
        """Return how many returns were ever taken for the symbol."""
        row = self._columns.row.get(symbol)
        return 0 if row is None else int(self._columns.count[row])

    def any_history(self, symbols: Sequence[str]) -> bool:
        """Whether two of these symbols have enough returns for a correlation."""
        rows = [row for row in map(self._columns.row.get, symbols) if row is not None]
        return int((self._columns.count[rows] >= self._params.min_joint_returns).sum()) > 1

    def window(self, symbols: Sequence[str]) -> ReturnWindow:
        """Last ``history`` returns of these symbols; untracked ones have none."""
        columns, length = self._columns, self._params.history
        rows = np.array([columns.row.get(symbol, NEVER) for symbol in symbols], dtype=np.int64)
        heads = np.where(rows >= 0, columns.head[rows], 0)
        if len(rows) and (rows >= 0).all() and (heads == heads[0]).all():
            start = max(int(heads[0]) - length, 0)
            times = columns.times[rows, start : heads[0]]
            returns = columns.returns[rows, start : heads[0]]
            return ReturnWindow(returns, times, aligned=bool((times == times[0]).all()))
        places = heads[:, None] - length + np.arange(length)
        valid = places >= 0
        places = np.maximum(places, 0)
        returns = np.where(valid, columns.returns[rows[:, None], places], np.nan)
        times = np.where(valid, columns.times[rows[:, None], places], NEVER)
        return ReturnWindow(returns, times, aligned=False)

    def history(self, symbol: str) -> tuple[FloatArray, float | None]:
        """Last returns of a symbol, oldest first, and the median seconds between them."""
        row, columns = self._columns.row.get(symbol), self._columns
        if row is None:
            return np.empty(0), None
        head = int(columns.head[row])
        start = max(head - self._params.history, 0)
        times = columns.times[row, start:head]
        gap = None
        if len(times) > 1:
            gaps = np.sort(times[1:] - times[:-1])
            gap = float(gaps[len(gaps) // 2]) / 1e9
        return columns.returns[row, start:head].copy(), gap

    # -- surviving -----------------------------------------------------------------------------

    def export(self) -> dict[str, Any]:
        """JSON-able exact state."""
        runs = {symbol: run.export() for symbol, run in self._runs.items()}
        return {"version": self.version, "runs": runs, **self._columns.export()}

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state; smaller bounds keep the newest."""
        self._restored += 1
        self.version = data["version"]
        self._columns.restore(data)
        tracked = self._columns.row
        self._runs = {
            symbol: Run(*run) for symbol, run in data["runs"].items() if symbol in tracked
        }
