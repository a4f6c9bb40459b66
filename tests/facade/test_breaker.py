"""The guide's breaker around any call, and the RL client behind it."""

import asyncio
import functools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import REGISTRY

from app.adapters.policy.mock import MockPolicyClient
from app.core.errors import PolicyFailure
from app.facade import (
    CircuitBreakerOpenException,
    ColabProCircuitBreaker,
    TacticalSignal,
    TransformerRLClient,
)
from tests.fakes import FakeClock, FakePolicyClient
from tests.guide_server import GuideServer, guide_server

SIGNAL = TacticalSignal("momentum", "BTC-USD", "BUY", 0.8, 0.2, "RANGING", 5, 0.02, 0.2)
DEAD_ENDPOINT = "http://127.0.0.1:9/predict"


class Broken(Exception):
    """What a call raises here."""


def broken() -> None:
    raise Broken("no answer")


def make(clock: FakeClock, failure_threshold: int = 2) -> ColabProCircuitBreaker:
    return ColabProCircuitBreaker(failure_threshold, enable_metrics=False, clock=clock.monotonic)


def opened(clock: FakeClock) -> ColabProCircuitBreaker:
    breaker = make(clock)
    for _ in range(2):
        with pytest.raises(Broken):
            breaker.call(broken)
    assert breaker.state == "open"
    return breaker


@pytest.fixture
def server() -> Iterator[GuideServer]:
    with guide_server() as running:
        yield running


def test_a_call_gets_its_arguments_and_gives_its_result() -> None:
    breaker = make(FakeClock())
    assert breaker.call(divmod, 7, 2) == (3, 1)
    assert breaker.call(int, "11", base=2) == 3
    assert breaker.get_state()["total_requests"] == 2
    assert breaker.get_state()["success_rate"] == 1.0


def test_failures_in_a_row_open_it_and_the_call_is_not_made_then() -> None:
    breaker = opened(FakeClock())
    called: list[int] = []
    with pytest.raises(CircuitBreakerOpenException, match=r"next probe in 30\.0 s") as caught:
        breaker.call(called.append, 1)
    assert caught.value.retry_after_sec == 30.0
    assert called == []
    assert breaker.get_state()["last_failure_reason"] == "Broken: no answer"


def test_the_state_is_that_of_get_circuit() -> None:
    assert opened(FakeClock()).get_state() == {
        "state": "open",
        "mode": "auto",
        "failure_count": 2,
        "consecutive_failures": 2,
        "current_timeout_sec": 30.0,
        "time_until_retry_sec": 30.0,
        "total_requests": 2,
        "total_failures": 2,
        "total_fallbacks": 0,
        "success_rate": 0.0,
        "last_failure_reason": "Broken: no answer",
    }


def test_a_successful_probe_closes_it_and_restores_the_first_timeout() -> None:
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(30.0)
    assert breaker.state == "half_open"
    assert breaker.call(lambda: "back") == "back"
    assert breaker.state == "closed"
    assert breaker.get_state()["current_timeout_sec"] == 30.0


def test_failed_probes_double_the_wait_up_to_five_minutes() -> None:
    clock = FakeClock()
    breaker = opened(clock)
    waits = []
    for _ in range(5):
        waits.append(breaker.get_state()["current_timeout_sec"])
        clock.advance(waits[-1])
        with pytest.raises(Broken):
            breaker.call(broken)
    assert waits == [30.0, 60.0, 120.0, 240.0, 300.0]


def test_a_reset_closes_it_at_once() -> None:
    breaker = opened(FakeClock())
    breaker.reset()
    assert breaker.call(lambda: 1) == 1
    assert breaker.get_state()["failure_count"] == 0


def test_a_result_of_before_a_reset_changes_nothing() -> None:
    breaker = make(FakeClock())

    def fails_after_a_reset() -> None:
        breaker.reset()
        raise Broken

    for _ in range(5):
        with pytest.raises(Broken):
            breaker.call(fails_after_a_reset)
    assert breaker.state == "closed"
    assert breaker.get_state()["total_failures"] == 0


