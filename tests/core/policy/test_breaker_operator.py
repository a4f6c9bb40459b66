"""The breaker under an operator, over a restart, and what it shows."""

from collections.abc import Callable

import pytest

from app.core.policy.breaker import CircuitBreaker
from app.core.policy.circuit import (
    LEGAL_MOVES,
    BreakerMode,
    BreakerParams,
    CircuitState,
    Transition,
)
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


def test_reset_closes_and_restores_the_initial_timeout() -> None:
    breaker = opened()
    call(breaker, FAILURE, 30.0)
    breaker.reset(31.0)
    snapshot = breaker.snapshot(31.0)
    assert snapshot["state"] == "closed"
    assert snapshot["current_timeout_sec"] == 30.0
    assert snapshot["failure_count"] == snapshot["consecutive_failures"] == 0
    assert snapshot["total_failures"] == 6


def test_reset_makes_results_in_flight_stale() -> None:
    breaker = CircuitBreaker(BreakerParams(failure_threshold=1))
    ticket = permit(breaker, 0.0)
    breaker.reset(0.0)
    breaker.report(ticket, FAILURE, 0.0)
    assert breaker.state(0.0) is CLOSED


def test_reset_ends_forced_open() -> None:
    breaker = CircuitBreaker(BreakerParams())
    breaker.set_mode(BreakerMode.FORCED_OPEN, 0.0)
    breaker.reset(1.0)
    assert breaker.state(1.0) is CLOSED
    assert breaker.mode is BreakerMode.AUTO


def test_forced_open_refuses_for_ever_and_auto_brings_the_closed_state_back() -> None:
    breaker = CircuitBreaker(BreakerParams())
    breaker.set_mode(BreakerMode.FORCED_OPEN, 0.0)
    assert breaker.acquire(1e9) is None
    assert breaker.state(1e9) is OPEN
    assert breaker.snapshot(1e9)["mode"] == "forced_open"
    breaker.set_mode(BreakerMode.AUTO, 1e9)
    assert breaker.state(1e9) is CLOSED


@pytest.mark.parametrize(("released_at", "state"), [(10.0, OPEN), (40.0, HALF_OPEN)])
def test_leaving_forced_open_brings_back_an_open_circuit_as_time_left_it(
    released_at: float, state: CircuitState
) -> None:
    breaker = opened()
    breaker.set_mode(BreakerMode.FORCED_OPEN, 5.0)
    breaker.set_mode(BreakerMode.AUTO, released_at)
    assert breaker.state(released_at) is state


def test_forcing_a_half_open_circuit_makes_its_probe_stale() -> None:
    breaker = opened()
    probe = permit(breaker, 30.0)
    breaker.set_mode(BreakerMode.FORCED_OPEN, 30.0)
    breaker.report(probe, SUCCESS, 31.0)
    breaker.set_mode(BreakerMode.AUTO, 32.0)
    assert breaker.state(32.0) is HALF_OPEN
    assert breaker.acquire(32.0) is not None


def test_disabled_lets_everything_through_and_auto_starts_closed() -> None:
    breaker = opened()
    breaker.set_mode(BreakerMode.DISABLED, 1.0)
    call(breaker, FAILURE, 1.0, 50)
    assert breaker.state(1.0) is CLOSED
    breaker.set_mode(BreakerMode.AUTO, 2.0)
    call(breaker, FAILURE, 2.0, 4)
    assert breaker.state(2.0) is CLOSED
    assert breaker.snapshot(2.0)["total_failures"] == 59


def test_setting_the_mode_in_force_changes_nothing() -> None:
    breaker = CircuitBreaker(BreakerParams(failure_threshold=1))
    ticket = permit(breaker, 0.0)
    breaker.set_mode(BreakerMode.AUTO, 0.0)
    breaker.report(ticket, FAILURE, 0.0)
    assert breaker.state(0.0) is OPEN


def test_switched_off_by_its_parameters_it_never_opens_but_can_be_forced() -> None:
    breaker = CircuitBreaker(BreakerParams(enabled=False))
    call(breaker, FAILURE, 0.0, 50)
    assert breaker.snapshot(0.0)["state"] == "closed"
    assert breaker.snapshot(0.0)["mode"] == "disabled"
    breaker.set_mode(BreakerMode.FORCED_OPEN, 0.0)
    assert breaker.acquire(0.0) is None
    breaker.set_mode(BreakerMode.AUTO, 0.0)
    call(breaker, FAILURE, 0.0, 50)
    assert breaker.mode is BreakerMode.DISABLED


