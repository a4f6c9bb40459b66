"""A TCP proxy on loopback that applies toxics to what it carries.

Each connection gets its own streams; toxics of a direction apply in order. A new set applies to
the connections that are accepted from then on.
"""

import asyncio
import contextlib
import socket
from collections.abc import Coroutine, Sequence
from types import TracebackType
from typing import Any, Self

from tests.adapters.policy.policy_server import RST_ON_CLOSE
from tests.tools.chaos.toxics import ResetNow, Stream, Toxic

_CHUNK = 65_536


class FaultProxy:
    """Listen on ``port`` and carry every connection to ``target_port``.

    Parameters
    ----------
    target_port : int
        Loopback port of the healthy server.
    port : int
        Port to listen on; 0 takes a free one.
    requests, replies : sequence of Toxic
        What happens on the way to the server, and back.
    """

    def __init__(
        self,
        target_port: int,
        port: int = 0,
        *,
        requests: Sequence[Toxic] = (),
        replies: Sequence[Toxic] = (),
    ) -> None:
        self.target_port = target_port
        self.port = port
        self.requests = tuple(requests)
        self.replies = tuple(replies)
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._carried: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.shut()

    @property
    def carrying(self) -> int:
        """Connections that are carried now."""
        return len(self._carried)

    async def open(self) -> None:
        """Listen; on the port of before, if there was one."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        """Refuse new connections and cut the present ones."""
        if self._server is None:
            return
        server, self._server = self._server, None
        server.close()
        for carried in self._carried:
            carried.cancel()
        await asyncio.gather(*self._carried, return_exceptions=True)
        await server.wait_closed()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        carried = asyncio.create_task(self._carry(reader, writer))
        self._carried.add(carried)
        carried.add_done_callback(self._carried.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers = [writer]
        try:
            # When one of the two sides is gone, so goes the other.
            with contextlib.suppress(OSError):
                far_reader, far_writer = await asyncio.open_connection(
                    "127.0.0.1", self.target_port
                )
                writers.append(far_writer)
                left = asyncio.Event()
                there = _pump(_chunks(reader, left), far_writer, self.requests)
                back = _pump(_chunks(far_reader), writer, self.replies)
                await _until_over(there, back, left)
        except ResetNow:
            _reset_on_close(writer)
        finally:
            for side in writers:
                side.close()


async def _until_over(
    there: Coroutine[Any, Any, None], back: Coroutine[Any, Any, None], left: asyncio.Event
) -> None:
    """Wait until the reply is through, the client has left, or either direction breaks."""
    asking, answering = asyncio.create_task(there), asyncio.create_task(back)
    leaving = asyncio.create_task(left.wait())
    try:
        done, _ = await asyncio.wait(
            {asking, answering, leaving}, return_when=asyncio.FIRST_COMPLETED
        )
        if done == {asking}:
            asking.result()
            done, _ = await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if answering in done:
            answering.result()
    finally:
        for task in (asking, answering, leaving):
            task.cancel()
        await asyncio.gather(asking, answering, leaving, return_exceptions=True)


async def _pump(stream: Stream, writer: asyncio.StreamWriter, toxics: Sequence[Toxic]) -> None:
    for toxic in toxics:
        stream = toxic(stream)
    async for chunk in stream:
        writer.write(chunk)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


async def _chunks(reader: asyncio.StreamReader, ended: asyncio.Event | None = None) -> Stream:
    while chunk := await reader.read(_CHUNK):
        yield chunk
    if ended is not None:
        ended.set()


def _reset_on_close(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
    writer.transport.abort()
