"""The gate to the policy: every way it can end, and what the breaker counts."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
import structlog

from app.core.errors import Blame, PolicyFailure
from app.core.policy.circuit import BreakerParams, CircuitState
from app.core.types import (
    Action,
    FallbackReason,
    PolicyAnswer,
    PolicyInput,
    Prediction,
    Regime,
)
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.shared_breaker import SharedBreaker
from tests.fakes import FakeClock, FakePolicyClient

ROW = PolicyInput(
    symbol="BTC-USD",
    action=Action.BUY,
    confidence=0.8,
    risk_score=0.25,
    regime=Regime.RANGING,
    expected_return=0.12,
    predicted_volatility=0.04,
    baseline_pct=0.1,
    current_pct=0.0,
    returns=np.zeros(0),
    interval_sec=None,
)
GOOD = Prediction(0.1, 0.8, 0.05, 0.03, "v1")
BROKEN = PolicyFailure(FallbackReason.CONNECTION_ERROR, Blame.FAILURE, "refused")


class Gate(PolicyGate):
    """A gate with its fakes at hand."""

    def __init__(self, fake: FakePolicyClient | None, failure_threshold: int = 1) -> None:
        self.fake = fake or FakePolicyClient()
        self.clock = FakeClock()
        self.answered: list[tuple[int, PolicyAnswer]] = []
        super().__init__(
            fake,
            SharedBreaker(BreakerParams(failure_threshold=failure_threshold)),
            self.clock,
            on_answer=lambda rows, answer: self.answered.append((rows, answer)),
        )

    def state(self) -> CircuitState:
        return self.breaker.state(self.clock.monotonic())


async def test_the_version_of_the_last_usable_answer_is_remembered() -> None:
    gate = Gate(FakePolicyClient(GOOD), failure_threshold=9)
    seen = [gate.model_version]
    await gate.ask([ROW])
    seen.append(gate.model_version)
    gate.fake.error = BROKEN
    await gate.ask([ROW])
    seen.append(gate.model_version)
    assert seen == [None, "v1", "v1"]
    assert gate.client is gate.fake


async def test_predictions_come_back_with_version_and_latency() -> None:
    gate = Gate(FakePolicyClient())

    async def slow(inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        gate.clock.advance(0.25)
        return (None, *(GOOD for _ in inputs[1:]))

    gate.fake.script = slow
    answer = await gate.ask([ROW, ROW])
    assert answer.predictions == (None, GOOD)
    assert answer.reason is None
    assert answer.model_version == "v1"
    assert answer.latency_ms == pytest.approx(250.0)
    assert gate.breaker.snapshot(0.0)["success_rate"] == 1.0
    assert gate.answered == [(2, answer)]


def test_without_a_client_the_answer_needs_no_event_loop() -> None:
    asking = Gate(None).ask([ROW])
    with pytest.raises(StopIteration) as stopped:
        asking.send(None)
    assert stopped.value.value.reason is FallbackReason.RL_DISABLED


async def test_without_inputs_the_policy_is_not_asked() -> None:
    gate = Gate(FakePolicyClient(GOOD))
    assert (await gate.ask([])).reason is FallbackReason.EMPTY_BATCH
    assert gate.fake.asked == []


@pytest.mark.parametrize(
    ("reason", "blame", "state"),
    [
        (FallbackReason.TIMEOUT, Blame.FAILURE, CircuitState.OPEN),
        (FallbackReason.BAD_STATUS, Blame.NEUTRAL, CircuitState.CLOSED),
        (FallbackReason.OVERLOADED, Blame.NEUTRAL, CircuitState.CLOSED),
    ],
)
async def test_a_failure_becomes_its_reason_and_counts_by_its_blame(
    reason: FallbackReason, blame: Blame, state: CircuitState
) -> None:
    gate = Gate(FakePolicyClient(error=PolicyFailure(reason, blame, "why")))
    answer = await gate.ask([ROW])
    assert (answer.reason, answer.detail, answer.predictions) == (reason, "why", ())
    assert gate.state() is state


async def test_an_open_circuit_sends_no_call_until_its_timeout_is_over() -> None:
    gate = Gate(FakePolicyClient(error=BROKEN))
    await gate.ask([ROW])
    assert (await gate.ask([ROW])).reason is FallbackReason.CIRCUIT_OPEN
    assert len(gate.fake.asked) == 1
    gate.clock.advance(30.0)
    gate.fake.error, gate.fake.answer = None, GOOD
    assert (await gate.ask([ROW])).reason is None
    assert gate.state() is CircuitState.CLOSED
    assert gate.breaker.snapshot(0.0)["last_failure_reason"] == "connection_error"


async def test_200_callers_at_a_half_open_circuit_send_one_probe() -> None:
    gate = Gate(FakePolicyClient(error=BROKEN))
    await gate.ask([ROW])
    gate.clock.advance(30.0)
    released = asyncio.Event()

    async def wait(inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        await released.wait()
        return tuple(GOOD for _ in inputs)

    gate.fake.script = wait
    asking = [asyncio.ensure_future(gate.ask([ROW])) for _ in range(200)]
    await asyncio.sleep(0)
    released.set()
    reasons = [answer.reason for answer in await asyncio.gather(*asking)]
    assert reasons == [None] + [FallbackReason.CIRCUIT_OPEN] * 199


async def test_a_cancelled_caller_is_neutral_and_gives_the_probe_back() -> None:
    gate = Gate(FakePolicyClient(error=BROKEN))
    await gate.ask([ROW])
    gate.clock.advance(30.0)

    async def hang(_: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        await asyncio.Event().wait()
        return ()

    gate.fake.script = hang
    asking = asyncio.ensure_future(gate.ask([ROW]))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert gate.state() is CircuitState.HALF_OPEN
    gate.fake.script, gate.fake.error, gate.fake.answer = None, None, GOOD
    assert (await gate.ask([ROW])).reason is None


async def test_a_cancellation_from_inside_the_client_is_no_cancellation_of_the_caller() -> None:
    gate = Gate(FakePolicyClient(error=asyncio.CancelledError()))
    assert (await gate.ask([ROW])).reason is FallbackReason.CONNECTION_ERROR
    assert gate.state() is CircuitState.CLOSED


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), FallbackReason.TIMEOUT),
        (ConnectionResetError(), FallbackReason.CONNECTION_ERROR),
        (KeyError("position_pct"), FallbackReason.INVALID_PREDICTION),
        (RecursionError(), FallbackReason.INVALID_PREDICTION),
    ],
)
async def test_a_client_that_breaks_ends_in_a_reason_a_log_and_a_failure(
    error: Exception, reason: FallbackReason
) -> None:
    gate = Gate(FakePolicyClient(error=error))
    with structlog.testing.capture_logs() as logs:
        answer = await gate.ask([ROW])
    assert answer.reason is reason
    assert [log["event"] for log in logs] == ["policy_client_broke"]
    assert gate.state() is CircuitState.OPEN


@pytest.mark.parametrize("predictions", [(), (GOOD,), (None, None), (GOOD, GOOD, GOOD)])
async def test_a_client_that_miscounts_its_rows_is_not_believed(
    predictions: tuple[Prediction | None, ...],
) -> None:
    async def miscount(_: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        return predictions

    gate = Gate(FakePolicyClient(script=miscount))
    answer = await gate.ask([ROW, ROW])
    assert answer.reason is FallbackReason.INVALID_PREDICTION
    assert answer.predictions == ()
    assert gate.state() is CircuitState.OPEN


def test_fallbacks_count_only_where_there_is_a_policy_to_ask() -> None:
    with_policy, without = Gate(FakePolicyClient(GOOD)), Gate(None)
    with_policy.record_fallback()
    without.record_fallback()
    assert with_policy.breaker.snapshot(0.0)["total_fallbacks"] == 1
    assert without.breaker.snapshot(0.0)["total_fallbacks"] == 0
