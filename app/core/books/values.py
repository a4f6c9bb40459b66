"""What the portfolio was worth: its peak, the last value that is believed, the UTC day."""

from dataclasses import dataclass, field
from typing import Any, Final, Self

from app.core.books.runs import Run, extend_run, is_price_jump
from app.core.params import BrakeParams

_DAY_NS: Final = 86_400 * 1_000_000_000
# Days that a clock may come back to: a wrong one is set right within a few.
_DAYS_KEPT: Final = 4


@dataclass(frozen=True, slots=True)
class ValueReport:
    """What became of one portfolio value.

    Attributes
    ----------
    used : float, USD
        The value itself where it is believed, else the last one that was.
    believed, confirmed : bool
        Whether it is believed, and whether only because a run of observations agreed.
    """

    used: float
    believed: bool
    confirmed: bool


@dataclass(slots=True)
class ValueBook:
    """Portfolio values of the batches so far, USD; 0 where none was observed.

    ``start`` is what the day began with: the last value of the day before, so that a gap over
    night counts. ``low`` is the least value of the day; ``day`` counts days since 1970 and never
    goes back, so that a clock that does cannot end a day twice. ``past`` holds day, start and low
    of the last days before, so that one that a wrong clock had ended goes on. ``run`` are values
    that are not believed yet.
    """

    peak: float = 0.0
    last: float = 0.0
    day: int = -1
    start: float = 0.0
    low: float = 0.0
    run: Run | None = None
    past: list[list[float]] = field(default_factory=list)

    def observe(
        self, value: float, received_ns: int, at_ns: int, brakes: BrakeParams
    ) -> ValueReport:
        """Learn the value of one batch, unless it is too far from the last one believed.

        Parameters
        ----------
        value : float, USD, > 0
        received_ns : int
            When the batch came, ns since 1970 UTC: which day it counts to.
        at_ns : int
            Time of the batch by its signals' stamps: how long values have agreed.
        brakes : BrakeParams
            ``value_jump_from`` f: outside [1 - f, 1 / (1 - f)] times the last believed one it
            needs a run of observations that agree; below ``collapse_below`` it is never believed.

        Returns
        -------
        ValueReport
        """
        confirmed = False
        if self.is_collapse(value, brakes.collapse_below):
            return ValueReport(self.last, believed=False, confirmed=False)
        if self.last > 0.0 and is_price_jump(value, self.last, brakes.value_jump_from):
            self.run = extend_run(self.run, value, at_ns)
            confirmed = self.run.confirmed
            if not confirmed:
                return ValueReport(self.last, believed=False, confirmed=False)
        self.run = None
        self._learn(value, received_ns // _DAY_NS)
        return ValueReport(value, believed=True, confirmed=confirmed)

    def _learn(self, value: float, day: int) -> None:
        if day > self.day:
            if self.day >= 0:
                self.past = [*self.past, [self.day, self.start, self.low]][-_DAYS_KEPT:]
            self.day, self.start, self.low = day, self.last or value, value
        for entry in self.past:
            if entry[0] == day:
                entry[2] = min(entry[2], value)
        self.low = min(self.low, value)
        self.peak = max(self.peak, value)
        self.last = value

    def is_collapse(self, value: float, collapse_below: float) -> bool:
        """Whether a value is below this fraction of the last one believed; 0 is off."""
        return value < collapse_below * self.last

    def is_loss(self, received_ns: int, loss_from: float) -> bool:
        """Whether that day has lost this fraction of its start at some time; 0 is off."""
        day = received_ns // _DAY_NS
        if loss_from <= 0.0 or day > self.day:
            return False
        return any(
            low <= (1.0 - loss_from) * start
            for which, start, low in (*self.past, [self.day, self.start, self.low])
            if which in {day, self.day}
        )

    @property
    def loss(self) -> float:
        """Largest loss of the day so far, fraction of its start; negative for a gain."""
        return 1.0 - self.low / self.start if self.start > 0.0 else 0.0

    def export(self) -> list[Any]:
        """JSON-able exact state."""
        run = None if self.run is None else self.run.export()
        past = [list(entry) for entry in self.past]
        return [self.peak, self.last, self.day, self.start, self.low, run, past]

    @classmethod
    def restore(cls, data: list[Any]) -> Self:
        """Rebuild from :meth:`export`'s form."""
        book = cls(*data)
        book.run = Run.restore(data[5]) if len(data) > 5 else None
        return book
