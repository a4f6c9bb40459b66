"""(d) CPU time that the circuit breaker adds to a call."""

import asyncio
from collections.abc import Callable, Iterator
from statistics import median
from typing import Final

from app.core.policy.breaker import CircuitBreaker
from app.core.policy.circuit import BreakerParams, CallOutcome
from app.facade import CircuitBreakerOpenException, ColabProCircuitBreaker
from tests.tools.bench.rows import Row, cpu_sec

SECTION: Final = "Circuit breaker, CPU a call"
CALLS: Final = 20_000
TARGET_US: Final = 2.0


def measure(rounds: int) -> Iterator[Row]:
    """Time the machine alone and the facade's breaker, closed and open, less the bare loop."""
    actions = {
        "core machine, closed": (_core_closed(), TARGET_US),
        "core machine, open": (_core_open(), TARGET_US),
        "call of a function through the facade, closed": (_call_closed(), TARGET_US),
        "call of a function through the facade, open": (_call_open(), TARGET_US),
        "await of a coroutine through the facade, closed": (_await_closed(), None),
    }
    times: dict[str, list[float]] = {name: [] for name in actions}
    bare: list[float] = []
    for _ in range(rounds):
        bare.append(cpu_sec(_bare))
        for name, (action, _target) in actions.items():
            times[name].append(cpu_sec(action))
    for name, (_action, target) in actions.items():
        spent = (median(times[name]) - median(bare)) / CALLS
        yield Row(SECTION, name, 1e6 * spent, "us", at_most=target)


def _nothing() -> int:
    return 1


def _bare() -> None:
    for _ in range(CALLS):
        _nothing()


def _core_closed() -> Callable[[], None]:
    breaker, success = CircuitBreaker(BreakerParams()), CallOutcome.SUCCESS

    def run() -> None:
        for _ in range(CALLS):
            ticket = breaker.acquire(1.0)
            if ticket is not None:
                breaker.report(ticket, success, 1.0)
            _nothing()

    return run


def _core_open() -> Callable[[], None]:
    breaker = CircuitBreaker(BreakerParams(failure_threshold=1))
    ticket = breaker.acquire(1.0)
    assert ticket is not None
    breaker.report(ticket, CallOutcome.FAILURE, 1.0)

    def run() -> None:
        for _ in range(CALLS):
            breaker.acquire(1.0)
            _nothing()

    return run


def _call_closed() -> Callable[[], None]:
    breaker = ColabProCircuitBreaker(enable_metrics=False)

    def run() -> None:
        for _ in range(CALLS):
            breaker.call(_nothing)

    return run


def _call_open() -> Callable[[], None]:
    breaker = ColabProCircuitBreaker(failure_threshold=1, enable_metrics=False)

    def fail() -> None:
        raise OSError("down")

    def run() -> None:
        for _ in range(CALLS):
            try:
                breaker.call(_nothing)
            except CircuitBreakerOpenException:
                _nothing()

    try:
        breaker.call(fail)
    except OSError:
        return run
    raise AssertionError("the breaker swallowed the error")


def _await_closed() -> Callable[[], None]:
    breaker = ColabProCircuitBreaker(enable_metrics=False)

    async def answer() -> int:
        return 1

    async def all_of_them() -> None:
        for _ in range(CALLS):
            await breaker.call(answer)

    return lambda: asyncio.run(all_of_them())