def test_fallbacks_are_counted_when_recorded() -> None:
    breaker = make(FakeClock())
    breaker.record_fallback()
    assert breaker.get_state()["total_fallbacks"] == 1


async def test_a_coroutine_function_is_called_when_the_result_is_awaited() -> None:
    breaker = make(FakeClock())
    called: list[int] = []

    async def answer(value: int) -> int:
        called.append(value)
        return value + 1

    waiting = breaker.call(answer, 1)
    assert called == []
    assert await waiting == 2
    assert await breaker.call(functools.partial(answer, 4)) == 5
    assert breaker.get_state()["total_requests"] == 2


async def test_an_awaitable_of_a_plain_function_is_settled_when_it_ends() -> None:
    breaker = make(FakeClock())

    async def fails() -> None:
        raise Broken

    for _ in range(2):
        with pytest.raises(Broken):
            await breaker.call(lambda: fails())  # noqa: PLW0108 (a plain function is the point)
    assert breaker.state == "open"
    waiting = breaker.call(fails)
    with pytest.raises(CircuitBreakerOpenException):
        await waiting


async def test_an_object_with_an_asynchronous_call_is_a_coroutine_function() -> None:
    class Model:
        async def __call__(self, value: int) -> int:
            return value * 2

    assert await make(FakeClock()).call(Model(), 4) == 8


async def test_timeouts_count_and_cancellation_does_not() -> None:
    breaker = make(FakeClock())
    never = asyncio.Event()
    with pytest.raises(TimeoutError):
        await breaker.call(asyncio.wait_for, never.wait(), 0.001)
    assert breaker.get_state()["total_failures"] == 1
    task = asyncio.create_task(breaker.call(never.wait))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert breaker.get_state()["total_failures"] == 1


async def test_a_cancelled_probe_gives_its_permit_back() -> None:
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(30.0)
    probe = asyncio.create_task(breaker.call(asyncio.Event().wait))
    await asyncio.sleep(0)
    with pytest.raises(CircuitBreakerOpenException):
        breaker.call(lambda: 1)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert breaker.call(lambda: 1) == 1


def test_half_open_lets_one_of_many_threads_through() -> None:
    clock = FakeClock()
    breaker = opened(clock)
    clock.advance(30.0)
    release, started = threading.Event(), threading.Barrier(20)

    def attempt(_: int) -> bool:
        started.wait(10)
        try:
            return bool(breaker.call(release.wait, 10))
        except CircuitBreakerOpenException:
            if refused.acquire(blocking=False) and refused_all():
                release.set()
            return False

    refused = threading.Semaphore(19)

    def refused_all() -> bool:
        return refused._value == 0  # noqa: SLF001 (a count of those that were refused)

    with ThreadPoolExecutor(20) as pool:
        assert sum(pool.map(attempt, range(20))) == 1
    assert breaker.state == "closed"


def test_every_call_of_many_threads_is_counted() -> None:
    breaker = make(FakeClock(), failure_threshold=10_000)

    def attempt(index: int) -> None:
        if index % 2:
            with pytest.raises(Broken):
                breaker.call(broken)
        else:
            breaker.call(int)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(attempt, range(2000)))
    state = breaker.get_state()
    assert (state["total_requests"], state["total_failures"]) == (2000, 1000)
    assert state["success_rate"] == 0.5


