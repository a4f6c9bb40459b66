"""Pure ASGI middlewares: request id, last resort, admission."""

import re
import uuid
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import Overloaded, UnknownMethod, problem

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._\-]{1,128}")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestId:
    """Give each request an id: the caller's own where it is sane, else a new one.

    It stands in ``scope["himari.request_id"]``, in every log line and in the response.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _incoming_id(scope) or uuid.uuid4().hex.encode()
        name = request_id.decode("ascii")
        scope["himari.request_id"] = name

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        tokens = structlog.contextvars.bind_contextvars(request_id=name)
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            structlog.contextvars.reset_contextvars(**tokens)


def _incoming_id(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            return bytes(value) if _SANE_ID.fullmatch(value) else None
    return None


class LastResort:
    """Turn an error that nothing else knew into a 500 problem, and log it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting_start(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting_start)
        except Exception as error:
            # Half an answer cannot be taken back: the server cuts the connection.
            if started:
                raise
            await problem(scope, error)(scope, receive, send)


class KnownMethods:
    """Refuse invented methods before anything counts them: metric labels stay bounded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] == "http" and scope["method"] not in _METHODS:
            refusal = UnknownMethod(f"the method must be one of HTTP's, was {scope['method']!r}")
            await problem(scope, refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)


class Admission:
    """Refuse at once what is beyond ``max_in_flight``; health and metrics always get in."""

    def __init__(self, app: ASGIApp, max_in_flight: int) -> None:
        self._app = app
        self._limit = max_in_flight
        self._count = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http" or _is_operational(scope["path"]):
            await self._app(scope, receive, send)
            return
        if self._count >= self._limit:
            refusal = Overloaded(f"more than {self._limit} requests are in flight")
            await problem(scope, refusal)(scope, receive, send)
            return
        self._count += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._count -= 1


def _is_operational(path: str) -> bool:
    return path.startswith("/health/") or path == "/metrics"
