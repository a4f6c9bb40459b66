"""Net size and side of each symbol, and the share of each signal in it.

See docs/concepts.md#one-side-per-symbol.
"""

from dataclasses import dataclass, fields

import numpy as np

from app.core.signals import SignalTable
from app.core.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class NetSizes:
    """Net Phase 1 size of each symbol; each array has shape (m,), no NaN.

    Attributes
    ----------
    side : +1, -1 or 0
        Side of the larger size; 0 when they offset exactly or nothing is wanted.
    size : fraction of portfolio value, >= 0
        Larger size of the larger side less that of the other; 0 for a short with shorts off.
    requested : fraction of portfolio value, >= 0
        Largest single Phase 1 size on the symbol's larger side.
    volatility : return per horizon
        Largest volatility claimed for the symbol by a directional signal; -1 without one.
    longs, shorts : bool
        Whether a signal of that direction names the symbol.
    """

    side: FloatArray
    size: FloatArray
    requested: FloatArray
    volatility: FloatArray
    longs: BoolArray
    shorts: BoolArray

    def at(self, rows: IntArray) -> "NetSizes":
        """Return the sizes of the symbols in these rows, in their order."""
        columns = (getattr(self, column.name) for column in fields(self))
        return NetSizes(*(column[rows] for column in columns))


def net_symbols(
    table: SignalTable, sizes: FloatArray, volatility: FloatArray, *, allow_short: bool
) -> NetSizes:
    r"""Return the net size and side of each symbol's signals.

    .. math:: S_j = \max_{i \in long_j} s_i - \max_{i \in short_j} s_i

    Two equal signals on one side give the size of one; equal and opposite ones give zero.

    Parameters
    ----------
    table : SignalTable of n signals over m symbols
    sizes : ndarray of shape (n,), fraction of portfolio value, >= 0
    volatility : ndarray of shape (n,), return per horizon, > 0
    allow_short : bool
        Off: never below zero, but a SELL still offsets BUYs.

    Returns
    -------
    NetSizes
    """
    if not len(table.symbols):
        empty = np.empty(0)
        none = np.empty(0, dtype=np.bool_)
        return NetSizes(empty, empty, empty, empty, none, none)
    starts, direction = table.starts, table.direction
    is_long, is_short = direction > 0.0, direction < 0.0
    long = np.maximum.reduceat(np.where(is_long, sizes, 0.0), starts)
    short = np.maximum.reduceat(np.where(is_short, sizes, 0.0), starts)
    net = long - short
    side = np.sign(net)
    size = np.abs(net) if allow_short else np.maximum(net, 0.0)
    claimed = np.where(direction == 0.0, -1.0, volatility)
    return NetSizes(
        side=side,
        size=size,
        requested=np.maximum(long, short),
        volatility=np.maximum.reduceat(claimed, starts),
        longs=np.logical_or.reduceat(is_long, starts),
        shorts=np.logical_or.reduceat(is_short, starts),
    )


def ownership(table: SignalTable, sizes: FloatArray, side: FloatArray) -> FloatArray:
    """Return the share of each signal in its symbol's weight.

    The strategies on the symbol's side own it in proportion to their sizes, each with its largest
    there, which its signals of that size share (equally, where all sizes are zero); the others own
    nothing. HOLD signals own a held symbol equally and nothing where a directional signal names it.

    Parameters
    ----------
    table : SignalTable of n signals over m symbols
    sizes : ndarray of shape (n,), fraction of portfolio value, >= 0
    side : ndarray of shape (m,), +1 or -1; 0 is read as +1

    Returns
    -------
    ndarray of shape (n,), in [0, 1]; sums to 1 over a symbol that has an owner, else to 0
    """
    if not len(table.symbols):
        return np.empty(0)
    starts, rows, direction = table.starts, table.symbol_of, table.direction
    wanted = np.where(side < 0.0, -1.0, 1.0)
    owns = direction == wanted[rows]
    if np.count_nonzero(direction) < len(direction):
        directed = np.logical_or.reduceat(direction != 0.0, starts)
        owns = np.where(directed[rows], owns, True)
    share = np.where(owns, sizes, 0.0)
    total = np.add.reduceat(share, starts)
    if np.count_nonzero(total) < len(total):
        share = np.where((total <= 0.0)[rows] & owns, 1.0, share)
    again = (rows[1:] == rows[:-1]) & (table.strategy_of[1:] == table.strategy_of[:-1])
    if np.count_nonzero(again):
        share = _largest_of_each(share, again)
    total = np.add.reduceat(share, starts)
    total[total == 0.0] = 1.0
    owned: FloatArray = share / total[rows]
    return owned


def _largest_of_each(sizes: FloatArray, again: BoolArray) -> FloatArray:
    """Leave each strategy its largest size on a symbol, shared by its signals of that size.

    Parameters
    ----------
    sizes : ndarray of shape (n,), >= 0
        Signals of one strategy on one symbol are adjacent.
    again : ndarray of shape (n - 1,)
        Whether the next signal is of the same strategy and symbol.
    """
    first = np.concatenate(([True], ~again))
    starts, group = first.nonzero()[0], np.cumsum(first) - 1
    largest = np.maximum.reduceat(sizes, starts)[group]
    taken = (sizes == largest).astype(np.float64)
    shared: FloatArray = taken * largest / np.add.reduceat(taken, starts)[group]
    return shared
