"""The hard limits as data: bounds per symbol and linear rows over shares of symbols."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from scipy.sparse import vstack

from app.core.limits.holdings import HeldUse
from app.core.limits.kind import DENSE_ROWS_UP_TO, Directional, Owned
from app.core.limits.kinds import KINDS
from app.core.limits.kinds.portfolio import PORTFOLIO
from app.core.params import LimitParams
from app.core.types import FloatArray, IntArray, LimitMatrix

_DUST = 1e-12
_CAPS: Final = tuple(kind.caps for kind in KINDS if kind.caps is not None)
_ROWS: Final = tuple((kind.level, kind.rows) for kind in KINDS if kind.rows is not None)


class LimitRow(NamedTuple):
    """Name of one linear limit: the level of its kind, and whose."""

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

    def with_less_gross(self, taken: float) -> "Limits":
        """Take an amount of the room of the portfolio limit."""
        if taken <= 0.0:
            return self
        room = self.room.copy()
        room[[name.level == PORTFOLIO.level for name in self.names]] -= taken
        return replace(self, room=np.maximum(room, 0.0))

    @property
    def gross_room(self) -> float:
        """What held positions leave of the portfolio limit."""
        mine = (name.level == PORTFOLIO.level for name in self.names)
        return next((room for room, own in zip(self.room.tolist(), mine, strict=True) if own), 0.0)

    def of(self, columns: IntArray) -> "Limits":
        """Keep only these symbols, rows and rooms as they are."""
        return Limits(self.cap[columns], self.rows[:, columns], self.room, self.names, self.full)


def build_limits(
    symbols: Sequence[str],
    strategies: Sequence[str],
    owned: Owned,
    held: HeldUse,
    params: LimitParams,
) -> Limits:
    """Gather caps and rows of every kind of limit, less what is held.

    Parameters
    ----------
    symbols : sequence of m names
        Directional symbols.
    strategies : sequence of s names
    owned : Owned
    held : HeldUse
        At cascade multiplier 1.
    params : LimitParams

    Returns
    -------
    Limits
    """
    directional = Directional(symbols, strategies, owned, held, params)
    caps = _caps(directional)
    names: list[LimitRow] = []
    full: list[float] = []
    used: list[float] = []
    blocks: list[LimitMatrix] = []
    for level, rows_of in _ROWS:
        rows = rows_of(directional, caps)
        if rows is None:
            continue
        taken = held.of(level)
        for identifier in rows.identifiers:
            names.append(LimitRow(level, identifier))
            used.append(taken.get(identifier, 0.0))
        full += rows.full
        blocks.append(rows.matrix)
    limit = np.array(full)
    room = limit - np.array(used)
    # held positions that fill a limit leave rounding, not room
    room[room < _DUST] = 0.0
    return Limits(
        cap=caps, rows=_stacked(blocks, len(symbols)), room=room, names=tuple(names), full=limit
    )


def _caps(directional: Directional) -> FloatArray:
    """Smallest cap that any kind has for each symbol."""
    caps = [caps_of(directional) for caps_of in _CAPS]
    return caps[0] if len(caps) == 1 else np.minimum.reduce(caps)


def _stacked(blocks: list[LimitMatrix], size: int) -> LimitMatrix:
    if len(blocks) == 1:
        return blocks[0]
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
