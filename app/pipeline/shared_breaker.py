"""The circuit breaker as the service and the facade hold it: behind a lock, with a listener."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.core.policy.breaker import CircuitBreaker, no_jitter
from app.core.policy.circuit import (
    BreakerMode,
    BreakerParams,
    CallOutcome,
    CircuitState,
    Ticket,
    Transition,
)


class SharedBreaker:
    """A `CircuitBreaker` for any number of threads: one at a time is inside it.

    Every method does what the machine's method of that name does.

    Parameters
    ----------
    params : BreakerParams
    draw : callable returning a float in [0, 1)
        For the jitter.
    on_transition : callable taking a Transition, optional
        Told of each change of the visible state, in order and in the thread that made it. It may
        call this breaker.

    Attributes
    ----------
    closed_generation, retry_in_sec : callables
        The machine's own: they only read, and take no lock.
    """

    def __init__(
        self,
        params: BreakerParams,
        draw: Callable[[], float] = no_jitter,
        on_transition: Callable[[Transition], None] | None = None,
    ) -> None:
        self._machine = machine = CircuitBreaker(params, draw)
        self.closed_generation: Final = machine.closed_generation
        self.retry_in_sec: Final = machine.retry_in_sec
        self._on_transition = on_transition
        self._lock = threading.RLock()

    @property
    def mode(self) -> BreakerMode:
        """The mode in force."""
        return self._machine.mode

    def acquire(self, now: float) -> Ticket | None:
        """Ask to make one call; None refuses it."""
        with self._lock:
            ticket = self._machine.acquire(now)
            if self._machine.transitions:
                self._tell()
        return ticket

    def report(self, ticket: Ticket, outcome: CallOutcome, now: float, *, reason: str = "") -> None:
        """Tell how the call of a ticket ended; each ticket counts once."""
        with self._lock:
            self._machine.report(ticket, outcome, now, reason=reason)
            if self._machine.transitions:
                self._tell()

    def report_closed(self, generation: int, outcome: CallOutcome, now: float, reason: str) -> None:
        """Count a call that `closed_generation` let through, and tell how it ended; once."""
        with self._lock:
            self._machine.report_closed(generation, outcome, now, reason)
            if self._machine.transitions:
                self._tell()

    def state(self, now: float) -> CircuitState:
        """State as a caller meets it at ``now``."""
        with self._lock:
            state = self._machine.state(now)
            self._tell()
        return state

    def reset(self, now: float, *, reason: str = "reset") -> None:
        """Force the circuit closed."""
        with self._lock:
            # What time alone changed is told first, while it is what a listener finds.
            self.state(now)
            self._machine.reset(now, reason=reason)
            self._tell()

    def set_mode(self, mode: BreakerMode, now: float, *, reason: str = "") -> None:
        """Put the operator's mode in force."""
        with self._lock:
            self.state(now)
            self._machine.set_mode(mode, now, reason=reason)
            self._tell()

    def record_fallback(self) -> None:
        """Count a decision that had to do without the protected call."""
        with self._lock:
            self._machine.record_fallback()

    def snapshot(self, now: float) -> dict[str, Any]:
        """Show the fields of ``GET /circuit``."""
        with self._lock:
            self.state(now)
            return self._machine.snapshot(now)

    def export(self) -> dict[str, Any]:
        """Give what must survive a restart, as JSON values."""
        with self._lock:
            return self._machine.export()

    def restore(self, exported: Mapping[str, Any], now: float) -> None:
        """Continue from `export`."""
        with self._lock:
            self.state(now)
            self._machine.restore(exported, now)
            self._tell()

    def _tell(self) -> None:
        for transition in self._machine.take_transitions():
            if self._on_transition is not None:
                self._on_transition(transition)
