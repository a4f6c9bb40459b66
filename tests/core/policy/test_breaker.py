"""The breaker's table of moves, its permits, and what makes it open."""

import pytest

from app.core.policy.breaker import CircuitBreaker
from app.core.policy.circuit import BreakerMode, BreakerParams, CallOutcome
from tests.core.policy.breaking import (
    CLOSED,
    FAILURE,
    HALF_OPEN,
    NEUTRAL,
    OPEN,
    SUCCESS,
    call,
    opened,
    permit,
)


def test_opens_after_the_fifth_failure_in_a_row_and_not_before() -> None:
    breaker = CircuitBreaker(BreakerParams())
    call(breaker, FAILURE, 0.0, 4)
    assert breaker.state(0.0) is CLOSED
    call(breaker, FAILURE, 0.0)
    assert breaker.state(0.0) is OPEN
    assert breaker.acquire(29.999) is None


def test_a_success_between_failures_starts_the_count_again() -> None:
    breaker = CircuitBreaker(BreakerParams())
    for _ in range(10):
        call(breaker, FAILURE, 0.0, 4)
        call(breaker, SUCCESS, 0.0)
    assert breaker.state(0.0) is CLOSED
    assert breaker.snapshot(0.0)["failure_count"] == 40
    assert breaker.snapshot(0.0)["consecutive_failures"] == 0


def test_neutral_calls_neither_open_nor_interrupt_a_row_of_failures() -> None:
    breaker = CircuitBreaker(BreakerParams())
    call(breaker, NEUTRAL, 0.0, 100)
    assert breaker.state(0.0) is CLOSED
    call(breaker, FAILURE, 0.0, 4)
    call(breaker, NEUTRAL, 0.0)
    call(breaker, FAILURE, 0.0)
    assert breaker.state(0.0) is OPEN


def test_the_state_is_half_open_as_soon_as_the_timeout_is_over() -> None:
    breaker = opened()
    assert breaker.state(29.999) is OPEN
    assert breaker.snapshot(29.0)["time_until_retry_sec"] == pytest.approx(1.0)
    assert breaker.state(30.0) is HALF_OPEN
    assert breaker.snapshot(30.0)["time_until_retry_sec"] == 0.0


def test_timeouts_grow_30_60_120_240_300_300() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(6):
        wait = breaker.snapshot(now)["time_until_retry_sec"]
        assert breaker.snapshot(now)["current_timeout_sec"] == wait
        waits.append(wait)
        now += wait
        call(breaker, FAILURE, now)
    assert waits == [30.0, 60.0, 120.0, 240.0, 300.0, 300.0]


def test_closing_restores_the_initial_timeout() -> None:
    breaker = opened()
    call(breaker, FAILURE, 30.0)
    call(breaker, SUCCESS, 90.0)
    assert breaker.state(90.0) is CLOSED
    call(breaker, FAILURE, 90.0, 5)
    assert breaker.snapshot(90.0)["current_timeout_sec"] == 30.0


def test_half_open_lets_one_probe_through_among_200_callers() -> None:
    breaker = opened()
    tickets = [breaker.acquire(30.0) for _ in range(200)]
    assert sum(ticket is not None for ticket in tickets) == 1


def test_a_cancelled_probe_gives_its_permit_back() -> None:
    breaker = opened()
    breaker.report(permit(breaker, 30.0), NEUTRAL, 30.1)
    assert breaker.state(30.1) is HALF_OPEN
    call(breaker, SUCCESS, 30.1)
    assert breaker.state(30.1) is CLOSED


def test_a_hung_probe_loses_its_lease_and_its_late_result_is_ignored() -> None:
    breaker = opened(probe_lease_sec=10.0)
    hung = permit(breaker, 30.0)
    assert breaker.acquire(39.999) is None
    second = permit(breaker, 40.0)
    breaker.report(hung, SUCCESS, 41.0)
    assert breaker.state(41.0) is HALF_OPEN
    assert breaker.acquire(41.0) is None
    breaker.report(second, FAILURE, 41.0)
    assert breaker.state(41.0) is OPEN


def test_a_late_neutral_of_a_hung_probe_does_not_free_the_permit_of_its_successor() -> None:
    breaker = opened(probe_lease_sec=10.0)
    hung = permit(breaker, 30.0)
    permit(breaker, 40.0)
    breaker.report(hung, NEUTRAL, 41.0)
    assert breaker.acquire(41.0) is None


