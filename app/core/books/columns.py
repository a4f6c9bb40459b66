"""Columns by symbol of what was observed: rows, room for symbols, export and restore."""

import base64
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

import numpy as np

from app.core.params import MarketParams
from app.core.types import BoolArray, FloatArray, IntArray

NEVER: Final = -1
# A return beyond 8 volatilities is a bad tick or a split sooner than a market, and one such
# square would rule the variance for a hundred observations.
CLIP_SIGMAS: Final = 8.0
CLIP_FROM: Final = 20
_END_OF_TIME: Final = 2**63 - 1


class SymbolColumns:
    """A row of numbers for each tracked symbol, at most ``max_symbols`` of them.

    Room goes to symbols that have signals or positions first, then to those that are tracked
    already, then to those seen last; never by name.

    Attributes
    ----------
    price, price_ns : arrays of shape (capacity,)
        Last believed price in USD a unit and its stamp; NaN and -1 before the first.
    return_ns, count : int arrays of shape (capacity,)
        Stamp of the last return, and how many returns were ever taken.
    variance, slow_variance : arrays of shape (capacity,), squared return per observation
    wanted_ns : int array of shape (capacity,)
        When the symbol last had a signal or a position; -1 for never.
    head : int array of shape (capacity,)
        End of the symbol's returns in ``returns``.
    returns, times : arrays of shape (capacity, 2 history)
    """

    price: FloatArray
    price_ns: IntArray
    return_ns: IntArray
    variance: FloatArray
    slow_variance: FloatArray
    count: IntArray
    wanted_ns: IntArray
    head: IntArray
    returns: FloatArray
    times: IntArray

    def __init__(self, params: MarketParams) -> None:
        self._params = params
        self.row: dict[str, int] = {}
        self._free: list[int] = []
        self._allocate(8)

    def _allocate(self, capacity: int) -> None:
        span = 2 * self._params.history
        self.price = np.full(capacity, np.nan)
        self.price_ns = _stamps(capacity)
        self.return_ns = _stamps(capacity)
        self.variance = np.zeros(capacity)
        self.slow_variance = np.zeros(capacity)
        self.count = np.zeros(capacity, dtype=np.int64)
        self.wanted_ns = _stamps(capacity)
        self.head = np.zeros(capacity, dtype=np.int64)
        self.returns = np.full((capacity, span), np.nan)
        self.times = np.full((capacity, span), NEVER, dtype=np.int64)

    def admit(self, timestamp_ns: int, symbols: Collection[str], first: AbstractSet[str]) -> None:
        """Give rows to new symbols as far as there is room, those of ``first`` before others."""
        new = [symbol for symbol in symbols if symbol not in self.row]
        wanted = [symbol for symbol in new if symbol in first]
        if wanted:
            self._make_room(len(wanted), self._droppable_for_wanted(timestamp_ns, symbols, first))
            self._add(wanted)
        rows = [self.row[symbol] for symbol in first if symbol in self.row]
        self.wanted_ns[rows] = np.maximum(self.wanted_ns[rows], timestamp_ns)
        if len(new) > len(wanted):
            # a known symbol of this call may have made room for one that matters more
            rest = [symbol for symbol in symbols if symbol not in self.row and symbol not in first]
            self._make_room(len(rest), self._droppable_for_others(timestamp_ns, symbols))
            self._add(rest)

    def drop(self, symbol: str) -> None:
        """Forget a symbol and free its row."""
        row = self.row.pop(symbol)
        self.price[row] = np.nan
        self.variance[row] = self.slow_variance[row] = 0.0
        self.price_ns[row] = self.return_ns[row] = self.wanted_ns[row] = NEVER
        self.count[row] = self.head[row] = 0
        self.returns[row], self.times[row] = np.nan, NEVER
        self._free.append(row)

    def append(self, rows: IntArray, values: FloatArray, timestamp_ns: int) -> BoolArray:
        """Take one finite return a row; return where it counted as 8 volatilities instead."""
        bound = self._clip_bounds(rows)
        clipped: BoolArray = np.abs(values) > bound
        if clipped.any():
            values = np.clip(values, -bound, bound)
        self._push(rows, values, timestamp_ns)
        squares = np.square(np.minimum(np.abs(values), 1e150))
        count = self.count[rows]
        decay, slow = self._params.volatility_decay, self._params.slow_decay
        self.variance[rows] = np.where(
            count == 0, squares, decay * self.variance[rows] + (1.0 - decay) * squares
        )
        # the weights of an EWMA from zero, so that the first of few returns does not rule it
        share = (1.0 - slow) / (1.0 - np.power(slow, count + 1.0))
        before = self.slow_variance[rows]
        self.slow_variance[rows] = before + share * (squares - before)
        self.count[rows] = count + 1
        self.return_ns[rows] = timestamp_ns
        return clipped

    def _push(self, rows: IntArray, values: FloatArray, timestamp_ns: int) -> None:
        """Put one return a row at the end of its history."""
        span = self.returns.shape[1]
        full = rows[self.head[rows] == span]
        if len(full):
            keep = self._params.history - 1
            self.returns[full, :keep] = self.returns[full, span - keep :]
            self.times[full, :keep] = self.times[full, span - keep :]
            self.head[full] = keep
        heads = self.head[rows]
        self.returns[rows, heads] = values
        self.times[rows, heads] = timestamp_ns
        self.head[rows] = heads + 1

    def _clip_bounds(self, rows: IntArray) -> FloatArray:
        """Return the largest |return| of each row that counts as it is; infinite while unknown."""
        variance = np.maximum(self.variance[rows], self.slow_variance[rows])
        known = (self.count[rows] >= CLIP_FROM) & (variance > 0.0)
        return np.where(known, CLIP_SIGMAS * np.sqrt(variance), np.inf)

    def _add(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            if len(self.row) >= self._params.max_symbols:
                return
            row = self._free.pop() if self._free else len(self.row)
            if row == len(self.price):
                self._grow()
            self.row[symbol] = row

    def _make_room(self, count: int, droppable: Iterable[str]) -> None:
        excess = len(self.row) + count - self._params.max_symbols
        if count > 0 and excess > 0:
            for symbol in list(droppable)[:excess]:
                self.drop(symbol)

    def _droppable_for_wanted(
        self, timestamp_ns: int, symbols: Collection[str], first: AbstractSet[str]
    ) -> Iterable[str]:
        """Yield whom a symbol that matters now may replace, the least important first."""
        given = set(symbols)
        ranked = [
            ((int(self.wanted_ns[row]), symbol in given, self._last_seen(row)), symbol)
            for symbol, row in self.row.items()
            if symbol not in first and self.wanted_ns[row] < timestamp_ns
        ]
        # ties stay in the order in which they came: no name is better than another
        ranked.sort(key=lambda entry: entry[0])
        return (symbol for _, symbol in ranked)

    def _droppable_for_others(self, timestamp_ns: int, symbols: Collection[str]) -> Iterable[str]:
        """Yield symbols that never mattered and were not seen for longest, none of this call."""
        given = set(symbols)
        ranked = [
            (self._last_seen(row), symbol)
            for symbol, row in self.row.items()
            if symbol not in given
            and self.wanted_ns[row] == NEVER
            and self._last_seen(row) < timestamp_ns
        ]
        ranked.sort(key=lambda entry: entry[0])
        return (symbol for _, symbol in ranked)

    def _last_seen(self, row: int) -> int:
        return int(max(self.price_ns[row], self.return_ns[row]))

    def _grow(self) -> None:
        old, size = self._all(), len(self.price)
        self._allocate(2 * size)
        for mine, theirs in zip(self._all(), old, strict=True):
            mine[:size] = theirs

    def _all(self) -> tuple[Any, ...]:
        return (*self._numbers(), self.returns, self.times)

    def _numbers(self) -> tuple[Any, ...]:
        """One number a symbol."""
        return (
            self.price,
            self.price_ns,
            self.return_ns,
            self.variance,
            self.slow_variance,
            self.count,
            self.wanted_ns,
            self.head,
        )

    def export(self) -> dict[str, Any]:
        """Return the exact state as JSON-able data (arrays as base64 of their bytes)."""
        rows = list(self.row.values())
        return {
            "symbols": list(self.row),
            "history": self._params.history,
            "columns": [
                base64.b64encode(np.ascontiguousarray(column[rows]).tobytes()).decode()
                for column in self._all()
            ],
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Replace the state by an exported one; smaller bounds keep the newest."""
        self.row = {symbol: row for row, symbol in enumerate(data["symbols"])}
        self._free = []
        used, span = len(self.row), 2 * data["history"]
        self._allocate(max(8, used))
        saved = [
            cast("Any", np.frombuffer(base64.b64decode(text), dtype=column.dtype))
            for column, text in zip(self._all(), data["columns"], strict=True)
        ]
        for column, raw in zip(self._numbers(), saved[:-2], strict=True):
            column[:used] = raw
        self._take_history(saved[-2].reshape(used, span), saved[-1].reshape(used, span))
        excess = used - self._params.max_symbols
        for symbol in list(self._droppable_for_wanted(_END_OF_TIME, (), frozenset()))[
            : max(excess, 0)
        ]:
            self.drop(symbol)

    def _take_history(self, returns: FloatArray, times: IntArray) -> None:
        used, span = returns.shape
        if span == self.returns.shape[1]:
            self.returns[:used], self.times[:used] = returns, times
            return
        for row, head in enumerate(self.head[:used].tolist()):
            kept = min(head, self._params.history, span // 2)
            self.returns[row, :kept] = returns[row, head - kept : head]
            self.times[row, :kept] = times[row, head - kept : head]
            self.head[row] = kept


def _stamps(capacity: int) -> IntArray:
    return np.full(capacity, NEVER, dtype=np.int64)
