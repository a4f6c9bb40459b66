"""The circuit breaker with a lock for several threads and a callback for its transitions."""

import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

from app.core.policy.breaker import CircuitBreaker, no_jitter
from app.core.policy.circuit import (
    BreakerMode,
    BreakerParams,
    CallOutcome,
    CircuitState,
    Permit,
    Ticket,
    Transition,
)


class SharedBreaker:
    """A `CircuitBreaker` whose methods hold a lock and report transitions to a callback.

    Parameters
    ----------
    params : BreakerParams
    draw : callable returning a float in [0, 1)
        For the jitter.
    on_transition : callable taking a Transition, optional
        Called with each change of the visible state, in order and in the thread that made it.
        It may call this breaker.

    Attributes
    ----------
    closed_generation, retry_in_sec : callables
        Those of `CircuitBreaker`: they only read, and take no lock.
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
        """Mode set by the operator."""
        return self._machine.mode

    def acquire(self, now: float) -> Ticket | None:
        """Return a ticket for one call, or None if it is refused."""
        with self._lock:
            ticket = self._machine.acquire(now)
            if self._machine.transitions:
                self._emit()
        return ticket

    def report(self, permit: Permit, outcome: CallOutcome, now: float, *, reason: str = "") -> None:
        """Count how the call of a permit ended; each ticket counts once."""
        with self._lock:
            self._machine.report(permit, outcome, now, reason=reason)
            if self._machine.transitions:
                self._emit()

    def state(self, now: float) -> CircuitState:
        """Return the state for a call at ``now``."""
        with self._lock:
            state = self._machine.state(now)
            self._emit()
        return state

    def reset(self, now: float, *, reason: str = "reset") -> None:
        """Force the circuit closed."""
        with self._lock:
            # A change by time alone is reported first, while it is still the state.
            self.state(now)
            self._machine.reset(now, reason=reason)
            self._emit()

    def set_mode(self, mode: BreakerMode, now: float, *, reason: str = "") -> None:
        """Set the operator's mode."""
        with self._lock:
            self.state(now)
            self._machine.set_mode(mode, now, reason=reason)
            self._emit()

    def record_fallback(self) -> None:
        """Count a decision made without the protected call."""
        with self._lock:
            self._machine.record_fallback()

    def snapshot(self, now: float) -> dict[str, Any]:
        """Return the fields of ``GET /circuit``."""
        with self._lock:
            self.state(now)
            return self._machine.snapshot(now)

    def export(self) -> dict[str, Any]:
        """Return what must survive a restart, as JSON values."""
        with self._lock:
            return self._machine.export()

    def restore(self, exported: Mapping[str, Any], now: float) -> None:
        """Continue from `export`."""
        with self._lock:
            self.state(now)
            self._machine.restore(exported, now)
            self._emit()

    def _emit(self) -> None:
        for transition in self._machine.take_transitions():
            if self._on_transition is not None:
                self._on_transition(transition)
