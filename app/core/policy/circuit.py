"""Vocabulary of the circuit breaker: states, modes, outcomes, legal moves, thresholds, tickets.

The machine is in ``machine.py``, what an operator does with it in ``breaker.py``, what it counts in
``counts.py``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final


class CircuitState(StrEnum):
    """What happens to the next call."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerMode(StrEnum):
    """Who decides: the outcomes of calls, or the operator."""

    AUTO = "auto"
    FORCED_OPEN = "forced_open"
    DISABLED = "disabled"


class CallOutcome(Enum):
    """How one call ended; NEUTRAL says nothing about the health of the other side."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"


LEGAL_MOVES: Final[Mapping[CircuitState, frozenset[CircuitState]]] = {
    CircuitState.CLOSED: frozenset({CircuitState.OPEN}),
    CircuitState.OPEN: frozenset({CircuitState.HALF_OPEN, CircuitState.CLOSED}),
    CircuitState.HALF_OPEN: frozenset({CircuitState.CLOSED, CircuitState.OPEN}),
}


@dataclass(frozen=True, slots=True)
class BreakerParams:
    """Thresholds and waits; all times in seconds of a monotonic clock.

    ``failure_rate`` in [0, 1] opens at that share of failures among the last ``rate_window_sec``
    once these hold ``rate_min_calls``; 0 turns it off. ``jitter`` stretches each wait by up to
    that fraction. ``probe_lease_sec`` is how long a probe may stay without a result before the
    next caller may probe; it must exceed the deadline of a call.
    """

    enabled: bool = True
    failure_threshold: int = 5
    initial_timeout_sec: float = 30.0
    max_timeout_sec: float = 300.0
    backoff_multiplier: float = 2.0
    jitter: float = 0.0
    failure_rate: float = 0.0
    rate_window_sec: float = 60.0
    rate_min_calls: int = 20
    probe_lease_sec: float = 30.0

    def __post_init__(self) -> None:
        """Refuse values with which the machine could not open or not recover."""
        for name, holds, must in (
            ("failure_threshold", self.failure_threshold >= 1, ">= 1"),
            ("initial_timeout_sec", self.initial_timeout_sec > 0.0, "> 0"),
            (
                "max_timeout_sec",
                self.initial_timeout_sec <= self.max_timeout_sec < float("inf"),
                f"finite and >= initial_timeout_sec {self.initial_timeout_sec}",
            ),
            ("backoff_multiplier", 1.0 <= self.backoff_multiplier < float("inf"), ">= 1"),
            ("jitter", 0.0 <= self.jitter < float("inf"), ">= 0"),
            ("failure_rate", 0.0 <= self.failure_rate <= 1.0, "in [0, 1]"),
            ("rate_window_sec", self.rate_window_sec > 0.0, "> 0"),
            ("rate_min_calls", self.rate_min_calls >= 1, ">= 1"),
            ("probe_lease_sec", self.probe_lease_sec > 0.0, "> 0"),
        ):
            if not holds:
                raise ValueError(f"{name} must be {must}, was {getattr(self, name)!r}")


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of the visible state; ``timeout_sec`` is the current timeout after it."""

    from_state: CircuitState
    to_state: CircuitState
    reason: str
    timeout_sec: float


class Ticket:
    """Permission for one call, to be handed back once with its outcome."""

    __slots__ = ("generation", "settled")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.settled = False


# What lets one call through: a ticket, or the generation of a closed circuit.
Permit = Ticket | int
