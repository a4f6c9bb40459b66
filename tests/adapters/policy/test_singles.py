"""The HTTP policy client with a server that knows only the guide's single call."""

import asyncio
import json
import time

import pytest

from app.core.errors import Blame, PolicyFailure
from app.core.types import FallbackReason
from tests.adapters.policy.policy_asking import (
    CONNECTION,
    DEADLINE,
    FAILURE,
    INVALID,
    MARGIN,
    NEUTRAL,
    STATUS,
    TIMEOUT,
    client_for,
    failure_of,
    signal,
)
from tests.adapters.policy.policy_server import (
    Conversation,
    PolicyServer,
    answering,
    good_row,
    guide_only,
    reset_on_accept,
    response,
    speak_batch,
    stay_silent,
)
from tests.fakes import FakeClock


@pytest.mark.parametrize("status", [404, 405])
async def test_without_a_batch_path_the_guide_call_is_made_for_each_row(status: int) -> None:
    async with PolicyServer(guide_only(status)) as server:
        client = client_for(server.endpoint, wire="msgpack", timeout_sec=2.0)
        rows = [signal(confidence=0.5 + 0.01 * i) for i in range(20)]
        predictions = await client.predict(rows)
        assert [p.confidence for p in predictions if p] == [row.confidence for row in rows]
        assert len(server.received) == 21
        assert client.statistics()["client_errors"] == 0
        assert server.received[1].document().keys() == {
            "symbol",
            "action",
            "confidence",
            "risk_score",
            "regime",
            "expected_return",
            "predicted_volatility",
            "market_data",
        }


async def test_a_missing_batch_path_is_remembered_for_five_minutes() -> None:
    clock = FakeClock()
    async with PolicyServer(guide_only()) as server:
        client = client_for(server.endpoint, clock=clock)
        await client.predict([signal()])
        clock.advance(299.0)
        await client.predict([signal()])
        assert [r.path for r in server.received] == ["/predict/batch", "/predict", "/predict"]
        assert client.statistics()["batch_supported"] is False
        server.behave = speak_batch
        clock.advance(2.0)
        await client.predict([signal()])
        assert server.received[-1].path == "/predict/batch"
        assert client.statistics()["batch_supported"] is True


async def test_at_most_eight_single_calls_run_at_once() -> None:
    busy, peak = 0, 0

    async def answer_when_eight_are_there(conversation: Conversation) -> None:
        nonlocal busy, peak
        request = await conversation.request()
        if request.path != "/predict":
            await conversation.send(response(b"", 404))
            return
        busy += 1
        peak = max(peak, busy)
        await asyncio.sleep(0.02)
        busy -= 1
        await conversation.send(response(json.dumps(good_row()).encode()))

    async with PolicyServer(answer_when_eight_are_there) as server:
        client = client_for(server.endpoint, timeout_sec=2.0)
        assert len(await client.predict([signal()] * 24)) == 24
    assert peak == 8


async def test_the_deadline_covers_the_switch_from_batch_to_singles() -> None:
    async def slow_404_then_slow_answers(conversation: Conversation) -> None:
        request = await conversation.request()
        await asyncio.sleep(0.6 * DEADLINE)
        status = 200 if request.path == "/predict" else 404
        await conversation.send(response(json.dumps(good_row()).encode(), status))

    async with PolicyServer(slow_404_then_slow_answers) as server:
        failure = await failure_of(client_for(server.endpoint), *[signal()] * 20)
        assert (failure.reason, failure.blame) == (TIMEOUT, FAILURE)


async def test_single_rows_that_hang_do_not_spoil_those_that_answered() -> None:
    async with PolicyServer(guide_only(rows={"HANG": stay_silent})) as server:
        client = client_for(server.endpoint)
        started = time.perf_counter()
        predictions = await client.predict([signal("HANG"), signal("BTC-USD"), signal("HANG")])
        assert time.perf_counter() - started <= DEADLINE + MARGIN
    assert [prediction is not None for prediction in predictions] == [False, True, False]


@pytest.mark.parametrize(
    ("symbols", "reason", "blame"),
    [
        (["HANG", "RESET", "REFUSED", "NAN"], TIMEOUT, FAILURE),
        (["NAN", "RESET", "REFUSED"], CONNECTION, FAILURE),
        (["NAN", "REFUSED"], STATUS, FAILURE),
        (["NAN", "NAN"], INVALID, FAILURE),
        (["REFUSED", "REFUSED"], STATUS, NEUTRAL),
    ],
)
async def test_with_no_single_row_usable_the_worst_reason_is_given(
    symbols: list[str], reason: FallbackReason, blame: Blame
) -> None:
    rows = {
        "HANG": stay_silent,
        "RESET": reset_on_accept,
        "REFUSED": answering("{}", 422),
        "NAN": answering(json.dumps(good_row(confidence=float("nan")))),
    }
    async with PolicyServer(guide_only(rows=rows)) as server:
        failure = await failure_of(client_for(server.endpoint), *map(signal, symbols))
        assert (failure.reason, failure.blame) == (reason, blame)


async def test_retry_after_on_one_single_row_stops_those_behind_it() -> None:
    async with PolicyServer(guide_only()) as server:
        limited = answering("", 429, {"retry-after": "5"})
        server.behave = guide_only(rows={"BTC-USD": limited})
        client = client_for(server.endpoint, timeout_sec=2.0)
        with pytest.raises(PolicyFailure) as caught:
            await client.predict([signal()] * 100)
        assert (caught.value.reason, caught.value.blame) == (STATUS, FAILURE)
        assert len(server.received) <= 1 + 8


async def test_rows_that_came_in_time_count_when_the_loop_stalls_over_the_deadline() -> None:
    async with PolicyServer(guide_only(rows={"HANGS": stay_silent})) as server:
        client = client_for(server.endpoint)
        loop = asyncio.get_running_loop()
        loop.call_later(DEADLINE - 0.03, time.sleep, 0.08)
        came = await client.predict([signal(), signal("HANGS")])
        assert [row is not None for row in came] == [True, False]
