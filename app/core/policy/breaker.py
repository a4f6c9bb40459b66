"""Circuit breaker: a pure state machine that is told the time and the outcome of each call.

::

    CLOSED --failures in a row, or failure rate--> OPEN --timeout over--> HALF_OPEN
    HALF_OPEN --probe succeeded--> CLOSED        HALF_OPEN --probe failed--> OPEN, longer

Every call gets a ticket of the current generation; each change of state starts a new generation,
so a result that arrives late cannot move a state it was not asked for. ``forced_open`` covers the
automatic state without changing it; ``disabled`` lets everything through and starts afresh.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from app.core.policy.circuit import (
    LEGAL_MOVES,
    BreakerMode,
    BreakerParams,
    CallOutcome,
    CircuitState,
    Transition,
)
from app.core.policy.counts import FailureRateWindow

__all__ = [
    "LEGAL_MOVES",
    "BreakerMode",
    "BreakerParams",
    "CallOutcome",
    "CircuitBreaker",
    "CircuitState",
    "Ticket",
    "Transition",
]

_NEVER: Final = float("-inf")

# Members as module constants: a class attribute of an Enum costs a lookup in two dicts, and the
# closed path has a budget of 2 us.
_CLOSED, _OPEN, _HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN
_AUTO, _FORCED_OPEN, _DISABLED = BreakerMode.AUTO, BreakerMode.FORCED_OPEN, BreakerMode.DISABLED
_SUCCESS, _NEUTRAL = CallOutcome.SUCCESS, CallOutcome.NEUTRAL


class Ticket:
    """Permission for one call, to be handed back once with its outcome."""

    __slots__ = ("generation", "settled")

    def __init__(self, generation: int) -> None:
        self.generation = generation
        self.settled = False


def _no_jitter() -> float:
    return 0.0


class CircuitBreaker:
    """Decide whether a call may be made, from the outcomes of those before.

    Not thread-safe: one event loop owns it, and no method waits.

    Parameters
    ----------
    params : BreakerParams
    draw : callable returning a float in [0, 1)
        Called once for each opening when ``params.jitter`` > 0.
    on_transition : callable taking a Transition, optional
        Told of each change of the visible state, after it is in force.
    """

    __slots__ = (
        "_bypassed",
        "_consecutive_failures",
        "_draw",
        "_failure_count",
        "_generation",
        "_last_failure_reason",
        "_mode",
        "_on_transition",
        "_params",
        "_probe_until",
        "_retry_at",
        "_state",
        "_timeout_sec",
        "_total_failures",
        "_total_fallbacks",
        "_total_requests",
        "_total_successes",
        "_window",
    )

    def __init__(
        self,
        params: BreakerParams,
        draw: Callable[[], float] = _no_jitter,
        on_transition: Callable[[Transition], None] | None = None,
    ) -> None:
        self._params = params
        self._draw = draw
        self._on_transition = on_transition
        self._mode = _AUTO
        self._bypassed = not params.enabled
        self._state = _CLOSED
        self._generation = 0
        self._timeout_sec = params.initial_timeout_sec
        self._retry_at = _NEVER
        self._probe_until = _NEVER
        self._failure_count = 0
        self._consecutive_failures = 0
        self._total_requests = 0
        self._total_successes = 0
        self._total_failures = 0
        self._total_fallbacks = 0
        self._last_failure_reason: str | None = None
        rated = params.failure_rate > 0.0
        self._window = FailureRateWindow(params.rate_window_sec) if rated else None

    @property
    def mode(self) -> BreakerMode:
        """The mode in force: ``disabled`` while switched off by its parameters, unless forced."""
        return _DISABLED if self._bypassed else self._mode

    def acquire(self, now: float) -> Ticket | None:
        """Ask to make one call.

        Parameters
        ----------
        now : float, seconds of a monotonic clock

        Returns
        -------
        Ticket or None
            None refuses the call. A ticket must come back through `report`.
        """
        if self._mode is _FORCED_OPEN:
            return None
        if self._state is _CLOSED:
            self._total_requests += 1
            return Ticket(self._generation)
        return self._acquire_probe(now)

    def report(self, ticket: Ticket, outcome: CallOutcome, now: float, *, reason: str = "") -> None:
        """Tell how the call of a ticket ended; each ticket counts once.

        Parameters
        ----------
        ticket : Ticket
            One of an older generation changes nothing, not even the totals.
        outcome : CallOutcome
            NEUTRAL gives a probe's permit back and counts nowhere.
        now : float, seconds of a monotonic clock
        reason : str
            Of a failure, for ``last_failure_reason``.
        """
        if ticket.settled:
            return
        ticket.settled = True
        if ticket.generation != self._generation:
            return
        if outcome is _NEUTRAL:
            self._probe_until = _NEVER
        elif outcome is _SUCCESS:
            self._count_success(now)
        else:
            self._count_failure(now, reason)

    def state(self, now: float) -> CircuitState:
        """State as a caller meets it at ``now``: an open circuit turns half-open by time."""
        if self._mode is _FORCED_OPEN:
            return _OPEN
        if self._state is _OPEN and now >= self._retry_at:
            self._move(_HALF_OPEN, "timeout_over")
        return self._state

    def reset(self, now: float, *, reason: str = "reset") -> None:
        """Force the circuit closed: initial timeout, no failures; ``forced_open`` ends."""
        before = self.state(now)
        if self._mode is _FORCED_OPEN:
            self._set_mode(_AUTO)
        self._close()
        self._announce(before, reason)

    def set_mode(self, mode: BreakerMode, now: float, *, reason: str = "") -> None:
        """Put the operator's mode in force.

        Leaving ``forced_open`` brings back the state it covered; ``disabled`` closes.
        """
        if mode is self._mode:
            return
        before = self.state(now)
        self._set_mode(mode)
        self._generation += 1
        self._probe_until = _NEVER
        if mode is _DISABLED:
            self._close()
        self._announce(before, reason or f"mode_{mode}")

    def record_fallback(self) -> None:
        """Count a decision that had to do without the protected call."""
        self._total_fallbacks += 1

    def snapshot(self, now: float) -> dict[str, Any]:
        """Show the fields of ``GET /circuit``; totals count calls let through, since start.

        ``failure_count`` counts failures since the circuit was last closed or reset,
        ``consecutive_failures`` those since the last success.
        """
        state = self.state(now)
        waiting = state is _OPEN and self._mode is not _FORCED_OPEN
        settled = self._total_successes + self._total_failures
        return {
            "state": str(state),
            "mode": str(self.mode),
            "failure_count": self._failure_count,
            "consecutive_failures": self._consecutive_failures,
            "current_timeout_sec": self._timeout_sec,
            "time_until_retry_sec": max(0.0, self._retry_at - now) if waiting else 0.0,
            "total_requests": self._total_requests,
            "total_failures": self._total_failures,
            "total_fallbacks": self._total_fallbacks,
            "success_rate": self._total_successes / settled if settled else 1.0,
            "last_failure_reason": self._last_failure_reason,
        }

    def export(self) -> dict[str, Any]:
        """Give what must survive a restart, as JSON values."""
        return {
            "mode": str(self._mode),
            "state": str(self._state),
            "current_timeout_sec": self._timeout_sec,
            "failure_count": self._failure_count,
            "consecutive_failures": self._consecutive_failures,
            "last_failure_reason": self._last_failure_reason,
        }

    def restore(self, exported: Mapping[str, Any], now: float) -> None:
        """Continue from `export`: an open circuit waits its current timeout again from ``now``.

        A half-open one may be probed at once. The timeout is clipped to the parameters in force.

        Raises
        ------
        KeyError, ValueError
            If ``exported`` did not come from `export`.
        """
        params, before = self._params, self.state(now)
        state, mode = CircuitState(exported["state"]), BreakerMode(exported["mode"])
        self._close()
        self._set_mode(mode)
        if state is not _CLOSED and not self._bypassed:
            timeout = max(float(exported["current_timeout_sec"]), params.initial_timeout_sec)
            self._timeout_sec = min(timeout, params.max_timeout_sec)
            self._state = _OPEN
            self._retry_at = now + (self._wait_sec() if state is _OPEN else 0.0)
        self._failure_count = int(exported["failure_count"])
        self._consecutive_failures = int(exported["consecutive_failures"])
        self._last_failure_reason = exported["last_failure_reason"]
        self._announce(before, "restored")

    def _acquire_probe(self, now: float) -> Ticket | None:
        if self.state(now) is _OPEN or now < self._probe_until:
            return None
        # A new generation for each probe makes the result of one that hung a stale result.
        self._generation += 1
        self._probe_until = now + self._params.probe_lease_sec
        self._total_requests += 1
        return Ticket(self._generation)

    def _count_success(self, now: float) -> None:
        self._total_successes += 1
        if self._state is _HALF_OPEN:
            self._close()
            self._announce(_HALF_OPEN, "probe_succeeded")
            return
        self._consecutive_failures = 0
        if not self._bypassed and self._rate_reached(now, failed=False):
            self._open(now, "failure_rate")

    def _count_failure(self, now: float, reason: str) -> None:
        self._total_failures += 1
        self._last_failure_reason = reason or "unknown"
        if self._bypassed:
            return
        self._failure_count += 1
        self._consecutive_failures += 1
        if self._state is _HALF_OPEN:
            longer = self._timeout_sec * self._params.backoff_multiplier
            self._timeout_sec = min(longer, self._params.max_timeout_sec)
            self._open(now, "probe_failed")
        elif self._consecutive_failures >= self._params.failure_threshold:
            self._open(now, "failure_threshold")
        elif self._rate_reached(now, failed=True):
            self._open(now, "failure_rate")

    def _rate_reached(self, now: float, *, failed: bool) -> bool:
        """Count one call towards the rate; a success can be the one that makes them enough."""
        window = self._window
        if window is None:
            return False
        window.add(now, failed=failed)
        enough = window.calls >= self._params.rate_min_calls
        return enough and window.failures >= self._params.failure_rate * window.calls

    def _set_mode(self, mode: BreakerMode) -> None:
        self._mode = mode
        switched_off = mode is _AUTO and not self._params.enabled
        self._bypassed = mode is _DISABLED or switched_off

    def _wait_sec(self) -> float:
        jitter = self._params.jitter
        return self._timeout_sec * (1.0 + jitter * self._draw() if jitter else 1.0)

    def _open(self, now: float, reason: str) -> None:
        self._retry_at = now + self._wait_sec()
        self._move(_OPEN, reason)

    def _close(self) -> None:
        self._state = _CLOSED
        self._generation += 1
        self._probe_until = _NEVER
        self._timeout_sec = self._params.initial_timeout_sec
        self._failure_count = self._consecutive_failures = 0
        if self._window is not None:
            self._window.clear()

    def _move(self, to_state: CircuitState, reason: str) -> None:
        before, self._state = self._state, to_state
        self._generation += 1
        self._probe_until = _NEVER
        self._announce(before, reason)

    def _announce(self, before: CircuitState, reason: str) -> None:
        after = _OPEN if self._mode is _FORCED_OPEN else self._state
        if after is before:
            return
        if after not in LEGAL_MOVES[before]:
            raise RuntimeError(f"illegal move of the breaker from {before} to {after}: {reason}")
        if self._on_transition is not None:
            self._on_transition(Transition(before, after, reason, self._timeout_sec))
