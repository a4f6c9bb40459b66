"""Ask the policy through the circuit breaker; every failure is returned as a value.

The client enforces the deadline, inside the breaker, so a hang counts as a timeout. Only the
cancellation of the caller is raised, and it counts as neither success nor failure.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from app.core.errors import Blame, PolicyFailure
from app.core.policy.circuit import CallOutcome, CircuitState
from app.core.types import FallbackReason, PolicyAnswer, PolicyInput, Prediction
from app.pipeline.ports import Clock, PolicyClient
from app.pipeline.shared_breaker import SharedBreaker

_LOG = structlog.get_logger(__name__)
_OUTCOME: Final = {Blame.FAILURE: CallOutcome.FAILURE, Blame.NEUTRAL: CallOutcome.NEUTRAL}

AnswerHook = Callable[[int, PolicyAnswer], None]


class PolicyGate:
    """Calls the policy through the breaker.

    Parameters
    ----------
    client : PolicyClient or None
        None in fallback-only mode.
    breaker : SharedBreaker
    clock : Clock
    on_answer : callable taking the number of rows and the PolicyAnswer, optional
        Called with each answer, for telemetry.

    Attributes
    ----------
    model_version : str or None
        Of the last usable answer, whether it was confident enough to be used or not.
    """

    def __init__(
        self,
        client: PolicyClient | None,
        breaker: SharedBreaker,
        clock: Clock,
        *,
        on_answer: AnswerHook | None = None,
    ) -> None:
        self.client = client
        self.breaker = breaker
        self.model_version: str | None = None
        self._clock = clock
        self._on_answer = on_answer

    async def ask(self, inputs: Sequence[PolicyInput]) -> PolicyAnswer:
        """Ask once for all directional signals of a decision.

        Does not suspend while there is no client, so a fallback decision needs no event loop.

        Parameters
        ----------
        inputs : sequence of PolicyInput

        Returns
        -------
        PolicyAnswer
            Predictions in the order of ``inputs``, or the reason why there are none.
        """
        started = self._clock.monotonic()
        answer = await self._answer(inputs, started)
        latency_ms = (self._clock.monotonic() - started) * 1e3
        answer = replace(answer, latency_ms=latency_ms)
        if self._on_answer is not None:
            self._on_answer(len(inputs), answer)
        return answer

    def would_refuse(self) -> bool:
        """Return whether a call would be refused now: no policy, or the circuit is open."""
        if self.client is None:
            return True
        return self.breaker.state(self._clock.monotonic()) is CircuitState.OPEN

    async def ask_for_dry_run(self, inputs: Sequence[PolicyInput]) -> PolicyAnswer:
        """Ask without changing the breaker; refused unless it is closed.

        Parameters
        ----------
        inputs : sequence of PolicyInput

        Returns
        -------
        PolicyAnswer
        """
        if self.client is None:
            return PolicyAnswer(reason=FallbackReason.RL_DISABLED)
        if not inputs:
            return PolicyAnswer(reason=FallbackReason.EMPTY_BATCH)
        if self.breaker.state(self._clock.monotonic()) is not CircuitState.CLOSED:
            return PolicyAnswer(reason=FallbackReason.CIRCUIT_OPEN)
        answer, _ = await _called(self.client, inputs)
        return answer

    def reset(self, reason: str) -> None:
        """Force the circuit closed and end the client's pause."""
        self.breaker.reset(self._clock.monotonic(), reason=reason)
        if self.client is not None:
            self.client.resume()

    def record_fallback(self) -> None:
        """Count a decision without the policy, if there is one."""
        if self.client is not None:
            self.breaker.record_fallback()

    async def _answer(self, inputs: Sequence[PolicyInput], now: float) -> PolicyAnswer:
        if self.client is None:
            return PolicyAnswer(reason=FallbackReason.RL_DISABLED)
        if not inputs:
            return PolicyAnswer(reason=FallbackReason.EMPTY_BATCH)
        ticket = self.breaker.acquire(now)
        if ticket is None:
            return PolicyAnswer(reason=FallbackReason.CIRCUIT_OPEN)
        outcome, reason = CallOutcome.NEUTRAL, ""
        try:
            answer, outcome = await _called(self.client, inputs)
            reason = str(answer.reason or "")
            self.model_version = answer.model_version or self.model_version
        finally:
            # Also when cancelled: a neutral report returns the permit of a probe.
            self.breaker.report(ticket, outcome, self._clock.monotonic(), reason=reason)
        return answer


async def _called(
    client: PolicyClient, inputs: Sequence[PolicyInput]
) -> tuple[PolicyAnswer, CallOutcome]:
    try:
        predictions = await client.predict(inputs)
    except PolicyFailure as failure:
        answer = PolicyAnswer(reason=failure.reason, detail=failure.detail)
        return answer, _OUTCOME[failure.blame]
    except asyncio.CancelledError:
        if _cancelled_from_outside():
            raise
        detail = "the client cancelled its own call"
        answer = PolicyAnswer(reason=FallbackReason.CONNECTION_ERROR, detail=detail)
        return answer, CallOutcome.NEUTRAL
    except Exception as error:  # noqa: BLE001 - any bug of a client ends in Phase 2, never in a 500
        _LOG.exception("policy_client_broke", error=type(error).__name__)
        detail = f"unexpected {type(error).__name__}"
        return PolicyAnswer(reason=_reason_of(error), detail=detail), CallOutcome.FAILURE
    return _checked(predictions, len(inputs))


def _checked(
    predictions: tuple[Prediction | None, ...], rows: int
) -> tuple[PolicyAnswer, CallOutcome]:
    first = next((row for row in predictions if row is not None), None)
    if first is None or len(predictions) != rows:
        detail = f"{len(predictions)} predictions for {rows} rows, none usable"
        answer = PolicyAnswer(reason=FallbackReason.INVALID_PREDICTION, detail=detail)
        return answer, CallOutcome.FAILURE
    answer = PolicyAnswer(predictions=predictions, model_version=first.model_version)
    return answer, CallOutcome.SUCCESS


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


def _reason_of(error: Exception) -> FallbackReason:
    if isinstance(error, TimeoutError):
        return FallbackReason.TIMEOUT
    if isinstance(error, OSError):
        return FallbackReason.CONNECTION_ERROR
    return FallbackReason.INVALID_PREDICTION
