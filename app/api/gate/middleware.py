"""Pure ASGI middlewares: request id, limits of the head, unexpected errors, admission."""

import re
import uuid
from collections.abc import Iterable
from typing import Final

import structlog
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.gate.admission import Admission, is_operator_request, needs_turn
from app.api.response.problems import (
    HeadTooLarge,
    Overloaded,
    RequestRefused,
    UnknownMethod,
    problem,
)

_VALID_ID: Final = re.compile(rb"[A-Za-z0-9._\-]{1,128}")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class RequestId:
    """Give each request an id: the caller's own where it is valid, else a new one.

    It stands in ``scope["himari.request_id"]``, in every log line and in the response.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = incoming_id(scope["headers"]) or uuid.uuid4().hex.encode()
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


def incoming_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Find the caller's own id where it is valid."""
    for name, value in headers:
        if name == b"x-request-id":
            return bytes(value) if _VALID_ID.fullmatch(value) else None
    return None


class LastResort:
    """Answer an error that no handler knows with a 500 problem, and log it."""

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


class HeadLimits:
    """Refuse unknown methods and heads that are too long, before anything counts or reads them.

    Metric labels stay bounded, and so does the cost of a head.

    Parameters
    ----------
    app : ASGIApp
    max_headers : int, fields
    max_bytes : int
        Of path, query, names and values together.
    """

    def __init__(self, app: ASGIApp, max_headers: int, max_bytes: int) -> None:
        self._app = app
        self._max_headers = max_headers
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        refusal = self._refusal(scope) if scope["type"] == "http" else None
        if refusal is not None:
            await problem(scope, refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> RequestRefused | None:
        headers = scope["headers"]
        if scope["method"] not in _METHODS:
            return UnknownMethod(f"the method must be one of HTTP's, was {scope['method']!r}")
        if len(headers) > self._max_headers:
            return HeadTooLarge(self._max_headers, "header fields")
        length = len(scope["path"]) + len(scope["query_string"])
        length += sum(len(name) + len(value) for name, value in headers)
        return HeadTooLarge(self._max_bytes, "bytes") if length > self._max_bytes else None


class AdmissionMiddleware:
    """Refuse at once what is beyond the limits of `Admission`; health and metrics are exempt."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http" or _is_operational(path := get_route_path(scope)):
            await self._app(scope, receive, send)
            return
        try:
            method = scope["method"]
            slot = self._admission.admit(
                needs_turn=needs_turn(method, path), reserved=is_operator_request(method, path)
            )
        except Overloaded as refusal:
            await problem(scope, refusal)(scope, receive, send)
            return
        scope["himari.slot"] = slot
        try:
            await self._app(scope, receive, send)
        finally:
            slot.release()


def _is_operational(path: str) -> bool:
    return path.startswith("/health/") or path == "/metrics"
