"""The hard limits as data: bounds per symbol and linear rows over shares of symbols."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import coo_array, vstack

from app.core.params import LimitParams
from app.core.types import FloatArray, IntArray, LimitMatrix

DENSE_ROWS_UP_TO = 200
_DUST = 1e-12


@dataclass(frozen=True, slots=True)
class LimitRow:
    """Name of one linear limit: level position, strategy, group or portfolio, and whose."""

    level: str
    identifier: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one batch at cascade multiplier 1, over the m directional symbols.

    Attributes
    ----------
    cap : ndarray of shape (m,), fraction of portfolio value
        Largest absolute weight of each symbol.
    rows : ndarray or sparse array of shape (r, m), dimensionless, >= 0
        Share of each symbol's absolute weight that counts against each row.
    room : ndarray of shape (r,), fraction of portfolio value
        What held positions leave of each row's limit.
    names : tuple of LimitRow, length r
    full : ndarray of shape (r,), fraction of portfolio value
        Each row's limit before held positions.
    """

    cap: FloatArray
    rows: LimitMatrix
    room: FloatArray
    names: tuple[LimitRow, ...]
    full: FloatArray

    def of(self, places: IntArray) -> "Limits":
        """Keep only these symbols, rows and rooms as they are."""
        return Limits(self.cap[places], self.rows[:, places], self.room, self.names, self.full)


def symbol_caps(symbols: Sequence[str], params: LimitParams) -> FloatArray:
    """Cap of each symbol, shape (m,): the general one or the symbol's own, if smaller."""
    caps = np.zeros(len(symbols))
    caps += params.max_position_pct
    if params.symbol_caps:
        own = np.array([params.symbol_caps.get(symbol, np.inf) for symbol in symbols])
        caps = np.minimum(caps, own)
    return caps


@dataclass(frozen=True, slots=True)
class HeldUse:
    """What held positions already use: by strategy, by group and in all (gross weights)."""

    by_strategy: dict[str, float] = field(default_factory=dict)
    by_group: dict[str, float] = field(default_factory=dict)
    gross: float = 0.0

    def at_full_scale(self, multiplier: float) -> "HeldUse":
        """Divide by the cascade multiplier, so that it fits limits at multiplier 1."""
        if multiplier <= 0.0:
            return HeldUse()
        return HeldUse(
            {name: used / multiplier for name, used in self.by_strategy.items()},
            {name: used / multiplier for name, used in self.by_group.items()},
            self.gross / multiplier,
        )


@dataclass(frozen=True, slots=True)
class Owned:
    """Who owns the m directional symbols: one entry per owning signal.

    ``strategy`` and ``symbol`` are index arrays of shape (k,) into the table's strategies and
    into the directional symbols; ``share`` of shape (k,) sums to 1 over a symbol.
    """

    strategy: IntArray
    symbol: IntArray
    share: FloatArray


def build_limits(
    symbols: Sequence[str],
    strategies: Sequence[str],
    owned: Owned,
    held: HeldUse,
    params: LimitParams,
) -> Limits:
    """Rows for strategies, groups and the whole portfolio, less what is held.

    A strategy whose symbols cannot reach its limit even at their caps gets no row.

    Parameters
    ----------
    symbols : sequence of m names
        Directional symbols.
    strategies : sequence of s names
    owned : Owned
    held : HeldUse
    params : LimitParams

    Returns
    -------
    Limits
    """
    caps = symbol_caps(symbols, params)
    names: list[LimitRow] = []
    full: list[float] = []
    used: list[float] = []
    reach = np.bincount(owned.strategy, owned.share * caps[owned.symbol], len(strategies))
    held_by = held.by_strategy
    if held_by:
        reach = reach + np.array([held_by.get(name, 0.0) for name in strategies])
    tight = (reach > params.max_strategy_pct).nonzero()[0]
    for place in tight.tolist():
        names.append(LimitRow("strategy", strategies[place]))
        full.append(params.max_strategy_pct)
        used.append(held_by.get(strategies[place], 0.0))
    for group in sorted(params.group_caps):
        names.append(LimitRow("group", group))
        full.append(params.group_caps[group])
        used.append(held.by_group.get(group, 0.0))
    names.append(LimitRow("portfolio", "portfolio"))
    full.append(params.max_portfolio_pct)
    used.append(held.gross)
    limit = np.array(full)
    room = limit - np.array(used)
    # held positions that fill a limit leave rounding, not room
    room[room < _DUST] = 0.0
    return Limits(
        cap=caps,
        rows=_rows(symbols, tight, owned, params),
        room=room,
        names=tuple(names),
        full=limit,
    )


def _rows(
    symbols: Sequence[str], tight: IntArray, owned: Owned, params: LimitParams
) -> LimitMatrix:
    blocks: list[LimitMatrix] = []
    size = len(symbols)
    if len(tight):
        place = np.searchsorted(tight, owned.strategy)
        place = np.where(place < len(tight), place, 0)
        kept = tight[place] == owned.strategy
        row, column, share = place[kept], owned.symbol[kept], owned.share[kept]
        # entries of one strategy on one symbol add up
        if size > DENSE_ROWS_UP_TO:
            blocks.append(coo_array((share, (row, column)), shape=(len(tight), size)).tocsr())
        else:
            flat = np.bincount(row * size + column, share, len(tight) * size)
            blocks.append(flat.reshape(len(tight), size))
    for group in sorted(params.group_caps):
        members = set(params.groups.get(group, ()))
        blocks.append(np.array([[float(symbol in members) for symbol in symbols]]))
    blocks.append(np.ones((1, size)))
    if len(blocks) == 1:
        return np.ones((1, size))
    return vstack(blocks, format="csr") if size > DENSE_ROWS_UP_TO else np.concatenate(blocks)


def worst_excess(weights: FloatArray, limits: Limits, multiplier: float) -> float:
    """Largest amount by which absolute weights exceed a limit, fraction of portfolio value.

    Parameters
    ----------
    weights : ndarray of shape (m,), >= 0
    limits : Limits
    multiplier : float, the cascade multiplier a that scales every limit

    Returns
    -------
    float, <= 0 when everything holds
    """
    if not len(weights):
        return 0.0
    over_cap = float(np.maximum.reduce(weights - multiplier * limits.cap))
    over_row = float(np.maximum.reduce(limits.rows @ weights - multiplier * limits.room))
    return max(over_cap, over_row)
