"""Net size and side of each symbol, and the share of each signal in it.

See docs/concepts.md#one-side-per-symbol.
"""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from app.core.phase1 import Phase1
from app.core.signals import SignalTable
from app.core.types import BoolArray, FloatArray, IntArray

# shares of a side that differ by less offset each other: sums of equal sizes may differ by rounding
_DUST: Final = 1e-12


@dataclass(frozen=True, slots=True)
class NetSizes:
    """Net Phase 1 size of each symbol; each array has shape (m,), no NaN.

    Attributes
    ----------
    side : +1, -1 or 0
        Side on which the strategies want more together; 0 when they offset or nothing is wanted.
    size : fraction of portfolio value, >= 0
        Net size S: the largest of that side, less what the other side offsets; 0 for a short with
        shorts off.
    uncapped : fraction of portfolio value, >= 0
        The same of uncapped sizes, U.
    volatility : return per horizon
        The one of the problem, at which the largest edge of that side asks for the largest
        uncapped size; -1 without a directional signal.
    claimed : return per horizon
        Largest volatility claimed for the symbol by a directional signal; -1 without one.
    longs, shorts : bool
        Whether a signal of that direction names the symbol.
    """

    side: FloatArray
    size: FloatArray
    uncapped: FloatArray
    volatility: FloatArray
    claimed: FloatArray
    longs: BoolArray
    shorts: BoolArray

    def at(self, rows: IntArray) -> "NetSizes":
        """Return the sizes of the symbols in these rows, in their order."""
        columns = (getattr(self, column.name) for column in fields(self))
        return NetSizes(*(column[rows] for column in columns))


def net_symbols(table: SignalTable, phase1: Phase1, *, allow_short: bool) -> NetSizes:
    r"""Return the net size and side of each symbol's signals.

    .. math:: U_j = M (1 - T_{loser} / T_{winner}), \quad
              \sigma_j^2 = \max_i U_i \sigma_i^2 / \max_i U_i

    T is the sum of a side's uncapped sizes, in which each strategy counts with its largest; the
    side with the larger T wins, M is its largest size, and S_j is the same of capped sizes with
    the same factor. So agreement never adds, ten against one are not stopped by the one, and
    equal and opposite sides give zero.

    Parameters
    ----------
    table : SignalTable of n signals over m symbols
    phase1 : Phase1
        Sizes with and without the cap, and both volatilities.
    allow_short : bool
        Off: never below zero, but a SELL still offsets BUYs.

    Returns
    -------
    NetSizes
    """
    if not len(table.symbols):
        empty = np.empty(0)
        none = np.empty(0, dtype=np.bool_)
        return NetSizes(empty, empty, empty, empty, empty, none, none)
    starts, direction, rows = table.starts, table.direction, table.symbol_of
    is_long, is_short = direction > 0.0, direction < 0.0
    again = (rows[1:] == rows[:-1]) & (table.strategy_of[1:] == table.strategy_of[:-1])
    long = _total(np.where(is_long, phase1.uncapped, 0.0), starts, again)
    short = _total(np.where(is_short, phase1.uncapped, 0.0), starts, again)
    larger = np.maximum(long, short)
    factor = 1.0 - np.minimum(long, short) / np.where(larger > 0.0, larger, 1.0)
    side = np.where((larger > 0.0) & (factor > _DUST), np.sign(long - short), 0.0)
    factor = np.abs(side) * factor if allow_short else np.maximum(side, 0.0) * factor
    wins = direction == np.where(side == 0.0, np.nan, side)[rows]
    uncapped = np.where(wins, phase1.uncapped, 0.0)
    most = np.maximum.reduceat(uncapped, starts)
    claimed = np.maximum.reduceat(np.where(direction == 0.0, -1.0, phase1.volatility), starts)
    # one signal keeps its own volatility to the last bit
    roots = np.sqrt(uncapped / np.where(most > 0.0, most, 1.0)[rows]) * phase1.sizing_volatility
    return NetSizes(
        side=side,
        size=factor * np.maximum.reduceat(np.where(wins, phase1.regime, 0.0), starts),
        uncapped=factor * most,
        volatility=np.where(most > 0.0, np.maximum.reduceat(roots, starts), claimed),
        claimed=claimed,
        longs=np.logical_or.reduceat(is_long, starts),
        shorts=np.logical_or.reduceat(is_short, starts),
    )


def _total(sizes: FloatArray, starts: IntArray, again: BoolArray) -> FloatArray:
    """Sum the sizes of each symbol, in which each strategy counts with its largest."""
    if not np.count_nonzero(again):
        total: FloatArray = np.add.reduceat(sizes, starts)
        return total
    first = np.concatenate(([True], ~again))
    groups = first.nonzero()[0]
    largest = np.maximum.reduceat(sizes, groups)
    summed: FloatArray = np.add.reduceat(largest, np.searchsorted(groups, starts))
    return summed


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
