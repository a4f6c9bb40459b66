"""The proxy itself: what it says it does to a stream, it does."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

import pytest

from tests.adapters.policy.policy_asking import eventually
from tests.adapters.policy.policy_server import Conversation, PolicyServer
from tests.tools.chaos import toxics
from tests.tools.chaos.proxy import FaultProxy
from tests.tools.chaos.toxics import Toxic

TEXT = b"0123456789" * 10


async def echo(conversation: Conversation) -> None:
    """Send back what came first."""
    await conversation.send(await conversation.some())


@asynccontextmanager
async def connected(
    *replies: Toxic, requests: Sequence[Toxic] = ()
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter, FaultProxy]]:
    """Say TEXT to an echo behind a proxy; give both ends of that, and the proxy."""
    async with (
        PolicyServer(echo) as server,
        FaultProxy(server.port, requests=requests, replies=replies) as proxy,
    ):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(TEXT)
        try:
            yield reader, writer, proxy
        finally:
            writer.close()


async def test_without_toxics_every_byte_passes_and_the_end_does() -> None:
    async with connected() as (reader, _, proxy):
        assert await reader.read() == TEXT
        assert proxy.connections == 1


@pytest.mark.parametrize(
    ("toxic", "at_least_sec"),
    [
        (toxics.latency(0.05), 0.05),
        (toxics.bandwidth(1000), 0.1),
        (toxics.sliced(25, 0.02), 0.08),
        (toxics.slow_close(0.05), 0.05),
    ],
)
async def test_a_slow_toxic_loses_nothing_and_takes_its_time(
    toxic: Toxic, at_least_sec: float
) -> None:
    for replies, requests in (((toxic,), ()), ((), (toxics.latency(0.05),))):
        started = perf_counter()
        async with connected(*replies, requests=requests) as (reader, _, _):
            assert await reader.read() == TEXT
        assert perf_counter() - started >= (at_least_sec if replies else 0.05)


async def test_bytes_come_in_slices_of_the_size_asked() -> None:
    async with connected(toxics.sliced(7, 0.001)) as (reader, _, _):
        pieces = []
        while piece := await reader.read(100):
            pieces.append(piece)
    assert b"".join(pieces) == TEXT
    assert len(pieces) > 5


async def test_a_limit_ends_the_stream_after_so_many_bytes() -> None:
    async with connected(toxics.limit_data(33)) as (reader, _, _):
        assert await reader.read() == TEXT[:33]
    async with connected(requests=(toxics.limit_data(33),)) as (reader, _, _):
        assert await reader.read() == TEXT[:33]


async def test_a_reset_comes_after_so_many_bytes() -> None:
    async with connected(toxics.reset_after(33)) as (reader, _, _):
        with pytest.raises(ConnectionResetError):
            await reader.read()


async def test_silence_swallows_the_rest_and_holds_the_connection_until_the_client_leaves() -> None:
    async with connected(toxics.silence(after=33)) as (reader, writer, proxy):
        assert await reader.readexactly(33) == TEXT[:33]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(1), 0.05)
        assert proxy.carrying == 1
        writer.close()
        await eventually(lambda: proxy.carrying == 0)


async def test_shut_it_refuses_and_cuts_and_open_again_it_keeps_its_port() -> None:
    async with connected(toxics.silence()) as (reader, _, proxy):
        port = proxy.port
        await proxy.shut()
        with contextlib.suppress(ConnectionResetError):
            assert await reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await proxy.open()
        assert proxy.port == port
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
