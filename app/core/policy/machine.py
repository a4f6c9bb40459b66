"""Machine of the circuit breaker: moves by the time and the outcome of each call.

::

    CLOSED --failures in a row, or failure rate--> OPEN --timeout over--> HALF_OPEN
    HALF_OPEN --probe succeeded--> CLOSED        HALF_OPEN --probe failed--> OPEN, longer

Every call gets a ticket of the current generation; each change of state starts a new generation,
so a result that arrives late cannot move a state it was not asked for.
"""

from collections.abc import Callable
from typing import Final

from app.core.policy.circuit import (
    LEGAL_MOVES,
    BreakerMode,
    BreakerParams,
    CallOutcome,
    CircuitState,
    Permit,
    Ticket,
    Transition,
)
from app.core.policy.counts import CallCounts, FailureRateWindow

_NEVER: Final = float("-inf")

# Members as module constants: a class attribute of an Enum costs a lookup in two dicts, and the
# closed path has a budget of 2 us.
_CLOSED, _OPEN, _HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN
_AUTO, _FORCED_OPEN, _DISABLED = BreakerMode.AUTO, BreakerMode.FORCED_OPEN, BreakerMode.DISABLED
_SUCCESS, _NEUTRAL = CallOutcome.SUCCESS, CallOutcome.NEUTRAL


class CircuitMachine:
    """Decide whether a call may be made, from the outcomes of those before.

    Not thread-safe, and no method waits. ``now`` is in seconds of a monotonic clock. How it is
    switched, shown and restored is in `CircuitBreaker`.
    """

    def __init__(self, params: BreakerParams, draw: Callable[[], float]) -> None:
        self._params = params
        self._draw = draw
        self._mode = _AUTO
        self._bypassed = not params.enabled
        self._state = _CLOSED
        self._generation = 0
        self._timeout_sec = params.initial_timeout_sec
        self._retry_at = self._probe_until = _NEVER
        self._counts = CallCounts()
        rated = params.failure_rate > 0.0
        self._window = FailureRateWindow(params.rate_window_sec) if rated else None
        self.transitions: list[Transition] = []

    @property
    def mode(self) -> BreakerMode:
        """The mode in force: ``disabled`` while switched off by its parameters, unless forced."""
        return _DISABLED if self._bypassed else self._mode

    def acquire(self, now: float) -> Ticket | None:
        """Ask to make one call.

        Returns
        -------
        Ticket or None
            None refuses the call. A ticket must come back through `report`.
        """
        if self._mode is _FORCED_OPEN:
            return None
        if self._state is not _CLOSED:
            if self.state(now) is _OPEN or now < self._probe_until:
                return None
            # A new generation for each probe makes the result of one that hung a stale result.
            self._generation += 1
            self._probe_until = now + self._params.probe_lease_sec
        self._counts.requests += 1
        return Ticket(self._generation)

    def report(self, permit: Permit, outcome: CallOutcome, now: float, *, reason: str = "") -> None:
        """Tell how the call of a permit ended; each ticket counts once.

        Parameters
        ----------
        permit : Ticket, or int from `closed_generation`
            The result of one of an older generation changes nothing, not even the totals.
        outcome : CallOutcome
            NEUTRAL gives a probe's permit back and counts nowhere.
        now : float
        reason : str
            Of a failure, for ``last_failure_reason``.
        """
        if isinstance(permit, int):
            self._counts.requests += 1
            generation = permit
        elif permit.settled:
            return
        else:
            permit.settled = True
            generation = permit.generation
        if generation != self._generation:
            return
        if outcome is _SUCCESS:
            counts = self._counts
            counts.successes += 1
            counts.failures_in_a_row = 0
            if self._state is _HALF_OPEN:
                self._close()
                self._note(_HALF_OPEN, "probe_succeeded")
            elif self._window is not None:
                self._count_rate(self._window, now, failed=False)
        elif outcome is _NEUTRAL:
            self._probe_until = _NEVER
        else:
            self._counts.add_failure(reason, bypassed=self._bypassed)
            self._fail(now)

    def closed_generation(self) -> int | None:
        """Return the generation of a closed circuit as a permit for one call, None of another.

        Reads alone, so it needs no lock where other methods do: the generation is read first, and
        a circuit that moves meanwhile has another one. The call is counted when it is reported.
        """
        generation = self._generation
        return generation if self._state is _CLOSED and self._mode is not _FORCED_OPEN else None

    def state(self, now: float) -> CircuitState:
        """State as a caller meets it at ``now``: an open circuit turns half-open by time."""
        if self._mode is _FORCED_OPEN:
            return _OPEN
        if self._state is _OPEN and now >= self._retry_at:
            self._move(_HALF_OPEN, "timeout_over")
        return self._state

    def retry_in_sec(self, now: float) -> float:
        """Return how long an open circuit still waits; 0 where it does not, or is forced open.

        Reads alone.
        """
        wait_sec = self._retry_at - now
        waiting = wait_sec > 0.0 and self._state is _OPEN and self._mode is not _FORCED_OPEN
        return wait_sec if waiting else 0.0

    def _fail(self, now: float) -> None:
        """Open, if the failure just counted is reason enough."""
        if self._bypassed:
            return
        params = self._params
        if self._state is _HALF_OPEN:
            longer = self._timeout_sec * params.backoff_multiplier
            self._timeout_sec = min(longer, params.max_timeout_sec)
            self._open(now, "probe_failed")
        elif self._counts.failures_in_a_row >= params.failure_threshold:
            self._open(now, "failure_threshold")
        elif self._window is not None:
            self._count_rate(self._window, now, failed=True)

    def _count_rate(self, window: FailureRateWindow, now: float, *, failed: bool) -> None:
        """Count one call towards the rate; a success can be the one that makes them enough."""
        if self._bypassed:
            return
        window.add(now, failed=failed)
        if window.reaches(self._params.failure_rate, self._params.rate_min_calls):
            self._open(now, "failure_rate")

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
        self._start_generation()
        self._timeout_sec = self._params.initial_timeout_sec
        self._counts.close()
        if self._window is not None:
            self._window.clear()

    def _start_generation(self) -> None:
        self._generation += 1
        self._probe_until = _NEVER

    def _move(self, to_state: CircuitState, reason: str) -> None:
        before, self._state = self._state, to_state
        self._start_generation()
        self._note(before, reason)

    def _note(self, before: CircuitState, reason: str) -> None:
        after = _OPEN if self._mode is _FORCED_OPEN else self._state
        if after is before:
            return
        if after not in LEGAL_MOVES[before]:
            raise RuntimeError(f"illegal move of the breaker from {before} to {after}: {reason}")
        self.transitions.append(Transition(before, after, reason, self._timeout_sec))
