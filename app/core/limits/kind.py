"""What a kind of limit is: its rows, its cut of held positions, its use and its words."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.core.limits.holdings import HeldBook, HeldUse, Holdings
from app.core.params import LimitParams
from app.core.types import FloatArray, IntArray, LimitMatrix

# a matrix over more symbols is sparse
DENSE_ROWS_UP_TO = 200


@dataclass(frozen=True, slots=True)
class Owned:
    """Who owns the m directional symbols: one entry per owning signal.

    ``strategy`` and ``symbol`` are index arrays of shape (k,) into the table's strategies and
    into the directional symbols; ``share`` of shape (k,) sums to 1 over a symbol.
    """

    strategy: IntArray
    symbol: IntArray
    share: FloatArray


class Directional(NamedTuple):
    """What rows are made from: the m directional symbols, their owners, and what is held beside.

    ``strategies`` are those that ``owned`` points into; ``held`` is at cascade multiplier 1.
    """

    symbols: Sequence[str]
    strategies: Sequence[str]
    owned: Owned
    held: HeldUse
    params: LimitParams


class Rows(NamedTuple):
    """Linear limits of one kind over absolute weights, at cascade multiplier 1.

    Attributes
    ----------
    identifiers : sequence of r names
        Whose limit each row is.
    full : sequence of r floats, fraction of portfolio value
        Each row's limit before held positions.
    matrix : dense or sparse array of shape (r, m), dimensionless, >= 0
        Share of each symbol's absolute weight that counts.
    """

    identifiers: Sequence[str]
    full: Sequence[float]
    matrix: LimitMatrix


class Use(NamedTuple):
    """Use of one limit, and the limit at cascade multiplier 1, in the unit of the weights."""

    identifier: str
    used: float
    limit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of limit; what it does not have is None.

    Attributes
    ----------
    level : str
        Its name on the wire, in labels of metrics and in sentences.
    title : str
        Heading over its limits.
    use : function of (holdings, params)
        Use of every limit of the kind by weights that are held or targeted.
    cut : function of (book, multiplier, params)
        Cuts held positions to the limits times the multiplier and notes what bound.
    counts : function of (identifier, symbol, strategies, params)
        Whether a limit counts a symbol that these strategies contribute to.
    caps : function of (directional), optional
        Largest absolute weight of each symbol, shape (m,).
    rows : function of (directional, caps), optional
        Its linear limits, None where there is none that could bind.
    sole : bool
        There is one limit of the kind, and its identifier is the level.
    """

    level: str
    title: str
    use: Callable[[Holdings, LimitParams], list[Use]]
    cut: Callable[[HeldBook, float, LimitParams], None]
    counts: Callable[[str, str, Collection[str], LimitParams], bool]
    caps: Callable[[Directional], FloatArray] | None = None
    rows: Callable[[Directional, FloatArray], Rows | None] | None = None
    sole: bool = False

    def words(self, identifier: str) -> str:
        """Name one limit of the kind in a sentence."""
        return f"{self.level} limit" if self.sole else f"{self.level} limit of {identifier}"
