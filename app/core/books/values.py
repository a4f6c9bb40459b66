"""What the portfolio was worth: its peak, the last value that is believed, the UTC day."""

from dataclasses import dataclass
from typing import Any, Self

_DAY_NS = 86_400 * 1_000_000_000


@dataclass(slots=True)
class ValueBook:
    """Portfolio values of the batches so far, USD; 0 where none was heard.

    ``start`` is what the day began with: the last value of the day before, so that a gap over
    night counts. ``low`` is the least value of the day; ``day`` counts days since 1970 and never
    goes back, so that a clock that does cannot end a day twice.
    """

    peak: float = 0.0
    last: float = 0.0
    day: int = -1
    start: float = 0.0
    low: float = 0.0

    def observe(self, value: float, received_ns: int, collapse_below: float) -> None:
        """Take the value of one batch, unless it is a collapse, which is not believed.

        Parameters
        ----------
        value : float, USD, > 0
        received_ns : int
            When the batch came, ns since 1970 UTC.
        collapse_below : float
            See :meth:`is_collapse`.
        """
        if self.is_collapse(value, collapse_below):
            return
        day = received_ns // _DAY_NS
        if day > self.day:
            self.day, self.start, self.low = day, self.last or value, value
        self.low = min(self.low, value)
        self.peak = max(self.peak, value)
        self.last = value

    def is_collapse(self, value: float, collapse_below: float) -> bool:
        """Whether a value is below this fraction of the last one believed; 0 is off."""
        return value < collapse_below * self.last

    def is_loss(self, received_ns: int, loss_from: float) -> bool:
        """Whether that day has lost this fraction of its start at some time; 0 is off."""
        if loss_from <= 0.0 or received_ns // _DAY_NS > self.day:
            return False
        return self.low <= (1.0 - loss_from) * self.start

    @property
    def loss(self) -> float:
        """Largest loss of the day so far, fraction of its start; negative for a gain."""
        return 1.0 - self.low / self.start if self.start > 0.0 else 0.0

    def export(self) -> list[float]:
        """JSON-able exact state."""
        return [self.peak, self.last, self.day, self.start, self.low]

    @classmethod
    def restore(cls, data: list[Any]) -> Self:
        """Rebuild from :meth:`export`'s form."""
        return cls(*data)
