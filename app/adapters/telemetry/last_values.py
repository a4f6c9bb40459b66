"""Last values of the process that gauges read at a scrape; bounded sets of labels."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.pipeline.answer import DecisionView

MAX_LABEL_VALUES: Final = 50
OTHER: Final = "other"
_NO_ANSWER: Final[Mapping[str, Any]] = {}


@dataclass(slots=True)
class LastValues:
    """Last decision, and functions for other current values; shared by all telemetry of a process.

    ``sources`` are functions for gauges by name; ``totals`` holds the counts of all breakers of the
    process, by name on the wire.
    """

    view: DecisionView | None = None
    decided_at_sec: float = 0.0
    decisions: int = 0
    rl_decisions: int = 0
    mode: str = "fallback"
    circuit: Mapping[str, Any] = field(default_factory=dict)
    performance: Mapping[str, Any] = field(default_factory=dict)
    sources: dict[str, Callable[[], float | None]] = field(default_factory=dict)
    trading_state: Callable[[], str] | None = None
    refresh: Callable[[], None] | None = None
    totals: dict[str, float] = field(default_factory=dict)
    model_version: Callable[[], str | None] | None = None

    @property
    def answer(self) -> Mapping[str, Any]:
        """The last answer; empty before the first."""
        return _NO_ANSWER if self.view is None else self.view.answer


class BoundedLabels:
    """Label values up to a limit: the first names get their own, later ones share ``other``.

    ``limit`` may change at any time; a name that has a label keeps it.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._names: dict[str, None] = {}

    def __len__(self) -> int:
        return len(self._names)

    def collapse(
        self, values: Iterable[tuple[str, float]], join: Callable[[float, float], float]
    ) -> dict[str, float]:
        """Return the value of every label so far, 0 where its name is gone, and of ``other``."""
        shown = dict.fromkeys(self._names, 0.0)
        rest = 0.0
        for name, value in values:
            if name not in shown and len(shown) >= self.limit:
                rest = join(rest, value)
            else:
                self._names[name] = None
                shown[name] = value
        shown[OTHER] = join(shown.get(OTHER, 0.0), rest)
        return shown