def test_listeners_are_called_at_each_move_until_they_unsubscribe() -> None:
    clock = FakeClock()
    breaker, states = make(clock), list[str]()
    unsubscribe = breaker.subscribe(lambda transition: states.append(str(transition.to_state)))
    for _ in range(2):
        with pytest.raises(Broken):
            breaker.call(broken)
    unsubscribe()
    breaker.reset()
    assert states == ["open"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"failure_threshold": 0}, "failure_threshold must be >= 1, was 0"),
        ({"initial_timeout_sec": 0}, "initial_timeout_sec must be > 0"),
        ({"initial_timeout_sec": 10, "max_timeout_sec": 5}, "max_timeout_sec must be"),
        ({"backoff_multiplier": 0.5}, "backoff_multiplier must be >= 1"),
    ],
)
def test_numbers_with_which_it_could_not_work_are_refused(
    arguments: dict[str, float], sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        ColabProCircuitBreaker(**arguments)  # type: ignore[arg-type]


def test_the_metrics_follow_failures_fallbacks_and_state() -> None:
    def sample(name: str) -> float:
        return REGISTRY.get_sample_value(f"himari_l3_circuit_breaker_{name}") or 0.0

    failures, fallbacks = sample("failures_total"), sample("fallbacks_total")
    breaker = ColabProCircuitBreaker(failure_threshold=1, clock=FakeClock().monotonic)
    with pytest.raises(Broken):
        breaker.call(broken)
    breaker.record_fallback()
    assert sample("failures_total") == failures + 1
    assert sample("fallbacks_total") == fallbacks + 1
    assert sample("state") == 2
    breaker.reset()
    assert sample("state") == 0


# -- the RL client -------------------------------------------------------------------------------


def test_a_prediction_comes_from_the_guides_server(server: GuideServer) -> None:
    client = TransformerRLClient(server.endpoint, timeout_sec=5.0)
    prediction = client.predict(SIGNAL)
    assert (prediction.position_pct, prediction.confidence) == (0.05, 0.8)
    assert prediction.model_version == "v1.0"
    assert server.asked[0]["action"] == "BUY"
    assert client.get_state()["successful_predictions"] == 1
    client.stop()
    client.stop()


async def test_it_can_be_awaited_and_takes_a_mapping_of_the_wires_fields(
    server: GuideServer,
) -> None:
    client = TransformerRLClient(server.endpoint)
    mapping = {
        "strategy_id": "m",
        "symbol": "ETH-USD",
        "action": "sell",
        "confidence": 0.8,
        "risk_score": 0.1,
        "regime": "ranging",
    }
    assert (await client.predict_async(mapping)).position_pct == 0.05
    assert server.asked[0]["symbol"] == "ETH-USD"
    client.stop()


def test_failures_are_raised_and_open_the_circuit() -> None:
    client = TransformerRLClient(DEAD_ENDPOINT, 1.0, ColabProCircuitBreaker(failure_threshold=2))
    for _ in range(2):
        with pytest.raises(PolicyFailure, match="connection_error"):
            client.predict(SIGNAL)
    with pytest.raises(CircuitBreakerOpenException):
        client.predict(SIGNAL)
    assert client.get_state()["circuit_breaker"]["last_failure_reason"] == "connection_error"
    client.stop()


def test_a_mistake_of_the_callers_own_does_not_count(server: GuideServer) -> None:
    server.status = 422
    client = TransformerRLClient(server.endpoint, circuit_breaker=ColabProCircuitBreaker(1))
    for _ in range(3):
        with pytest.raises(PolicyFailure, match="bad_status"):
            client.predict(SIGNAL)
    assert client.circuit_breaker.state == "closed"
    client.stop()


def test_the_baseline_of_a_row_is_the_kelly_size_of_its_signal() -> None:
    policy = FakePolicyClient(error=Broken())
    client = TransformerRLClient(policy=policy)
    with pytest.raises(Broken):
        client.predict(SIGNAL)
    ((row,),) = policy.asked
    # 0.25 x 0.8 x 0.02 / 0.2^2 x 20/21, within the 15 % of a position
    assert row.baseline_pct == pytest.approx(0.25 * 0.8 * 0.02 / 0.04 * 1000 / 1001)
    client.stop()
    assert policy.closed


def test_many_threads_share_one_client() -> None:
    client = TransformerRLClient(policy=MockPolicyClient(1, success_rate=1.0))
    with ThreadPoolExecutor(8) as pool:
        predictions = set(pool.map(lambda _: client.predict(SIGNAL), range(64)))
    assert len(predictions) == 1
    assert client.get_state()["total_predictions"] == 64
    client.stop()
