"""Circuit breaker: the machine of ``machine.py``, as an operator switches, sees and restores it.

``forced_open`` covers the automatic state without changing it; ``disabled`` lets everything
through and starts afresh.
"""

from collections.abc import Callable, Mapping
from typing import Any

from app.core.policy.circuit import BreakerMode, BreakerParams, CircuitState, Transition
from app.core.policy.machine import CircuitMachine


def no_jitter() -> float:
    """Stretch no wait."""
    return 0.0


class CircuitBreaker(CircuitMachine):
    """Decide whether a call may be made, from the outcomes of those before and an operator's mode.

    Not thread-safe, and no method waits. ``now`` is in seconds of a monotonic clock.

    Parameters
    ----------
    params : BreakerParams
    draw : callable returning a float in [0, 1)
        Called once for each opening when ``params.jitter`` > 0.

    Attributes
    ----------
    transitions : list of Transition
        Changes of the visible state, oldest first, until `take_transitions` empties it.
    """

    def __init__(self, params: BreakerParams, draw: Callable[[], float] = no_jitter) -> None:
        super().__init__(params, draw)

    def take_transitions(self) -> list[Transition]:
        """Return the changes of the visible state since the last call, oldest first."""
        taken, self.transitions = self.transitions, []
        return taken

    def reset(self, now: float, *, reason: str = "reset") -> None:
        """Force the circuit closed: initial timeout, no failures; ``forced_open`` ends."""
        before = self.state(now)
        if self._mode is BreakerMode.FORCED_OPEN:
            self._set_mode(BreakerMode.AUTO)
        self._close()
        self._note(before, reason)

    def set_mode(self, mode: BreakerMode, now: float, *, reason: str = "") -> None:
        """Put the operator's mode in force.

        Leaving ``forced_open`` brings back the state it covered; ``disabled`` closes.
        """
        if mode is self._mode:
            return
        before = self.state(now)
        self._set_mode(mode)
        self._start_generation()
        if mode is BreakerMode.DISABLED:
            self._close()
        self._note(before, reason or f"mode_{mode}")

    def record_fallback(self) -> None:
        """Count a decision that had to do without the protected call."""
        self._counts.fallbacks += 1

    def snapshot(self, now: float) -> dict[str, Any]:
        """Show the fields of ``GET /circuit``; totals count calls let through, since start."""
        counts = self._counts
        return {
            "state": str(self.state(now)),
            "mode": str(self.mode),
            "failure_count": counts.failures_since_closed,
            "consecutive_failures": counts.failures_in_a_row,
            "current_timeout_sec": self._timeout_sec,
            "time_until_retry_sec": self.retry_in_sec(now),
            "total_requests": counts.requests,
            "total_failures": counts.failures,
            "total_fallbacks": counts.fallbacks,
            "success_rate": counts.success_rate,
            "last_failure_reason": counts.last_failure_reason,
        }

    def export(self) -> dict[str, Any]:
        """Give what must survive a restart, as JSON values."""
        return {
            "mode": str(self._mode),
            "state": str(self._state),
            "current_timeout_sec": self._timeout_sec,
            "failure_count": self._counts.failures_since_closed,
            "consecutive_failures": self._counts.failures_in_a_row,
            "last_failure_reason": self._counts.last_failure_reason,
        }

    def restore(self, exported: Mapping[str, Any], now: float) -> None:
        """Continue from `export`: an open circuit waits its current timeout again from ``now``.

        A half-open one may be probed at once. The timeout is clipped to the parameters in force.

        Raises
        ------
        KeyError, ValueError
            If ``exported`` did not come from `export`.
        """
        params, counts, before = self._params, self._counts, self.state(now)
        state, mode = CircuitState(exported["state"]), BreakerMode(exported["mode"])
        self._close()
        self._set_mode(mode)
        if state is not CircuitState.CLOSED and not self._bypassed:
            timeout = max(float(exported["current_timeout_sec"]), params.initial_timeout_sec)
            self._timeout_sec = min(timeout, params.max_timeout_sec)
            self._state = CircuitState.OPEN
            self._retry_at = now + (self._wait_sec() if state is CircuitState.OPEN else 0.0)
        counts.failures_since_closed = int(exported["failure_count"])
        counts.failures_in_a_row = int(exported["consecutive_failures"])
        counts.last_failure_reason = exported["last_failure_reason"]
        self._note(before, "restored")
