"""The breaker with its lock, and the callback for its transitions."""

import threading
from concurrent.futures import ThreadPoolExecutor

from app.core.policy.circuit import (
    BreakerMode,
    BreakerParams,
    CallOutcome,
    CircuitState,
    Transition,
)
from app.pipeline.shared_breaker import SharedBreaker

OPEN, HALF_OPEN, CLOSED = CircuitState.OPEN, CircuitState.HALF_OPEN, CircuitState.CLOSED


class Listener:
    """Writes down each move, and the state that it finds in force."""

    def __init__(self) -> None:
        self.moves: list[tuple[CircuitState, str]] = []
        self.found: list[str] = []
        self.breaker = SharedBreaker(BreakerParams(failure_threshold=1), on_transition=self.note)

    def note(self, transition: Transition) -> None:
        self.moves.append((transition.to_state, transition.reason))
        self.found.append(self.breaker.export()["state"])

    def fail(self, now: float) -> None:
        ticket = self.breaker.acquire(now)
        assert ticket is not None
        self.breaker.report(ticket, CallOutcome.FAILURE, now)


def test_a_listener_finds_the_state_that_it_is_called_with() -> None:
    listener = Listener()
    listener.fail(0.0)
    listener.fail(30.0)
    listener.breaker.reset(90.0)
    assert listener.moves == [
        (OPEN, "failure_threshold"),
        (HALF_OPEN, "timeout_over"),
        (OPEN, "probe_failed"),
        (HALF_OPEN, "timeout_over"),
        (CLOSED, "reset"),
    ]
    assert listener.found == [str(state) for state, _ in listener.moves]


def test_the_first_reader_reports_that_the_wait_is_over() -> None:
    for look in (SharedBreaker.state, SharedBreaker.snapshot, SharedBreaker.acquire):
        listener = Listener()
        listener.fail(0.0)
        look(listener.breaker, 30.0)
        listener.breaker.state(30.0)
        assert listener.moves[1:] == [(HALF_OPEN, "timeout_over")]


def test_modes_and_a_restored_state_are_reported() -> None:
    listener = Listener()
    listener.breaker.set_mode(BreakerMode.FORCED_OPEN, 0.0, reason="maintenance")
    listener.breaker.set_mode(BreakerMode.DISABLED, 1.0)
    assert listener.moves == [(OPEN, "maintenance"), (CLOSED, "mode_disabled")]
    restarted = Listener()
    listener.breaker.set_mode(BreakerMode.FORCED_OPEN, 2.0)
    restarted.breaker.restore(listener.breaker.export(), 0.0)
    assert restarted.moves == [(OPEN, "restored")]


def test_a_call_made_without_the_lock_counts_only_in_its_own_generation() -> None:
    breaker = SharedBreaker(BreakerParams(failure_threshold=1))
    late = breaker.closed_generation()
    assert late is not None
    breaker.report(late, CallOutcome.FAILURE, 0.0)
    assert breaker.state(0.0) is OPEN
    assert breaker.closed_generation() is None
    assert breaker.retry_in_sec(10.0) == 20.0
    breaker.report(late, CallOutcome.SUCCESS, 0.0)
    breaker.reset(0.0)
    breaker.report(late, CallOutcome.FAILURE, 0.0)
    snapshot = breaker.snapshot(0.0)
    assert (snapshot["state"], snapshot["total_requests"]) == ("closed", 3)
    assert (snapshot["total_failures"], snapshot["success_rate"]) == (1, 0.0)


def test_nothing_is_let_through_without_the_lock_while_forced_open() -> None:
    breaker = SharedBreaker(BreakerParams())
    breaker.set_mode(BreakerMode.FORCED_OPEN, 0.0)
    assert breaker.closed_generation() is None
    assert breaker.retry_in_sec(0.0) == 0.0


def test_calls_and_results_of_many_threads_are_all_counted() -> None:
    breaker = SharedBreaker(BreakerParams(failure_threshold=10_000))
    start = threading.Barrier(8)

    def calls(_: int) -> None:
        start.wait(10)
        for _ in range(500):
            ticket = breaker.acquire(0.0)
            assert ticket is not None
            breaker.report(ticket, CallOutcome.FAILURE, 0.0)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(calls, range(8)))
    snapshot = breaker.snapshot(0.0)
    assert (snapshot["total_requests"], snapshot["total_failures"]) == (4000, 4000)
