"""Columns by symbol of what was observed: rows, room for symbols, export and restore."""

import base64
from collections.abc import Collection, Iterable
from collections.abc import Set as AbstractSet
from typing import Any, Final, cast

import numpy as np

from app.core.params import MarketParams
from app.core.types import BoolArray, FloatArray, IntArray

NEVER: Final = -1
_END_OF_TIME: Final = 2**63 - 1
# what each column holds of a symbol that was just admitted
_NUMBERS: Final[dict[str, float | int | bool]] = {
    "price": np.nan,
    "value": np.nan,
    "move": 0.0,
    "fast_sum": 0.0,
    "fast_weight": 0.0,
    "slow_sum": 0.0,
    "slow_weight": 0.0,
    "bound": np.inf,
    "price_ns": NEVER,
    "covered_ns": NEVER,
    "value_ns": NEVER,
    "base_ns": NEVER,
    "wanted_ns": NEVER,
    "count": 0,
    "still": 0,
    "edges": 0,
    "head": 0,
    "moved": False,
    "by_returns": False,
    "told": False,
    "inside": False,
}
_RINGS: Final[dict[str, float | int]] = {
    "returns": np.nan,
    "values": np.nan,
    "starts": NEVER,
    "ends": NEVER,
}


class SymbolColumns:
    """A row of numbers for each tracked symbol, at most ``max_symbols`` of them.

    Room goes to symbols that have signals or positions first, then to those that are tracked
    already, then to those seen last; never by name.

    Attributes
    ----------
    price, price_ns : arrays of shape (capacity,)
        Last believed price in USD a unit and its stamp; NaN and -1 before the first.
    covered_ns : int array of shape (capacity,)
        Until when the symbol's moves were learnt, from returns or prices; -1 for never.
    value, value_ns : arrays of shape (capacity,)
        Level of the symbol in USD a unit (its price, moved by returns since; NaN without a price)
        and the newest stamp of a value of the open bar; -1 before the first.
    base_ns, move : arrays of shape (capacity,)
        Stamp from which the return of the open bar counts, and that return so far.
    moved, by_returns, told, inside : bool arrays of shape (capacity,)
        Of the open bar: whether it has a return; whether returns were posted in it; whether it
        was told that its return is clipped; whether a stamp in it keeps off its edges.
    fast_sum, fast_weight, slow_sum, slow_weight : arrays of shape (capacity,)
        S and W of both EWMAs over the closed bars.
    bound : array of shape (capacity,)
        Largest |return| of a whole bar that is not clipped; infinite while that is not known.
    count, still, edges : int arrays of shape (capacity,)
        Returns of closed bars ever taken; how many at the end are 0; bars in a row whose stamps
        all lie near an edge.
    wanted_ns : int array of shape (capacity,)
        When the symbol last had a signal or a position; -1 for never.
    head, epoch : int arrays of shape (capacity,)
        End of the symbol's closed bars in the rings, and a number that changes when older ones
        than the last were dropped.
    returns, values, starts, ends : arrays of shape (capacity, 2 history)
        Of closed bars with a return: the return, the value in USD, and the stamps of the values
        between which it lies.
    """

    price: FloatArray
    value: FloatArray
    move: FloatArray
    fast_sum: FloatArray
    fast_weight: FloatArray
    slow_sum: FloatArray
    slow_weight: FloatArray
    bound: FloatArray
    price_ns: IntArray
    covered_ns: IntArray
    value_ns: IntArray
    base_ns: IntArray
    wanted_ns: IntArray
    count: IntArray
    still: IntArray
    edges: IntArray
    head: IntArray
    moved: BoolArray
    by_returns: BoolArray
    told: BoolArray
    inside: BoolArray
    returns: FloatArray
    values: FloatArray
    starts: IntArray
    ends: IntArray
    epoch: IntArray

    def __init__(self, params: MarketParams) -> None:
        self._params = params
        self.row: dict[str, int] = {}
        self.layout = 0
        self._epochs = 0
        self._free: list[int] = []
        self._allocate(8)

    def _allocate(self, capacity: int) -> None:
        for name, blank in _NUMBERS.items():
            setattr(self, name, np.full(capacity, blank))
        for name, blank in _RINGS.items():
            setattr(self, name, np.full((capacity, 2 * self._params.history), blank))
        self.epoch = np.zeros(capacity, dtype=np.int64)

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
        self.layout += 1
        for name, blank in (*_NUMBERS.items(), *_RINGS.items()):
            getattr(self, name)[row] = blank
        self._free.append(row)

    def push(self, rows: IntArray, returns: FloatArray) -> None:
        """Put the return of each row's open bar, and where it lies, at the end of its ring."""
        span = self.returns.shape[1]
        full = rows[self.head[rows] == span]
        if len(full):
            keep = self._params.history - 1
            for ring in self._rings():
                ring[full, :keep] = ring[full, span - keep :]
            self.head[full] = keep
            self.renew(full)
        heads = self.head[rows]
        self.returns[rows, heads] = returns
        self.values[rows, heads] = self.value[rows]
        self.starts[rows, heads] = self.base_ns[rows]
        self.ends[rows, heads] = self.value_ns[rows]
        self.head[rows] = heads + 1

    def renew(self, rows: IntArray) -> None:
        """Give rows an epoch of their own: what was derived from their closed bars is void."""
        self._epochs += 1
        self.epoch[rows] = self._epochs

    def begin_anew(self) -> None:
        """Forget every bar and keep prices: the bars are others now."""
        kept = {name: getattr(self, name) for name in ("price", "price_ns", "wanted_ns")}
        self._allocate(len(self.price))
        for name, column in kept.items():
            setattr(self, name, column)
        self.value[:] = self.price
        for column in (self.covered_ns, self.value_ns, self.base_ns):
            column[:] = self.price_ns

    def _add(self, symbols: Iterable[str]) -> None:
        for symbol in symbols:
            if len(self.row) >= self._params.max_symbols:
                return
            row = self._free.pop() if self._free else len(self.row)
            if row == len(self.price):
                self._grow()
            self.row[symbol] = row
            self.layout += 1
            self._epochs += 1
            self.epoch[row] = self._epochs

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
        return int(max(self.price_ns[row], self.covered_ns[row]))

    def _grow(self) -> None:
        old, size = (*self._numbers(), *self._rings(), self.epoch), len(self.price)
        self._allocate(2 * size)
        mine = (*self._numbers(), *self._rings(), self.epoch)
        for column, before in zip(mine, old, strict=True):
            column[:size] = before

    def _numbers(self) -> tuple[Any, ...]:
        """One number a symbol."""
        return tuple(getattr(self, name) for name in _NUMBERS)

    def _rings(self) -> tuple[Any, ...]:
        """Numbers of each closed bar."""
        return tuple(getattr(self, name) for name in _RINGS)

    def export(self) -> dict[str, Any]:
        """Return the exact state as JSON-able data (arrays as base64 of their bytes)."""
        rows = list(self.row.values())
        kept: BoolArray = np.arange(self.returns.shape[1]) < self.head[rows][:, None]
        return {
            "symbols": list(self.row),
            "history": self._params.history,
            "columns": [_encoded(column[rows]) for column in self._numbers()],
            "bars": [_encoded(ring[rows][kept]) for ring in self._rings()],
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Replace the state by an exported one; smaller bounds keep the newest."""
        self.row = {symbol: row for row, symbol in enumerate(data["symbols"])}
        self.layout += 1
        self._free = []
        used = len(self.row)
        self._allocate(max(8, used))
        for column, text in zip(self._numbers(), data["columns"], strict=True):
            column[:used] = _decoded(text, column.dtype)
        self._take_bars(used, data["bars"], data["history"])
        self.renew(np.arange(used))
        excess = used - self._params.max_symbols
        for symbol in list(self._droppable_for_wanted(_END_OF_TIME, (), frozenset()))[
            : max(excess, 0)
        ]:
            self.drop(symbol)

    def _take_bars(self, used: int, saved: list[str], length: int) -> None:
        """Spread the closed bars of all symbols, one after the other, over the rings."""
        flat = [_decoded(text, ring.dtype) for ring, text in zip(self._rings(), saved, strict=True)]
        start, history = 0, self._params.history
        for row, head in enumerate(self.head[:used].tolist()):
            end = start + head
            kept = head if length == history else min(head, length - int(self.moved[row]), history)
            for ring, numbers in zip(self._rings(), flat, strict=True):
                ring[row, :kept] = numbers[end - kept : end]
            self.head[row] = kept
            start = end


def _encoded(column: Any) -> str:
    return base64.b64encode(np.ascontiguousarray(column).tobytes()).decode()


def _decoded(text: str, dtype: Any) -> Any:
    return cast("Any", np.frombuffer(base64.b64decode(text), dtype=dtype))
