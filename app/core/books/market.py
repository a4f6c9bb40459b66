"""Prices and returns that the service has seen: last price, return history, EWMA variance."""

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from app.core.params import MarketParams
from app.core.types import BoolArray, FloatArray, IntArray

_NEVER = -1
_END_OF_TIME = 2**63
_MIN_RETURNS_FOR_VOLATILITY = 10


@dataclass(frozen=True, slots=True)
class ReturnWindow:
    """Last returns of some symbols, right-aligned.

    ``returns`` and ``times_ns`` have shape (n_symbols, length), oldest first, NaN and -1 where a
    symbol has fewer; ``aligned`` says that every row is full and all have the same timestamps.
    """

    returns: FloatArray
    times_ns: IntArray
    aligned: bool


class MarketBook:
    """Columns by symbol; an observation counts once per symbol and timestamp.

    A price gives a return against the symbol's previous price, unless returns were reported
    since that price (they would count twice). Beyond ``max_symbols`` the symbol seen longest ago
    gives way; a symbol for which there is no room is not tracked.
    """

    def __init__(self, params: MarketParams) -> None:
        self._params = params
        self._row: dict[str, int] = {}
        self._free: list[int] = []
        self.version = 0
        self._restored = 0
        self._allocate(8)

    def _allocate(self, capacity: int) -> None:
        span = 2 * self._params.history
        self._price = np.full(capacity, np.nan)
        self._price_ns: IntArray = np.full(capacity, _NEVER, dtype=np.int64)
        self._return_ns: IntArray = np.full(capacity, _NEVER, dtype=np.int64)
        self._variance = np.zeros(capacity)
        self._count: IntArray = np.zeros(capacity, dtype=np.int64)
        self._head: IntArray = np.zeros(capacity, dtype=np.int64)
        self._returns = np.full((capacity, span), np.nan)
        self._times: IntArray = np.full((capacity, span), _NEVER, dtype=np.int64)

    # -- observing -----------------------------------------------------------------------------

    def observe_prices(self, timestamp_ns: int, prices: Mapping[str, float]) -> int:
        """Take prices (USD a unit, > 0) at one time; return how many were new."""
        rows, values = self._rows_for(timestamp_ns, prices)
        fresh = timestamp_ns > self._price_ns[rows]
        if not fresh.any():
            return 0
        rows, values = rows[fresh], values[fresh]
        before = self._price[rows]
        with np.errstate(over="ignore"):
            change = values / before - 1.0
        covers_new_time = self._return_ns[rows] <= self._price_ns[rows]
        usable = np.isfinite(change) & covers_new_time & (self._return_ns[rows] < timestamp_ns)
        self._append(rows[usable], change[usable], timestamp_ns)
        self._price[rows] = values
        self._price_ns[rows] = timestamp_ns
        self.version += 1
        return len(rows)

    def observe_returns(self, timestamp_ns: int, returns: Mapping[str, float]) -> int:
        """Take simple returns (fraction per period) at one time; return how many were new."""
        rows, values = self._rows_for(timestamp_ns, returns)
        fresh: BoolArray = timestamp_ns > self._return_ns[rows]
        if not fresh.any():
            return 0
        self._append(rows[fresh], values[fresh], timestamp_ns)
        self.version += 1
        return int(fresh.sum())

    def _append(self, rows: IntArray, values: FloatArray, timestamp_ns: int) -> None:
        if not len(rows):
            return
        span = self._returns.shape[1]
        full = rows[self._head[rows] == span]
        if len(full):
            keep = self._params.history - 1
            self._returns[full, :keep] = self._returns[full, span - keep :]
            self._times[full, :keep] = self._times[full, span - keep :]
            self._head[full] = keep
        heads = self._head[rows]
        self._returns[rows, heads] = values
        self._times[rows, heads] = timestamp_ns
        self._head[rows] = heads + 1
        decay = self._params.volatility_decay
        squares = np.square(np.minimum(np.abs(values), 1e100))
        first = self._count[rows] == 0
        self._variance[rows] = np.where(
            first, squares, decay * self._variance[rows] + (1.0 - decay) * squares
        )
        self._count[rows] += 1
        self._return_ns[rows] = timestamp_ns

    def _rows_for(
        self, timestamp_ns: int, values: Mapping[str, float]
    ) -> tuple[IntArray, FloatArray]:
        known = self._row
        if not all(symbol in known for symbol in values):
            self._admit(timestamp_ns, values)
        rows = [known.get(symbol, _NEVER) for symbol in values]
        index = np.array(rows, dtype=np.int64)
        numbers = np.array(list(values.values()), dtype=np.float64)
        tracked = index >= 0
        return (index, numbers) if tracked.all() else (index[tracked], numbers[tracked])

    def _admit(self, timestamp_ns: int, values: Mapping[str, float]) -> None:
        """Give rows to new symbols, in the order of their names, as far as there is room."""
        new = sorted(symbol for symbol in values if symbol not in self._row)
        self._evict(len(self._row) + len(new) - self._params.max_symbols, timestamp_ns, values)
        for symbol in new[: self._params.max_symbols - len(self._row)]:
            row = self._free.pop() if self._free else len(self._row)
            if row == len(self._price):
                self._grow()
            self._row[symbol] = row

    def _evict(self, count: int, timestamp_ns: int, kept: Mapping[str, float]) -> None:
        """Drop the symbols seen longest ago, none of ``kept`` and none seen at this time."""
        if count <= 0:
            return
        stale = sorted(
            (self._last_seen(row), symbol)
            for symbol, row in self._row.items()
            if symbol not in kept and self._last_seen(row) < timestamp_ns
        )
        for _, symbol in stale[:count]:
            row = self._row.pop(symbol)
            self._clear(row)
            self._free.append(row)

    def _last_seen(self, row: int) -> int:
        return int(max(self._price_ns[row], self._return_ns[row]))

    def _clear(self, row: int) -> None:
        self._price[row], self._variance[row] = np.nan, 0.0
        self._price_ns[row] = self._return_ns[row] = _NEVER
        self._count[row] = self._head[row] = 0
        self._returns[row], self._times[row] = np.nan, _NEVER

    def _grow(self) -> None:
        old = self._columns()
        size = len(self._price)
        self._allocate(2 * size)
        for mine, theirs in zip(self._columns(), old, strict=True):
            mine[:size] = theirs

    def _columns(self) -> tuple[Any, ...]:
        return (
            self._price,
            self._price_ns,
            self._return_ns,
            self._variance,
            self._count,
            self._head,
            self._returns,
            self._times,
        )

    # -- asking --------------------------------------------------------------------------------

    @property
    def moment(self) -> tuple[int, int]:
        """What a cached computation is valid for: changes with every change of the book."""
        return self._restored, self.version

    def symbols(self) -> list[str]:
        """Every tracked symbol, sorted."""
        return sorted(self._row)

    def last_price(self, symbol: str) -> float | None:
        """Last price in USD a unit, None when never seen."""
        row = self._row.get(symbol)
        if row is None or self._price_ns[row] == _NEVER:
            return None
        return float(self._price[row])

    def volatility(self, symbol: str) -> float | None:
        """EWMA volatility per observation, None with fewer than 10 returns or none that moved."""
        row = self._row.get(symbol)
        if row is None or self._count[row] < _MIN_RETURNS_FOR_VOLATILITY:
            return None
        value = math.sqrt(self._variance[row])
        return value if value > 0.0 else None

    def count(self, symbol: str) -> int:
        """Return how many returns were ever taken for the symbol."""
        row = self._row.get(symbol)
        return 0 if row is None else int(self._count[row])

    def any_history(self, symbols: Sequence[str]) -> bool:
        """Whether two of these symbols have enough returns for a correlation."""
        rows = [row for row in map(self._row.get, symbols) if row is not None]
        return int((self._count[rows] >= self._params.min_joint_returns).sum()) > 1

    def window(self, symbols: Sequence[str]) -> ReturnWindow:
        """Last ``history`` returns of these symbols; untracked ones have none."""
        length = self._params.history
        rows = np.array([self._row.get(symbol, _NEVER) for symbol in symbols], dtype=np.int64)
        heads = np.where(rows >= 0, self._head[rows], 0)
        if len(rows) and (rows >= 0).all() and (heads == heads[0]).all():
            start = max(int(heads[0]) - length, 0)
            times = self._times[rows, start : heads[0]]
            returns = self._returns[rows, start : heads[0]]
            return ReturnWindow(returns, times, aligned=bool((times == times[0]).all()))
        columns = heads[:, None] - length + np.arange(length)
        valid = columns >= 0
        columns = np.maximum(columns, 0)
        returns = np.where(valid, self._returns[rows[:, None], columns], np.nan)
        times = np.where(valid, self._times[rows[:, None], columns], _NEVER)
        return ReturnWindow(returns, times, aligned=False)

    def history(self, symbol: str) -> tuple[FloatArray, float | None]:
        """Last returns of a symbol, oldest first, and the median seconds between them."""
        row = self._row.get(symbol)
        if row is None:
            return np.empty(0), None
        head = int(self._head[row])
        start = max(head - self._params.history, 0)
        times = self._times[row, start:head]
        gap = None
        if len(times) > 1:
            gaps = np.sort(times[1:] - times[:-1])
            gap = float(gaps[len(gaps) // 2]) / 1e9
        return self._returns[row, start:head].copy(), gap

    # -- surviving -----------------------------------------------------------------------------

    def export(self) -> dict[str, Any]:
        """JSON-able exact state (arrays as base64 of their bytes)."""
        rows = list(self._row.values())
        return {
            "symbols": list(self._row),
            "version": self.version,
            "history": self._params.history,
            "columns": [
                base64.b64encode(np.ascontiguousarray(column[rows]).tobytes()).decode()
                for column in self._columns()
            ],
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state; smaller bounds keep the newest."""
        self._row = {symbol: row for row, symbol in enumerate(data["symbols"])}
        self._free = []
        self._restored += 1
        self.version = data["version"]
        used, span = len(self._row), 2 * data["history"]
        self._allocate(max(8, used))
        saved = [
            cast("Any", np.frombuffer(base64.b64decode(text), dtype=column.dtype))
            for column, text in zip(self._columns(), data["columns"], strict=True)
        ]
        for column, raw in zip(self._columns()[:6], saved[:6], strict=True):
            column[:used] = raw
        self._take_history(saved[6].reshape(used, span), saved[7].reshape(used, span))
        self._evict(used - self._params.max_symbols, _END_OF_TIME, {})

    def _take_history(self, returns: FloatArray, times: IntArray) -> None:
        used, span = returns.shape
        if span == self._returns.shape[1]:
            self._returns[:used], self._times[:used] = returns, times
            return
        for row, head in enumerate(self._head[:used].tolist()):
            kept = min(head, self._params.history, span // 2)
            self._returns[row, :kept] = returns[row, head - kept : head]
            self._times[row, :kept] = times[row, head - kept : head]
            self._head[row] = kept
