"""What changes by itself, as server-sent events: only what is new, never to too many.

A stream ends when the service drains, when its session ends, and after a while by itself; the
browser asks again.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.console.context import ConsoleContext, Streams, console_of
from app.console.now import figures_of
from app.console.render import service_of
from app.console.sessions import token_of
from app.pipeline.service import SizingService

_LASTS_SEC: Final = 600.0
_HEADERS: Final = {"X-Accel-Buffering": "no"}
# parts of the first page by the name of their element
_PARTS: Final = {"strip": "_strip.html", "figures": "_figures.html", "recent": "_recent.html"}


class _Counted(StreamingResponse):
    """A stream that holds its place for as long as it is sent, however that ends."""

    def __init__(self, streams: Streams, body: AsyncIterator[bytes]) -> None:
        super().__init__(body, headers=_HEADERS, media_type="text/event-stream")
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        self._streams.open += 1
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.open -= 1


async def stream(request: Request) -> Response:
    """Send what changed, once a second at most."""
    console, service = console_of(request), service_of(request)
    if request.method == "HEAD":
        return Response(headers=_HEADERS, media_type="text/event-stream")
    if console.streams.open >= console.streams.most:
        told = f"{console.streams.most} browsers listen already\n"
        return Response(told, 503, {"Retry-After": "30"}, media_type="text/plain")
    return _Counted(console.streams, _events(request, console, service))


async def _events(
    request: Request, console: ConsoleContext, service: SizingService
) -> AsyncIterator[bytes]:
    ends_at = console.clock.monotonic() + _LASTS_SEC
    base = request.scope.get("root_path", "") + "/console"
    sent: dict[str, str] = {}
    yield b"retry: 2000\n\n"
    while console.clock.monotonic() < ends_at and _may_go_on(request, console, service):
        drawn = _drawn(console, service, base)
        fresh = {name: text for name, text in drawn.items() if sent.get(name) != text}
        sent = drawn
        # a comment keeps proxies from cutting, and shows who is gone
        yield b"data: " + orjson.dumps(fresh) + b"\n\n" if fresh else b": still\n\n"
        await asyncio.sleep(console.streams.tick_sec)
    if service.operating.draining:
        yield b"event: draining\ndata: {}\n\n"


def _may_go_on(request: Request, console: ConsoleContext, service: SizingService) -> bool:
    if service.operating.draining:
        return False
    if console.keys is None:
        return True
    keys, token = console.keys(), token_of(request.scope)
    if token is not None:
        return console.sessions.key_of(token, keys) is not None
    owner = request.scope.get("himari.owner")
    return any(key.name == owner for key in keys.keys)


def _drawn(console: ConsoleContext, service: SizingService, base: str) -> dict[str, str]:
    """Draw once for all who listen."""
    streams, now = console.streams, console.clock.monotonic()
    if now - streams.drawn_at >= streams.tick_sec / 2.0:
        context = {**figures_of(service), "base": base}
        streams.drawn_at = now
        streams.drawn = {
            name: console.renderer.fragment(template, context) for name, template in _PARTS.items()
        }
    return streams.drawn
