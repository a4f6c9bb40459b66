"""What a fault proxy does to one direction of a connection: streams in, worse streams out."""

import asyncio
from collections.abc import AsyncIterator, Callable

Stream = AsyncIterator[bytes]
Toxic = Callable[[Stream], Stream]


class ResetNow(Exception):
    """The connection is to be closed with RST, at this point of the stream."""


def latency(seconds: float) -> Toxic:
    """Hold every chunk back for a while."""

    async def delayed(stream: Stream) -> Stream:
        async for chunk in stream:
            await asyncio.sleep(seconds)
            yield chunk

    return delayed


def bandwidth(bytes_per_sec: int) -> Toxic:
    """Let bytes through no faster than this, in twenty steps a second."""

    async def throttled(stream: Stream) -> Stream:
        step = max(1, bytes_per_sec // 20)
        async for chunk in stream:
            for start in range(0, len(chunk), step):
                part = chunk[start : start + step]
                await asyncio.sleep(len(part) / bytes_per_sec)
                yield part

    return throttled


def sliced(size: int, pause_sec: float = 0.0) -> Toxic:
    """Cut the stream into pieces, with a pause before each."""

    async def cut(stream: Stream) -> Stream:
        async for chunk in stream:
            for start in range(0, len(chunk), size):
                await asyncio.sleep(pause_sec)
                yield chunk[start : start + size]

    return cut


def slow_close(seconds: float) -> Toxic:
    """Let everything through, but keep the connection open for a while afterwards."""

    async def lingering(stream: Stream) -> Stream:
        async for chunk in stream:
            yield chunk
        await asyncio.sleep(seconds)

    return lingering


def limit_data(size: int) -> Toxic:
    """End the stream with FIN after so many bytes."""

    async def limited(stream: Stream) -> Stream:
        left = size
        async for chunk in stream:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return

    return limited


def reset_after(size: int) -> Toxic:
    """End the stream with RST after so many bytes."""

    async def broken(stream: Stream) -> Stream:
        async for chunk in limit_data(size)(stream):
            yield chunk
        raise ResetNow

    return broken


def silence(after: int = 0) -> Toxic:
    """Swallow what comes after so many bytes and never close."""

    async def swallowing(stream: Stream) -> Stream:
        async for chunk in limit_data(after)(stream):
            yield chunk
        async for _ in stream:
            continue
        await asyncio.Event().wait()

    return swallowing