def test_snapshot_has_exactly_the_fields_of_the_contract() -> None:
    assert CircuitBreaker(BreakerParams()).snapshot(0.0) == {
        "state": "closed",
        "mode": "auto",
        "failure_count": 0,
        "consecutive_failures": 0,
        "current_timeout_sec": 30.0,
        "time_until_retry_sec": 0.0,
        "total_requests": 0,
        "total_failures": 0,
        "total_fallbacks": 0,
        "success_rate": 1.0,
        "last_failure_reason": None,
    }


def test_totals_count_calls_let_through_and_fallbacks() -> None:
    breaker = CircuitBreaker(BreakerParams())
    call(breaker, SUCCESS, 0.0, 5)
    call(breaker, NEUTRAL, 0.0, 2)
    call(breaker, FAILURE, 0.0, 5)
    assert breaker.acquire(1.0) is None
    breaker.record_fallback()
    snapshot = breaker.snapshot(1.0)
    assert snapshot["total_requests"] == 12
    assert snapshot["total_failures"] == 5
    assert snapshot["total_fallbacks"] == 1
    assert snapshot["success_rate"] == 0.5
    assert snapshot["last_failure_reason"] == "timeout"


def test_each_change_of_state_is_reported_once_and_is_legal() -> None:
    breaker = CircuitBreaker(BreakerParams())
    call(breaker, FAILURE, 0.0, 5)
    call(breaker, FAILURE, 30.0)
    call(breaker, SUCCESS, 90.0)
    breaker.set_mode(BreakerMode.FORCED_OPEN, 91.0, reason="maintenance")
    breaker.reset(92.0)
    assert breaker.take_transitions() == [
        Transition(CLOSED, OPEN, "failure_threshold", 30.0),
        Transition(OPEN, HALF_OPEN, "timeout_over", 30.0),
        Transition(HALF_OPEN, OPEN, "probe_failed", 60.0),
        Transition(OPEN, HALF_OPEN, "timeout_over", 60.0),
        Transition(HALF_OPEN, CLOSED, "probe_succeeded", 30.0),
        Transition(CLOSED, OPEN, "maintenance", 30.0),
        Transition(OPEN, CLOSED, "reset", 30.0),
    ]
    assert breaker.take_transitions() == []


def test_every_state_can_be_left_and_none_moves_to_itself() -> None:
    assert set(LEGAL_MOVES) == set(CircuitState)
    assert all(moves and state not in moves for state, moves in LEGAL_MOVES.items())
    assert HALF_OPEN not in LEGAL_MOVES[CLOSED]


def forced(breaker: CircuitBreaker) -> None:
    breaker.set_mode(BreakerMode.FORCED_OPEN, 0.0)


def reopened(breaker: CircuitBreaker) -> None:
    call(breaker, FAILURE, 0.0, 5)
    call(breaker, FAILURE, 30.0)


def four_failures(breaker: CircuitBreaker) -> None:
    call(breaker, FAILURE, 0.0, 4)


@pytest.mark.parametrize(
    ("prepare", "state", "mode", "wait_sec", "consecutive"),
    [
        (forced, "open", "forced_open", 0.0, 0),
        (reopened, "open", "auto", 60.0, 6),
        (four_failures, "closed", "auto", 0.0, 4),
    ],
)
def test_mode_and_open_state_survive_a_restart(
    prepare: Callable[[CircuitBreaker], None],
    state: str,
    mode: str,
    wait_sec: float,
    consecutive: int,
) -> None:
    old, new = CircuitBreaker(BreakerParams()), CircuitBreaker(BreakerParams())
    prepare(old)
    new.restore(old.export(), 7.0)
    snapshot = new.snapshot(7.0)
    assert (snapshot["state"], snapshot["mode"]) == (state, mode)
    assert snapshot["time_until_retry_sec"] == wait_sec
    assert snapshot["consecutive_failures"] == consecutive


def test_a_half_open_circuit_may_be_probed_at_once_after_a_restart() -> None:
    old, new = opened(), CircuitBreaker(BreakerParams())
    permit(old, 30.0)
    new.restore(old.export(), 0.0)
    assert new.state(0.0) is HALF_OPEN
    call(new, FAILURE, 0.0)
    assert new.snapshot(0.0)["current_timeout_sec"] == 60.0


def test_a_restored_timeout_obeys_the_parameters_in_force() -> None:
    exported = opened(initial_timeout_sec=200.0).export()
    breaker = CircuitBreaker(BreakerParams(max_timeout_sec=50.0))
    breaker.restore(exported, 0.0)
    assert breaker.snapshot(0.0)["time_until_retry_sec"] == 50.0


def test_switched_off_by_its_parameters_it_does_not_restore_an_open_circuit() -> None:
    breaker = CircuitBreaker(BreakerParams(enabled=False))
    breaker.restore(opened().export(), 0.0)
    assert breaker.acquire(0.0) is not None
