"""A loopback policy server on raw sockets: it speaks the protocol, and misbehaves to order."""

import asyncio
import json
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import msgpack

CRLF = b"\r\n"
RST_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True)
class Received:
    """One request as it came over the wire; header names are lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    def document(self) -> dict[str, Any]:
        """Decode the body by its content type."""
        packed = self.headers["content-type"] == "application/msgpack"
        document: dict[str, Any] = msgpack.unpackb(self.body) if packed else json.loads(self.body)
        return document


class Conversation:
    """One accepted connection."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        received: list[Received],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._received = received

    async def request(self) -> Received:
        """Read one request and keep it in the server's list."""
        head = (await self._reader.readuntil(CRLF * 2)).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ")
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        received = Received(method, path, headers, body)
        self._received.append(received)
        return received

    async def some(self) -> bytes:
        """Read what there is, whatever it is."""
        return await self._reader.read(65_536)

    async def send(self, data: bytes) -> None:
        if self._writer.is_closing():
            raise ConnectionResetError
        self._writer.write(data)
        await self._writer.drain()

    async def until_left(self) -> None:
        """Wait for the client to give up."""
        while await self._reader.read(65_536):
            continue

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST_ON_CLOSE)
        self._writer.transport.abort()

    def abort(self) -> None:
        self._writer.transport.abort()

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


Behaviour = Callable[[Conversation], Awaitable[None]]


class PolicyServer:
    """Listen on a loopback port, by default a free one; ``behave`` treats each connection."""

    def __init__(
        self, behave: Behaviour, port: int = 0, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self.behave = behave
        self._asked_port = port
        self._tls = tls
        self.received: list[Received] = []
        self.connections = 0
        self._talks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", self._asked_port, ssl=self._tls
        )
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        await self._server.wait_closed()

    @property
    def endpoint(self) -> str:
        """URL of the single call."""
        return f"http{'s' if self._tls else ''}://127.0.0.1:{self.port}/predict"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        talk = asyncio.create_task(self._talk(Conversation(reader, writer, self.received)))
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)

    async def _talk(self, conversation: Conversation) -> None:
        try:
            await self.behave(conversation)
            await conversation.close()
        except (OSError, EOFError):
            conversation.abort()  # the other side is gone, as many of these tests intend
        except asyncio.CancelledError:
            conversation.abort()
            raise


def good_row(**changes: Any) -> dict[str, Any]:
    """Give a valid prediction with some fields changed."""
    return {
        "position_pct": 0.1,
        "confidence": 0.8,
        "predicted_return": 0.05,
        "predicted_volatility": 0.03,
        "model_version": "v1.0",
    } | changes


def response(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None, length: int = -1
) -> bytes:
    """Build a whole HTTP response; ``length`` lies about the body if it is not negative."""
    fields = {
        "content-type": "application/json",
        "content-length": str(length if length >= 0 else len(body)),
        **(headers or {}),
    }
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{k}: {v}" for k, v in fields.items())]
    return "\r\n".join(lines).encode() + CRLF * 2 + body


def answering(
    body: bytes | str, status: int = 200, headers: Mapping[str, str] | None = None
) -> Behaviour:
    """Answer every request with the same response."""
    data = response(body.encode() if isinstance(body, str) else body, status, headers)
    return sending(data)


def sending(data: bytes) -> Behaviour:
    """Read the request, send these bytes, close with FIN."""

    async def behave(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(data)

    return behave


def sending_then_reset(data: bytes) -> Behaviour:
    """Read the request, send these bytes, close with RST."""

    async def behave(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(data)
        conversation.reset()

    return behave


def dripping(data: bytes, whole: bytes = b"", pause_sec: float = 0.01) -> Behaviour:
    """Send ``whole`` at once and then ``data`` a byte at a time."""

    async def behave(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(whole)
        for byte in data:
            await conversation.send(bytes([byte]))
            await asyncio.sleep(pause_sec)

    return behave


def flooding(head: bytes, block: bytes) -> Behaviour:
    """Send ``head`` and then blocks without end, until the client cuts the connection."""

    async def behave(conversation: Conversation) -> None:
        await conversation.request()
        await conversation.send(head)
        while True:
            await conversation.send(block)

    return behave


async def reset_on_accept(conversation: Conversation) -> None:
    """Close with RST before anything is read."""
    conversation.reset()


async def close_on_accept(conversation: Conversation) -> None:
    """Close with FIN before anything is read."""


async def stay_silent(conversation: Conversation) -> None:
    """Read the request and never answer."""
    await conversation.request()
    await conversation.until_left()


async def speak_batch(conversation: Conversation) -> None:
    """Answer the batch call as the contract says: the confidence tells the row's input."""
    signals = (await conversation.request()).document()["signals"]
    rows = [good_row(confidence=signal["confidence"]) for signal in signals]
    await conversation.send(response(json.dumps({"predictions": rows}).encode()))


def guide_only(
    status: int = 404, rows: Mapping[str, Behaviour] | None = None
) -> Callable[[Conversation], Awaitable[None]]:
    """Have no batch path, as a server written from the guide; ``rows`` overrides by symbol."""
    unusual = rows or {}

    async def behave(conversation: Conversation) -> None:
        received = await conversation.request()
        if received.path != "/predict":
            await conversation.send(response(b"{}", status))
            return
        signal = received.document()
        if signal["symbol"] in unusual:
            await unusual[signal["symbol"]](_Replayed(conversation, received))
            return
        body = json.dumps(good_row(confidence=signal["confidence"])).encode()
        await conversation.send(response(body))

    return behave


class _Replayed(Conversation):
    """A conversation whose request was read already."""

    def __init__(self, original: Conversation, received: Received) -> None:
        self.__dict__.update(original.__dict__)
        self._request = received

    async def request(self) -> Received:
        return self._request
