"""The guide's circuit breaker: the service's breaker around any call."""

import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from app.adapters.telemetry.prometheus import PrometheusTelemetry
from app.core.errors import Blame, PolicyFailure
from app.core.policy.circuit import (
    BreakerParams,
    CallOutcome,
    CircuitState,
    Permit,
    Ticket,
    Transition,
)
from app.facade.silence import SilentTelemetry
from app.pipeline.ports import Telemetry
from app.pipeline.shared_breaker import SharedBreaker

_SUCCESS, _FAILURE, _NEUTRAL = CallOutcome.SUCCESS, CallOutcome.FAILURE, CallOutcome.NEUTRAL
_COROUTINE: Final = inspect.CO_COROUTINE


class CircuitBreakerOpenException(Exception):
    """The circuit is open, or its one probe is under way; the call was not made.

    Parameters
    ----------
    retry_after_sec : float, seconds
        Until the next probe may go; 0 while one is under way or the circuit is forced open.
    """

    @property
    def retry_after_sec(self) -> float:
        """Seconds until the next probe may go."""
        return float(self.args[0]) if self.args else 0.0

    def __str__(self) -> str:
        return f"circuit is open, next probe in {self.retry_after_sec:.1f} s"


class ColabProCircuitBreaker:
    """Circuit breaker around any call: after enough failures it refuses calls for a while.

    Parameters
    ----------
    failure_threshold : int
        Failures in a row that open the circuit.
    initial_timeout_sec, max_timeout_sec : float, seconds
        First and longest wait before a probe.
    backoff_multiplier : float
        Lengthens the wait after each failed probe.
    enable_metrics : bool
        Whether the process's ``himari_l3_circuit_breaker_*`` metrics follow this breaker.
    probe_lease_sec : float, seconds
        How long a probe may stay without a result before another caller may probe.
    clock : callable giving seconds, monotonic
    telemetry : Telemetry, optional
        In place of what ``enable_metrics`` chooses.

    Raises
    ------
    ValueError
        If the circuit could not open or not recover with these numbers.
    """

    def __init__(  # noqa: PLR0913 (the guide's signature)
        self,
        failure_threshold: int = 5,
        initial_timeout_sec: float = 30,
        max_timeout_sec: float = 300,
        backoff_multiplier: float = 2.0,
        enable_metrics: bool = True,  # noqa: FBT001, FBT002 (the guide's signature)
        *,
        probe_lease_sec: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        telemetry: Telemetry | None = None,
    ) -> None:
        params = BreakerParams(
            failure_threshold=failure_threshold,
            initial_timeout_sec=float(initial_timeout_sec),
            max_timeout_sec=float(max_timeout_sec),
            backoff_multiplier=float(backoff_multiplier),
            probe_lease_sec=probe_lease_sec,
        )
        self._clock = clock
        self._listeners: list[Callable[[Transition], None]] = []
        self.machine: Final = SharedBreaker(params, on_transition=self._changed)
        self._closed_permit: Final = self.machine.closed_generation
        self.telemetry: Final[Telemetry] = telemetry or (
            PrometheusTelemetry() if enable_metrics else SilentTelemetry()
        )
        if isinstance(self.telemetry, PrometheusTelemetry):
            self.telemetry.watch(circuit=self.get_state)
        self._publish()

    @property
    def state(self) -> CircuitState:
        """``closed``, ``open`` or ``half_open``; a text and an enum member at once."""
        return self.machine.state(self._clock())

    def call(self, func: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Return the result of a call, unless the circuit is open.

        Every exception counts as a failure and is raised unchanged; a cancellation, and an error
        that is not the other side's fault, does not count.

        Parameters
        ----------
        func : callable
            A plain function is called here and now. A coroutine function, or a function that
            returns an awaitable, gives an awaitable that does the same when it is awaited.
        *args, **kwargs
            For the function.

        Returns
        -------
        object
            What the function returned, or the awaitable.

        Raises
        ------
        CircuitBreakerOpenException
            If the circuit is open; for a coroutine function when the result is awaited.
        """
        code = getattr(func, "__code__", None)
        if code.co_flags & _COROUTINE if code is not None else _is_asynchronous(func):
            return self._call_later(func, args, kwargs)
        permit: Permit | None = self._closed_permit()
        if permit is None:
            permit = self._acquire()
        try:
            answer = func(*args, **kwargs)
        except BaseException as error:
            self._failed(permit, error)
            raise
        if hasattr(answer, "__await__"):
            return self._settle_later(permit, answer)
        self.machine.report(permit, _SUCCESS, self._clock())
        return answer

    def record_fallback(self) -> None:
        """Count a decision made without the protected call."""
        self.machine.record_fallback()
        self._publish()

    def reset(self) -> None:
        """Force the circuit closed: initial timeout, no failures."""
        self.machine.reset(self._clock())
        self._publish()

    def get_state(self) -> dict[str, Any]:
        """Return the fields of ``GET /circuit``."""
        return self.machine.snapshot(self._clock())

    def subscribe(self, listener: Callable[[Transition], None]) -> Callable[[], None]:
        """Call a listener at each change of state, in the thread that made it.

        Returns
        -------
        callable
            Ends the subscription.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    async def _call_later(
        self, func: Callable[..., Awaitable[Any]], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        permit: Permit | None = self._closed_permit()
        if permit is None:
            permit = self._acquire()
        try:
            answer = await func(*args, **kwargs)
        except BaseException as error:
            self._failed(permit, error)
            raise
        self.machine.report(permit, _SUCCESS, self._clock())
        return answer

    async def _settle_later(self, permit: Permit, awaitable: Awaitable[Any]) -> Any:
        try:
            answer = await awaitable
        except BaseException as error:
            self._failed(permit, error)
            raise
        self.machine.report(permit, _SUCCESS, self._clock())
        return answer

    def _acquire(self) -> Ticket:
        """Return the permit of a call while the circuit is not closed, or raise."""
        now = self._clock()
        wait_sec = self.machine.retry_in_sec(now)
        ticket = None if wait_sec else self.machine.acquire(now)
        if ticket is None:
            raise CircuitBreakerOpenException(wait_sec or self.machine.retry_in_sec(now))
        return ticket

    def _failed(self, permit: Permit, error: BaseException) -> None:
        self.machine.report(permit, _blame(error), self._clock(), reason=_reason(error))
        self._publish()

    def _changed(self, transition: Transition) -> None:
        self._publish()
        for listener in tuple(self._listeners):
            listener(transition)

    def _publish(self) -> None:
        self.telemetry.circuit_changed(self.machine.snapshot(self._clock()))


def _is_asynchronous(func: Callable[..., Any]) -> bool:
    """Return whether a partial, or an object with ``__call__``, is a coroutine function."""
    return inspect.iscoroutinefunction(func) or inspect.iscoroutinefunction(
        getattr(func, "__call__", None)  # noqa: B004 (its code, not whether it can be called)
    )


def _reason(error: BaseException) -> str:
    if isinstance(error, PolicyFailure):
        return str(error.reason)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _blame(error: BaseException) -> CallOutcome:
    """Return a failure, or neutral for cancellation, exit and the caller's own mistakes."""
    if not isinstance(error, Exception):
        return _NEUTRAL
    if isinstance(error, PolicyFailure) and error.blame is Blame.NEUTRAL:
        return _NEUTRAL
    return _FAILURE
