"""Cross moments of pairs of symbols over the bars that both have, kept up as bars close.

See docs/concepts.md#correlations.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import numpy as np

from app.core.books.bar_fold import BarFold, decayed
from app.core.books.bars import BarClock
from app.core.books.columns import SymbolColumns
from app.core.types import BoolArray, FloatArray, IntArray

# what an EWMA of 0.99 holds: more joint bars say no more
MOST_JOINT: Final = 199
_LEAST_ROOM: Final = 256
# beyond it a square is no number any more
_MOST_X: Final = 1e150


@dataclass(frozen=True, slots=True)
class _Members:
    """Symbols that have a return between the same two bars: places in the table, x, 1 - L^tau."""

    at: IntArray
    x: FloatArray
    share: FloatArray
    fresh: BoolArray


class PairMoments:
    r"""Decayed cross moments of every pair of the symbols that were asked for.

    With x and y the returns of a joint bar over the root of the time that each covers:

    .. math:: S_{xy} \leftarrow \lambda^\tau S_{xy} + (1 - \lambda^\tau) x y

    and alike for x x and y y; joint are returns that begin and end in the same bars, and tau is
    the smaller of both. The moments are a function of the closed bars that are kept (the last
    ``history`` of each symbol, up to twice as many) and of the open ones: each pair's joint bars
    in their order, whoever else was asked for, and whenever. So nothing of them is exported.

    Parameters
    ----------
    columns : SymbolColumns
    fold : BarFold
        Reads the open bars.
    clock : BarClock
    decay : float, lambda per joint bar
    """

    def __init__(
        self, columns: SymbolColumns, fold: BarFold, clock: BarClock, decay: float
    ) -> None:
        self._columns, self._fold, self._clock, self._decay = columns, fold, clock, decay
        self._forget_all(0)

    def correlations(self, symbols: Sequence[str]) -> tuple[FloatArray, IntArray]:
        """Return the raw correlation of each pair, and how many joint bars it comes from.

        Parameters
        ----------
        symbols : sequence of n str, unequal

        Returns
        -------
        correlation : ndarray of shape (n, n), in [-1, 1]
            0 where nothing is joint.
        joint : int array of shape (n, n), at most 199
            The open bar included; 0 where one of both never moved in them.
        """
        size = len(symbols)
        correlation, joint = np.zeros((size, size)), np.zeros((size, size), dtype=np.int64)
        known = [place for place, symbol in enumerate(symbols) if symbol in self._columns.row]
        if not known:
            return correlation, joint
        at = self._admit([symbols[place] for place in known])
        self._take_closed()
        block = np.ix_(at, at)
        part = _Table(self._cross[block], self._own[block], self._joint[block])
        self._take_open(at, part)
        if len(known) == size:
            return part.correlations()
        inner = np.ix_(known, known)
        correlation[inner], joint[inner] = part.correlations()
        return correlation, joint

    def _forget_all(self, room: int) -> None:
        room = max(_LEAST_ROOM, room) if room else 0
        self._place: dict[str, int] = {}
        self._rows = np.empty(0, dtype=np.int64)
        self._layout = self._columns.layout
        self._done = np.zeros(room, dtype=np.int64)
        self._epoch = np.zeros(room, dtype=np.int64)
        self._scale = np.zeros(room)
        self._cross, self._own = np.zeros((room, room)), np.zeros((room, room))
        self._joint = np.zeros((room, room), dtype=np.int64)

    def _admit(self, symbols: list[str]) -> IntArray:
        """Return the places of symbols, each of which has one from now on."""
        row = self._columns.row
        if self._layout != self._columns.layout:
            if all(symbol in row for symbol in self._place):
                self._rows = np.array([row[symbol] for symbol in self._place], dtype=np.int64)
                self._layout = self._columns.layout
            else:
                self._forget_all(len(symbols))
        new = [symbol for symbol in symbols if symbol not in self._place]
        if len(self._place) + len(new) > len(self._done):
            self._forget_all(len(symbols))
            new = symbols
        if new:
            self._place |= {symbol: len(self._place) + k for k, symbol in enumerate(new)}
            self._rows = np.array([row[symbol] for symbol in self._place], dtype=np.int64)
        return np.array([self._place[symbol] for symbol in symbols], dtype=np.int64)

    # -- closed bars ---------------------------------------------------------------------------

    def _take_closed(self) -> None:
        """Take the bars that closed since the last time into the moments."""
        columns, rows, used = self._columns, self._rows, len(self._rows)
        epochs, heads = columns.epoch[rows], columns.head[rows]
        changed = np.flatnonzero(epochs != self._epoch[:used])
        if len(changed):
            self._reset(changed, epochs[changed])
        counts = heads - self._done[:used]
        if not counts.any():
            return
        self._set_scales(np.flatnonzero((counts > 0) & (self._scale[:used] == 0.0)))
        places = np.repeat(np.arange(used), counts)
        before = np.repeat(np.cumsum(counts) - counts, counts)
        slots = np.arange(len(places)) - before + self._done[places]
        begins = self._clock.bars_of(columns.starts[rows[places], slots])
        ends = self._clock.bars_of(columns.ends[rows[places], slots])
        order = np.lexsort((begins, ends))
        places, slots, begins, ends = places[order], slots[order], begins[order], ends[order]
        steps = (np.diff(ends) != 0) | (np.diff(begins) != 0)
        cuts = [0, *(np.flatnonzero(steps) + 1).tolist(), len(places)]
        table = self._whole(used)
        done = self._done[:used].copy()
        for first, last in pairwise(cuts):
            at, slot = places[first:last], slots[first:last]
            old, old_slot = self._closed_before(int(begins[first]), int(ends[first]), at, done)
            members = np.concatenate((at, old))
            fresh: BoolArray = np.arange(len(members)) < len(at)
            table.take(self._members(members, np.concatenate((slot, old_slot)), fresh))
        self._done[:used] = heads

    def _whole(self, used: int) -> "_Table":
        """Return the moments of all symbols, to be changed in place."""
        return _Table(self._cross[:used, :used], self._own[:used, :used], self._joint[:used, :used])

    def _set_scales(self, places: IntArray) -> None:
        """Bring symbols to the size of their first move, so that no square of it vanishes.

        By powers of two, which cancel exactly in a correlation.
        """
        columns = self._columns
        for place in places.tolist():
            row = self._rows[place]
            returns = columns.returns[row, : columns.head[row]]
            moves = returns[returns != 0.0]
            if len(moves):
                self._scale[place] = _scale_of(float(moves[0]))

    def _reset(self, places: IntArray, epochs: IntArray) -> None:
        """Begin the moments of some symbols anew: older bars of them are gone."""
        self._epoch[places] = epochs
        self._done[places] = 0
        self._scale[places] = 0.0
        for matrix in (self._cross, self._own, self._joint):
            matrix[places] = 0
            matrix[:, places] = 0

    def _closed_before(
        self, begin: int, end: int, new: IntArray, done: IntArray
    ) -> tuple[IntArray, IntArray]:
        """Return places and slots of the bars between two bars that were taken already."""
        columns, clock = self._columns, self._clock
        low, high = clock.starts_at(end), clock.starts_at(end + 1)
        candidates = done > 0
        candidates[new] = False
        at = np.flatnonzero(candidates)
        if not len(at):
            return at, at
        newest = columns.ends[self._rows[at], done[at] - 1]
        at = at[newest >= low]
        if not len(at):
            return at, at
        rows, slots = self._rows[at], done[at] - 1
        late = np.flatnonzero(columns.ends[rows, slots] >= high)
        if len(late):
            heads = done[at[late]]
            most = int(heads.max())
            # what lies beyond a head in a ring belongs to bars that were dropped
            taken: BoolArray = np.arange(most) < heads[:, None]
            slots[late] = (taken & (columns.ends[rows[late], :most] < high)).sum(axis=1) - 1
        found: BoolArray = slots >= 0
        ends = columns.ends[rows, slots]
        found &= (ends >= low) & (ends < high)
        found &= clock.bars_of(columns.starts[rows, slots]) == begin
        return at[found], slots[found]

    def _members(self, at: IntArray, slots: IntArray, fresh: BoolArray) -> _Members:
        returns, tau = self._closed(at, slots)
        return self._standing(at, returns, tau, fresh)

    def _closed(self, at: IntArray, slots: IntArray) -> tuple[FloatArray, FloatArray]:
        """Return the returns of closed bars, and the time that each covers."""
        columns, rows = self._columns, self._rows[at]
        tau = self._clock.tau(columns.starts[rows, slots], columns.ends[rows, slots])
        return columns.returns[rows, slots], tau

    def _standing(
        self, at: IntArray, returns: FloatArray, tau: FloatArray, fresh: BoolArray
    ) -> _Members:
        scale = self._scale[at]
        with np.errstate(over="ignore"):
            x = returns * np.where(scale > 0.0, scale, 1.0) / np.sqrt(tau)
        x = np.clip(x, -_MOST_X, _MOST_X)
        return _Members(at, x, decayed(self._decay, tau), fresh)

    # -- open bars -----------------------------------------------------------------------------

    def _take_open(self, at: IntArray, table: "_Table") -> None:
        """Take what the open bars of these places have moved so far into a copy."""
        rows = self._rows[at]
        moving = self._fold.open_returns(rows)
        local = np.flatnonzero(moving.present)
        if not len(local):
            return
        begins, ends = moving.begins, moving.ends
        if (begins[local] == begins[local[0]]).all() and (ends[local] == ends[local[0]]).all():
            groups = [local]
        else:
            groups = _grouped(local, begins, ends)
        done = self._done[: len(self._rows)]
        where = np.full(len(self._rows), -1, dtype=np.int64)
        where[at] = np.arange(len(at))
        for group in groups:
            begin, end = int(begins[group[0]]), int(ends[group[0]])
            old, slots = self._closed_before(begin, end, at[group], done)
            mine: BoolArray = where[old] >= 0
            old, slots = old[mine], slots[mine]
            returns, tau = self._closed(old, slots)
            members = self._standing(
                np.concatenate((at[group], old)),
                np.concatenate((moving.returns[group], returns)),
                np.concatenate((moving.tau[group], tau)),
                np.arange(len(group) + len(old)) < len(group),
            )
            table.take(replace(members, at=where[members.at]))


@dataclass(frozen=True, slots=True)
class _Table:
    """S_xy, S_xx (of the row's symbol over the joint bars of the pair) and n, each (n, n)."""

    cross: FloatArray
    own: FloatArray
    joint: IntArray

    def take(self, members: _Members) -> None:
        """Take one return of each member; pairs of which none is fresh have had theirs."""
        at, fresh = members.at, members.fresh
        if fresh.all() and len(at) == len(self.cross):
            order = np.argsort(at)
            x, share = members.x[order], members.share[order]
            shares = np.minimum(share[:, None], share)
            _learn(self.cross, shares, x[:, None] * x)
            _learn(self.own, shares, np.square(x)[:, None])
            np.add(self.joint, 1, out=self.joint)
            return
        mine, x = np.flatnonzero(fresh), members.x
        rows = np.ix_(at[mine], at)
        columns = np.ix_(at, at[mine])
        shares = np.minimum(members.share[mine][:, None], members.share)
        cross = _learnt(self.cross[rows], shares, x[mine][:, None] * x)
        own = _learnt(self.own[rows], shares, np.square(x[mine])[:, None])
        others = _learnt(self.own[columns], shares.T, np.square(x)[:, None])
        self.cross[rows], self.cross[columns] = cross, cross.T
        self.own[rows], self.own[columns] = own, others
        joint = self.joint[rows] + 1
        self.joint[rows], self.joint[columns] = joint, joint.T

    def correlations(self) -> tuple[FloatArray, IntArray]:
        """Return S_xy / sqrt(S_xx S_yy), 0 where either is 0, and the joint bars it is of."""
        root = np.sqrt(self.own)
        norm = root * root.T
        known: BoolArray = norm > 0.0
        ratio = np.divide(self.cross, norm, out=np.zeros_like(norm), where=known)
        joint = np.where(known, np.minimum(self.joint, MOST_JOINT), 0)
        return np.clip(ratio, -1.0, 1.0), joint


def _learn(moments: FloatArray, share: FloatArray, news: FloatArray) -> None:
    moments += share * (news - moments)


def _learnt(moments: FloatArray, share: FloatArray, news: FloatArray) -> FloatArray:
    _learn(moments, share, news)
    return moments


def _grouped(local: IntArray, begins: IntArray, ends: IntArray) -> list[IntArray]:
    """Return the entries that lie between the same bars together, in the order of their ends."""
    order = np.lexsort((begins[local], ends[local]))
    local = local[order]
    steps = (np.diff(ends[local]) != 0) | (np.diff(begins[local]) != 0)
    return np.split(local, np.flatnonzero(steps) + 1)


def _scale_of(move: float) -> float:
    """Return the power of two that brings a number to the size of 1, within 2^-500 to 2^1000."""
    return math.ldexp(1.0, min(max(-math.frexp(move)[1], -500), 1000))
