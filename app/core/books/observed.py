"""One observation of several symbols: its columns, and what became of each symbol."""

from dataclasses import dataclass, field

import numpy as np

from app.core.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class PriceReport:
    """What became of the symbols of one observation.

    Attributes
    ----------
    accepted : tuple of str
        Learnt, confirmed ones included.
    older : tuple of str
        Not newer than what is known.
    disbelieved : tuple of str
        Too far from the last believed price, and not confirmed yet.
    confirmed : tuple of str
        Believed now because a run of observations agreed.
    no_room : tuple of str
        Not tracked.
    clipped : tuple of str
        Learnt with a return beyond 8 volatilities, which counted as 8.
    """

    accepted: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    disbelieved: tuple[str, ...] = ()
    confirmed: tuple[str, ...] = ()
    no_room: tuple[str, ...] = ()
    clipped: tuple[str, ...] = ()


@dataclass(slots=True)
class ObservedSymbols:
    """Tracked symbols of one observation as columns, and what became of each."""

    names: list[str]
    rows: IntArray
    values: FloatArray
    no_room: tuple[str, ...]
    confirmed: list[str] = field(default_factory=list)
    disbelieved: list[str] = field(default_factory=list)
    older: list[str] = field(default_factory=list)

    def pick(self, mask: BoolArray) -> list[str]:
        """Return the names where a mask is set."""
        if mask.all():
            return self.names
        return [self.names[place] for place in np.flatnonzero(mask).tolist()]

    def report(self, accepted: list[str], clipped: tuple[str, ...]) -> PriceReport:
        """Say what became of each symbol."""
        return PriceReport(
            accepted=tuple(accepted),
            older=tuple(self.older),
            disbelieved=tuple(self.disbelieved),
            confirmed=tuple(self.confirmed),
            no_room=self.no_room,
            clipped=clipped,
        )
