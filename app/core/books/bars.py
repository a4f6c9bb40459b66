"""The bars into which observations fold: which bar a stamp lies in, and how far from its edges.

See docs/concepts.md#bars.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from app.core.params import MarketParams
from app.core.types import BoolArray, FloatArray, IntArray

# Stamps within this share of an edge fall into one bar or the next by chance.
_EDGE_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class BarClock:
    r"""Numbers the bars of one length.

    .. math:: b(t) = \lfloor (t - \varphi) / B \rfloor

    Attributes
    ----------
    bar_ns : int, B > 0
    phase_ns : int
        An edge between two bars.
    """

    bar_ns: int
    phase_ns: int

    @classmethod
    def of(cls, params: MarketParams) -> Self:
        """Return the clock of some parameters; the phase is half a bar unless it is set."""
        phase = params.bar_sec / 2.0 if params.bar_phase_sec is None else params.bar_phase_sec
        return cls(round(params.bar_sec * 1e9), round(phase * 1e9))

    def bar_of(self, at_ns: int) -> int:
        """Return the number of the bar in which a stamp lies."""
        return (at_ns - self.phase_ns) // self.bar_ns

    def bars_of(self, at_ns: IntArray) -> IntArray:
        """Return :meth:`bar_of` of each stamp, same shape."""
        bars: IntArray = (at_ns - self.phase_ns) // self.bar_ns
        return bars

    def starts_at(self, bar: int) -> int:
        """Return the first stamp of a bar."""
        return self.phase_ns + bar * self.bar_ns

    def is_near_edge(self, at_ns: int) -> bool:
        """Return whether a stamp lies within 1 % of a bar from an edge."""
        into = (at_ns - self.phase_ns) % self.bar_ns
        return min(into, self.bar_ns - into) <= _EDGE_SHARE * self.bar_ns

    def tau(self, start_ns: IntArray, end_ns: IntArray) -> FloatArray:
        """Return the share of a bar that lies between stamps, in (0, 1], same shape."""
        return np.clip((end_ns - start_ns) / self.bar_ns, 1.0 / self.bar_ns, 1.0)


@dataclass(frozen=True, slots=True)
class BarReturns:
    """Returns of bars, one an entry, all arrays of shape (n,).

    ``returns`` are simple and clipped; ``tau`` in (0, 1] is the time each covers, in bars;
    ``begins`` and ``ends`` number the bars of the two values; ``present`` is False where a symbol
    has none, and the other entries mean nothing there.
    """

    returns: FloatArray
    tau: FloatArray
    begins: IntArray
    ends: IntArray
    present: BoolArray
