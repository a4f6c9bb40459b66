"""Calls through a breaker, with outcomes to order."""

from typing import Any

from app.core.policy.breaker import CircuitBreaker
from app.core.policy.circuit import BreakerParams, CallOutcome, CircuitState, Ticket

SUCCESS, FAILURE, NEUTRAL = CallOutcome.SUCCESS, CallOutcome.FAILURE, CallOutcome.NEUTRAL
CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


def permit(breaker: CircuitBreaker, now: float) -> Ticket:
    ticket = breaker.acquire(now)
    assert ticket is not None
    return ticket


def call(breaker: CircuitBreaker, outcome: CallOutcome, now: float, times: int = 1) -> None:
    for _ in range(times):
        breaker.report(permit(breaker, now), outcome, now, reason="timeout")


def opened(at: float = 0.0, **params: Any) -> CircuitBreaker:
    breaker = CircuitBreaker(BreakerParams(**params))
    call(breaker, FAILURE, at, int(params.get("failure_threshold", 5)))
    return breaker