@pytest.mark.parametrize("outcome", list(CallOutcome))
def test_results_of_calls_from_before_the_opening_change_nothing(outcome: CallOutcome) -> None:
    breaker = CircuitBreaker(BreakerParams())
    late = [permit(breaker, 0.0) for _ in range(3)]
    call(breaker, FAILURE, 0.0, 5)
    before = breaker.snapshot(1.0)
    breaker.report(late[0], outcome, 1.0)
    assert breaker.snapshot(1.0) == before
    probe = permit(breaker, 30.0)
    breaker.report(late[1], outcome, 30.0)
    assert breaker.state(30.0) is HALF_OPEN
    assert breaker.acquire(30.0) is None
    breaker.report(probe, SUCCESS, 30.0)
    breaker.report(late[2], outcome, 30.0)
    assert breaker.snapshot(30.0)["consecutive_failures"] == 0


def test_a_ticket_counts_once() -> None:
    breaker = CircuitBreaker(BreakerParams())
    ticket = permit(breaker, 0.0)
    for _ in range(10):
        breaker.report(ticket, FAILURE, 0.0)
    assert breaker.snapshot(0.0)["total_failures"] == 1
    assert breaker.state(0.0) is CLOSED


def test_jitter_stretches_the_wait_and_not_the_timeout() -> None:
    breaker = CircuitBreaker(BreakerParams(failure_threshold=1, jitter=0.2), draw=lambda: 0.5)
    call(breaker, FAILURE, 0.0)
    snapshot = breaker.snapshot(0.0)
    assert snapshot["current_timeout_sec"] == 30.0
    assert snapshot["time_until_retry_sec"] == pytest.approx(33.0)
    assert breaker.state(32.9) is OPEN
    assert breaker.state(33.1) is HALF_OPEN


def rated() -> CircuitBreaker:
    return CircuitBreaker(BreakerParams(failure_threshold=1000, failure_rate=0.5))


def alternate(breaker: CircuitBreaker, now: float, times: int) -> None:
    for _ in range(times):
        call(breaker, SUCCESS, now)
        call(breaker, FAILURE, now)


def test_the_failure_rate_opens_at_the_20th_call_of_the_window_and_not_before() -> None:
    breaker = rated()
    alternate(breaker, 0.0, 9)
    call(breaker, SUCCESS, 0.0)
    assert breaker.state(0.0) is CLOSED
    call(breaker, FAILURE, 0.0)
    assert breaker.state(0.0) is OPEN


def test_a_success_can_be_the_call_that_makes_the_rate_count() -> None:
    breaker = rated()
    call(breaker, FAILURE, 0.0, 12)
    call(breaker, SUCCESS, 0.0, 7)
    assert breaker.state(0.0) is CLOSED
    call(breaker, SUCCESS, 0.0)
    assert breaker.state(0.0) is OPEN


@pytest.mark.parametrize("outcome", [SUCCESS, FAILURE])
def test_calls_of_a_disabled_breaker_do_not_count_towards_the_rate(outcome: CallOutcome) -> None:
    breaker = rated()
    breaker.set_mode(BreakerMode.DISABLED, 0.0)
    call(breaker, outcome, 0.0, 100)
    breaker.set_mode(BreakerMode.AUTO, 0.0)
    alternate(breaker, 0.0, 9)
    call(breaker, SUCCESS, 0.0)
    assert breaker.state(0.0) is CLOSED
    call(breaker, FAILURE, 0.0)
    assert breaker.state(0.0) is OPEN


def test_calls_older_than_the_window_do_not_count_towards_the_rate() -> None:
    breaker = rated()
    alternate(breaker, 0.0, 9)
    alternate(breaker, 61.0, 9)
    assert breaker.state(61.0) is CLOSED
    alternate(breaker, 90.0, 1)
    assert breaker.state(90.0) is OPEN


def test_the_rate_window_slides_by_its_buckets() -> None:
    breaker = rated()
    for second in range(600):
        call(breaker, SUCCESS, float(second), 3)
        call(breaker, FAILURE, float(second), 2)
    assert breaker.state(600.0) is CLOSED
    for second in range(600, 700):
        if breaker.state(float(second)) is OPEN:
            break
        call(breaker, FAILURE, float(second))
    # 60 s hold 180 successes and 120 failures; after k further seconds 180 - 3k and 120 - k.
    assert 610 <= second <= 660


def test_the_rate_is_off_by_default() -> None:
    breaker = CircuitBreaker(BreakerParams(failure_threshold=3))
    for _ in range(1000):
        call(breaker, FAILURE, 0.0, 2)
        call(breaker, SUCCESS, 0.0)
    assert breaker.state(0.0) is CLOSED


def test_closing_forgets_the_rate_of_before() -> None:
    breaker = rated()
    alternate(breaker, 0.0, 10)
    call(breaker, SUCCESS, 30.0)
    call(breaker, FAILURE, 30.0)
    assert breaker.state(30.0) is CLOSED
