"""The HTTP policy client under Retry-After, full bulkheads, and callers who go away."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest

from app.core.errors import PolicyFailure
from app.core.types import FallbackReason
from tests.adapters.policy.policy_asking import (
    CONNECTION,
    FAILURE,
    NEUTRAL,
    STATUS,
    TIMEOUT,
    batch,
    client_for,
    eventually,
    failure_of,
    signal,
)
from tests.adapters.policy.policy_server import (
    PolicyServer,
    answering,
    dripping,
    good_row,
    reset_on_accept,
    response,
    sending,
    speak_batch,
    stay_silent,
)
from tests.fakes import FakeClock

HALF_BODY = response(b'{"predictions": [', length=500)


async def test_an_operator_ends_a_pause_that_retry_after_began() -> None:
    async with PolicyServer(answering(batch(good_row()), 429, {"Retry-After": "20"})) as server:
        client = client_for(server.endpoint)
        await failure_of(client)
        assert client.statistics()["held_for_sec"] > 0.0
        client.resume()
        assert client.statistics()["held_for_sec"] == 0.0


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_heeded_without_asking_upstream(status: int) -> None:
    clock = FakeClock()
    async with PolicyServer(answering("", status, {"retry-after": "7"})) as server:
        client = client_for(server.endpoint, clock=clock)
        assert (await failure_of(client)).blame is FAILURE
        clock.advance(6.9)
        failure = await failure_of(client)
        assert (failure.reason, failure.blame) == (STATUS, NEUTRAL)
        assert len(server.received) == 1
        assert client.statistics()["held_for_sec"] == pytest.approx(0.1)
        server.behave = speak_batch
        clock.advance(0.2)
        assert await client.predict([signal()])


def retry_after_dates() -> Iterator[Any]:
    at = FakeClock().now_ns() / 1e9
    for name, seconds, held in (("soon", 10, 10.0), ("far", 9999, 30.0), ("past", -10, 0.0)):
        date = datetime.fromtimestamp(at + seconds, tz=UTC)
        yield pytest.param(format_datetime(date, usegmt=True), held, id=f"date {name}")


@pytest.mark.parametrize(
    ("value", "held_sec"),
    [
        ("5", 5.0),
        ("86400", 30.0),
        ("9" * 5000, 30.0),
        ("0", 0.0),
        ("-5", 0.0),
        ("soon", 0.0),
        ("", 0.0),
        ("Wed, 21 Oct 99999999999 07:28:00 GMT", 0.0),
        *retry_after_dates(),
    ],
)
async def test_retry_after_is_capped_and_nonsense_is_ignored(value: str, held_sec: float) -> None:
    async with PolicyServer(answering("", 429, {"retry-after": value})) as server:
        client = client_for(server.endpoint)
        await failure_of(client)
        assert client.statistics()["held_for_sec"] == pytest.approx(held_sec)


async def test_a_full_bulkhead_refuses_at_once_and_blames_nobody() -> None:
    async with PolicyServer(stay_silent) as server:
        client = client_for(server.endpoint, max_concurrent=2)
        asking = [asyncio.ensure_future(failure_of(client)) for _ in range(2)]
        await eventually(lambda: len(server.received) == 2)
        failure = await failure_of(client)
        assert (failure.reason, failure.blame) == (FallbackReason.OVERLOADED, NEUTRAL)
        assert [f.reason for f in await asyncio.gather(*asking)] == [TIMEOUT, TIMEOUT]


async def test_a_cancelled_caller_abandons_its_exchange_which_ends_by_its_own_deadline() -> None:
    async with PolicyServer(stay_silent) as server:
        client = client_for(server.endpoint, max_concurrent=1)
        asking = asyncio.ensure_future(client.predict([signal()]))
        await eventually(lambda: len(server.received) == 1)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert client.statistics()["in_flight"] == 1
        server.behave = speak_batch
        await eventually(lambda: client.statistics()["in_flight"] == 0)
        assert await client.predict([signal()])


async def test_a_server_that_flaps_under_cancelled_callers_leaves_no_slot_behind() -> None:
    moods = [stay_silent, reset_on_accept, dripping(response(b"x" * 99)), sending(HALF_BODY)]
    async with PolicyServer(stay_silent) as server:
        client = client_for(server.endpoint, max_concurrent=8)
        for flap in range(30):
            server.behave = moods[flap % len(moods)]
            calls = [asyncio.wait_for(client.predict([signal()]), 0.01) for _ in range(4)]
            results = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(r, TimeoutError | PolicyFailure) for r in results)
        await eventually(lambda: client.statistics()["in_flight"] == 0)
        server.behave = speak_batch
        for _ in range(10):
            assert await client.predict([signal()])


async def test_close_ends_what_is_in_flight() -> None:
    async with PolicyServer(stay_silent) as server:
        client = client_for(server.endpoint, timeout_sec=30.0)
        asking = asyncio.ensure_future(failure_of(client))
        await eventually(lambda: len(server.received) == 1)
        await client.close()
        failure = await asking
        assert (failure.reason, failure.blame) == (CONNECTION, NEUTRAL)
        assert client.statistics()["in_flight"] == 0


async def test_a_full_pool_of_a_given_transport_is_neutral() -> None:
    def no_slot(request: httpx.Request) -> httpx.Response:
        raise httpx.PoolTimeout("", request=request)

    client = client_for("http://policy.test/predict", transport=httpx.MockTransport(no_slot))
    failure = await failure_of(client)
    await client.close()
    assert (failure.reason, failure.blame) == (FallbackReason.OVERLOADED, NEUTRAL)
