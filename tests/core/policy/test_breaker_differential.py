"""The breaker beside an independent one, interlock-cb, over random histories of callers.

Both are told the same outcomes at the same times; each arrival must be let through by both or by
neither. What the two mean to do differently is tested by itself at the end, and recorded in
decision 20.
"""

import asyncio
from contextvars import Context, copy_context
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import interlock
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from app.core.policy.breaker import CircuitBreaker
from app.core.policy.circuit import BreakerMode, BreakerParams, CallOutcome, CircuitState, Ticket
from tests.core.policy.breaking import FAILURE, NEUTRAL, SUCCESS, call

THRESHOLD, INITIAL, LONGEST, GROWTH = 3, 30.0, 100.0, 2.0
RATE, CALLS = 0.5, 6
NEVER, LEASE = 1e9, 7.0
ENDINGS: dict[CallOutcome, type[BaseException] | None] = {
    SUCCESS: None,
    FAILURE: OSError,
    NEUTRAL: asyncio.CancelledError,
}


class Hands:
    """A clock for the peer, moved together with the time that ours is told."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def monotonic(self) -> float:
        return self.now


class Peer:
    """The other breaker, asked as ours is; each caller is a context of its own."""

    def __init__(self, clock: Hands, **config: Any) -> None:
        self.breaker = interlock.CircuitBreaker(
            name="peer",
            clock=clock,
            config=interlock.Config(
                permitted_calls_in_half_open=1,
                slow_call_duration_threshold=NEVER,
                wait_duration_in_open=INITIAL,
                wait_duration_backoff_multiplier=GROWTH,
                wait_duration_in_open_max=LONGEST,
                **config,
            ),
        )

    def state(self) -> interlock.State:
        return self.breaker.state

    def acquire(self) -> Context | None:
        caller = copy_context()
        try:
            caller.run(self.breaker.__enter__)
        except interlock.CircuitOpenError:
            return None
        return caller

    def report(self, caller: Context, outcome: CallOutcome) -> None:
        kind = ENDINGS[outcome]
        caller.run(self.breaker.__exit__, kind, kind() if kind else None, None)


def in_a_row() -> tuple[BreakerParams, dict[str, Any]]:
    """Open after failures in a row: for the peer, when its window of that length holds no other."""
    ours = BreakerParams(
        failure_threshold=THRESHOLD,
        initial_timeout_sec=INITIAL,
        max_timeout_sec=LONGEST,
        backoff_multiplier=GROWTH,
        probe_lease_sec=NEVER,
    )
    return ours, {
        "failure_rate_threshold": 1.0,
        "minimum_number_of_calls": THRESHOLD,
        "window_size": THRESHOLD,
    }


def by_rate() -> tuple[BreakerParams, dict[str, Any]]:
    """Open at a share of failures within a window of time."""
    ours = BreakerParams(
        failure_threshold=1_000_000,
        initial_timeout_sec=INITIAL,
        max_timeout_sec=LONGEST,
        backoff_multiplier=GROWTH,
        probe_lease_sec=NEVER,
        failure_rate=RATE,
        rate_min_calls=CALLS,
        rate_window_sec=60.0,
    )
    return ours, {
        "failure_rate_threshold": RATE,
        "minimum_number_of_calls": CALLS,
        "window_type": interlock.WindowType.TIME_BASED,
        "window_size": 60,
    }


class Together(RuleBasedStateMachine):
    """Callers arrive, end in any order, wait; an operator forces and resets."""

    params = staticmethod(in_a_row)

    def __init__(self) -> None:
        super().__init__()
        params, config = self.params()
        self.clock = Hands()
        self.ours, self.peer = CircuitBreaker(params), Peer(self.clock, **config)
        self.calls: list[tuple[Ticket, Context]] = []

    @rule(seconds=st.integers(1, 120))
    def wait(self, seconds: int) -> None:
        self.clock.now += seconds

    @rule(callers=st.integers(1, 4))
    def arrive(self, callers: int) -> None:
        for _ in range(callers):
            ticket, caller = self.ours.acquire(self.clock.now), self.peer.acquire()
            assert (ticket is None) == (caller is None)
            if ticket is not None and caller is not None:
                self.calls.append((ticket, caller))

    @precondition(lambda self: self.calls)
    @rule(data=st.data(), outcome=st.sampled_from([SUCCESS, FAILURE, FAILURE, NEUTRAL]))
    def end(self, data: st.DataObject, outcome: CallOutcome) -> None:
        place = data.draw(st.integers(0, len(self.calls) - 1))
        ticket, caller = self.calls.pop(place)
        self.ours.report(ticket, outcome, self.clock.now)
        self.peer.report(caller, outcome)

    @rule(outcomes=st.lists(st.sampled_from([SUCCESS, FAILURE, FAILURE, NEUTRAL]), max_size=8))
    def call_in_turn(self, outcomes: list[CallOutcome]) -> None:
        for outcome in outcomes:
            self.arrive(callers=1)
            if self.calls:
                ticket, caller = self.calls.pop()
                self.ours.report(ticket, outcome, self.clock.now)
                self.peer.report(caller, outcome)

    @rule()
    def reset(self) -> None:
        self.ours.reset(self.clock.now)
        self.peer.breaker.reset()

    @rule()
    def force_open_and_arrive(self) -> None:
        self.ours.set_mode(BreakerMode.FORCED_OPEN, self.clock.now)
        self.peer.breaker.force_open()
        self.arrive(callers=2)
        self.reset()


class TogetherByRate(Together):
    params = staticmethod(by_rate)


@pytest.mark.parametrize("machine", [Together, TogetherByRate])
def test_two_independent_breakers_let_the_same_callers_through(machine: type[Together]) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=60,
            stateful_step_count=40,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def opened_together(at: float = 1000.0) -> tuple[CircuitBreaker, Peer, Hands]:
    """Open both by failures in a row."""
    params, config = in_a_row()
    clock = Hands(at)
    ours, peer = CircuitBreaker(replace(params, probe_lease_sec=LEASE)), Peer(clock, **config)
    for _ in range(THRESHOLD):
        call(ours, FAILURE, clock.now)
        caller = peer.acquire()
        assert caller is not None
        peer.report(caller, FAILURE)
    assert ours.state(clock.now) is CircuitState.OPEN
    assert peer.state() is interlock.State.OPEN
    return ours, peer, clock


def test_a_probe_that_hangs_shuts_the_peer_for_ever_and_ours_until_its_lease_is_over() -> None:
    ours, peer, clock = opened_together()
    clock.now += INITIAL
    assert ours.acquire(clock.now) is not None
    assert peer.acquire() is not None
    clock.now += LEASE
    assert ours.acquire(clock.now) is not None
    clock.now += 1e6
    assert peer.acquire() is None


def test_ours_is_half_open_by_time_alone_and_the_peer_by_the_next_call() -> None:
    ours, peer, clock = opened_together()
    clock.now += INITIAL
    assert ours.state(clock.now) is CircuitState.HALF_OPEN
    assert peer.state() is interlock.State.OPEN
    assert peer.acquire() is not None
    assert peer.state() is interlock.State.HALF_OPEN


def test_the_peer_leaves_forced_open_closed_and_ours_as_it_was() -> None:
    ours, peer, clock = opened_together()
    ours.set_mode(BreakerMode.FORCED_OPEN, clock.now)
    peer.breaker.force_open()
    ours.set_mode(BreakerMode.AUTO, clock.now)
    peer.breaker.reset()
    assert ours.acquire(clock.now) is None
    assert peer.acquire() is not None


def test_at_the_last_bit_a_wait_ends_by_our_sum_and_not_by_the_peers_difference() -> None:
    at = next(at for at in (1000.0 + n / 997 for n in range(997)) if (at + INITIAL) - at < INITIAL)
    ours, peer, clock = opened_together(at)
    clock.now = at + INITIAL
    assert ours.acquire(clock.now) is not None
    assert peer.acquire() is None
