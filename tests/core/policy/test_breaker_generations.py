"""Calls by the generation of a closed circuit, and what is told of moves."""

import pytest

from app.core.policy.breaker import CircuitBreaker, no_jitter
from app.core.policy.circuit import BreakerMode, BreakerParams
from tests.core.policy.breaking import CLOSED, FAILURE, OPEN, SUCCESS, call, opened


def generation_of(breaker: CircuitBreaker) -> int:
    generation = breaker.closed_generation()
    assert generation is not None
    return generation


def reasons(breaker: CircuitBreaker) -> list[str]:
    return [move.reason for move in breaker.take_transitions()]


def test_a_closed_circuit_gives_its_generation_and_counts_the_call_when_it_is_reported() -> None:
    breaker = CircuitBreaker(BreakerParams())
    generation = generation_of(breaker)
    assert generation_of(breaker) == generation
    assert breaker.snapshot(0.0)["total_requests"] == 0
    breaker.report(generation, SUCCESS, 0.0)
    breaker.report(generation, FAILURE, 0.0, reason="timeout")
    told = breaker.snapshot(0.0)
    assert told["total_requests"] == 2
    assert told["total_failures"] == 1
    assert told["last_failure_reason"] == "timeout"


def test_failures_reported_by_generation_open_the_circuit() -> None:
    breaker = CircuitBreaker(BreakerParams(failure_threshold=2))
    generation = generation_of(breaker)
    breaker.report(generation, FAILURE, 0.0)
    assert breaker.state(0.0) is CLOSED
    breaker.report(generation, FAILURE, 0.0)
    assert breaker.state(0.0) is OPEN


def test_a_circuit_that_is_not_closed_has_no_generation() -> None:
    breaker = opened()
    assert breaker.closed_generation() is None
    half_open = opened()
    half_open.state(30.0)
    assert half_open.closed_generation() is None


def test_a_circuit_that_is_forced_open_has_no_generation_until_it_is_let_go() -> None:
    breaker = CircuitBreaker(BreakerParams())
    breaker.set_mode(BreakerMode.FORCED_OPEN, 0.0)
    assert breaker.closed_generation() is None
    breaker.set_mode(BreakerMode.AUTO, 0.0)
    assert breaker.closed_generation() is not None


def test_a_result_of_an_older_generation_counts_as_a_call_and_moves_nothing() -> None:
    breaker = CircuitBreaker(BreakerParams(failure_threshold=1))
    before = generation_of(breaker)
    breaker.reset(0.0)
    breaker.report(before, FAILURE, 0.0)
    assert breaker.state(0.0) is CLOSED
    told = breaker.snapshot(0.0)
    assert (told["total_requests"], told["total_failures"]) == (1, 0)


def test_no_jitter_stretches_nothing() -> None:
    assert no_jitter() == 0.0
    breaker = CircuitBreaker(BreakerParams(jitter=0.5, failure_threshold=1))
    call(breaker, FAILURE, 0.0)
    assert breaker.retry_in_sec(0.0) == 30.0


def test_a_failure_without_a_reason_is_told_as_unknown() -> None:
    breaker = CircuitBreaker(BreakerParams())
    breaker.report(generation_of(breaker), FAILURE, 0.0)
    assert breaker.snapshot(0.0)["last_failure_reason"] == "unknown"


def test_every_fallback_is_counted() -> None:
    breaker = CircuitBreaker(BreakerParams())
    breaker.record_fallback()
    breaker.record_fallback()
    assert breaker.snapshot(0.0)["total_fallbacks"] == 2


@pytest.mark.parametrize(("given", "told"), [("", "mode_forced_open"), ("drill", "drill")])
def test_a_change_of_mode_is_told_by_its_reason_or_by_the_mode(given: str, told: str) -> None:
    breaker = CircuitBreaker(BreakerParams())
    breaker.set_mode(BreakerMode.FORCED_OPEN, 0.0, reason=given)
    assert reasons(breaker) == [told]
    other = CircuitBreaker(BreakerParams())
    other.set_mode(BreakerMode.FORCED_OPEN, 0.0)
    assert reasons(other) == ["mode_forced_open"]


def test_an_opening_by_the_rate_is_told_as_that() -> None:
    breaker = CircuitBreaker(BreakerParams(failure_rate=0.5, rate_min_calls=2))
    call(breaker, SUCCESS, 0.0)
    call(breaker, FAILURE, 0.0)
    assert reasons(breaker) == ["failure_rate"]


def test_a_restored_circuit_tells_its_move_and_its_last_failure() -> None:
    breaker = CircuitBreaker(BreakerParams())
    breaker.restore(opened().export(), 100.0)
    assert reasons(breaker) == ["restored"]
    assert breaker.snapshot(100.0)["last_failure_reason"] == "timeout"
