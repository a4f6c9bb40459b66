"""Servers, and the lack of one, in the place where the service expects its policy server."""

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from typing import Any, Protocol

from tests.adapters.policy.policy_server import (
    Behaviour,
    Conversation,
    PolicyServer,
    good_row,
    response,
    speak_batch,
)
from tests.tools.chaos.proxy import FaultProxy
from tests.tools.chaos.toxics import Toxic

HUGE = 200 * 1024 * 1024
_BLOCK = b" " * 65_536
Rows = list[dict[str, Any]]


class Upstream(Protocol):
    """What stands at the policy's port; it counts who came."""

    connections: int


Arrange = Callable[[int], AbstractAsyncContextManager[Upstream]]


class NullUpstream:
    """An upstream that counts no connection: there is none, or none that could count."""

    connections = 0


@asynccontextmanager
async def closed_port(port: int) -> AsyncIterator[Upstream]:
    """Leave the port closed."""
    del port
    yield NullUpstream()


@asynccontextmanager
async def full_backlog(port: int) -> AsyncIterator[Upstream]:
    """Accept no connection: the queue of those to accept is full, so the kernel drops new ones."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        try:
            yield NullUpstream()
        finally:
            for sock in waiting:
                sock.close()


def served(behave: Behaviour) -> Arrange:
    """Arrange a server that treats each connection so."""

    def arrange(port: int) -> PolicyServer:
        return PolicyServer(behave, port)

    return arrange


def proxied(
    *replies: Toxic, requests: tuple[Toxic, ...] = (), behave: Behaviour = speak_batch
) -> Arrange:
    """Arrange a healthy server behind a proxy with these toxics."""

    @asynccontextmanager
    async def arrange(port: int) -> AsyncIterator[Upstream]:
        async with (
            PolicyServer(behave) as server,
            FaultProxy(server.port, port, requests=requests, replies=replies) as proxy,
        ):
            yield proxy

    return arrange


def telling(
    spoil: Callable[[Rows], bytes | str], headers: Mapping[str, str] | None = None
) -> Arrange:
    """Arrange a server that answers with what ``spoil`` makes of as many good rows as asked."""

    async def behave(conversation: Conversation) -> None:
        signals = (await conversation.request()).document()["signals"]
        body = spoil([good_row() for _ in signals])
        data = body.encode() if isinstance(body, str) else body
        await conversation.send(response(data, headers=headers))

    return served(behave)


def whole(rows: Rows, **top: Any) -> str:
    """Write a batch reply; what is not JSON in it comes out as Python spells it."""
    return json.dumps({"predictions": rows} | top)


def each(**changes: Any) -> Callable[[Rows], str]:
    """Change these fields in every row."""
    return lambda rows: whole([row | changes for row in rows])


def without(*names: str) -> Callable[[Rows], str]:
    """Leave these fields out of every row."""
    return lambda rows: whole([{k: v for k, v in row.items() if k not in names} for row in rows])


def number(name: str, text: str) -> Callable[[Rows], str]:
    """Write a field of every row as this text, which JSON may not know."""
    return lambda rows: each(**{name: 777_777})(rows).replace("777777", text)


def flooding_to_the_end(head: bytes) -> Behaviour:
    """Send ``head`` and then 200 MB, as long as the client takes them."""

    async def behave(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(head)
        for _ in range(HUGE // len(_BLOCK)):
            await conversation.send(_BLOCK)

    return behave


def interim_for_ever(pause_sec: float = 0.005) -> Behaviour:
    """Announce an answer again and again, and never give it."""

    async def behave(conversation: Conversation) -> None:
        await conversation.request()
        while True:
            await conversation.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            await asyncio.sleep(pause_sec)

    return behave


async def refuse_unread(conversation: Conversation) -> None:
    """Answer before the request is read, then close on what is still coming."""
    await conversation.send(response(b"{}", 413, {"connection": "close"}))
    conversation.reset()


@asynccontextmanager
async def bombing(port: int) -> AsyncIterator[Upstream]:
    """Answer with two hundred megabytes of blanks, packed into two hundred kilobytes."""
    bomb = await asyncio.to_thread(_gzip_bomb)

    async def behave(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(response(bomb, headers={"content-encoding": "gzip"}))

    async with PolicyServer(behave, port) as server:
        yield server


@cache
def _gzip_bomb() -> bytes:
    return gzip.compress(b" " * HUGE, compresslevel=1)
