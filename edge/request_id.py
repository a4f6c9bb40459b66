"""The id of a request, in its log lines, in its answer and in its problem."""

import os
import re
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.json_log import REQUEST_ID

_VALID_ID: Final = re.compile(rb"[A-Za-z0-9._\-]{1,128}")


class RequestId:
    """Give each request an id: the caller's own where it is valid, else a new one.

    The id goes into ``scope["himari.request_id"]``, into every log line and into the answer.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = assign_request_id(scope)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-request-id", request_id)]
            await send(message)

        token = REQUEST_ID.set(scope["himari.request_id"])
        try:
            await self._app(scope, receive, send_with_id)
        finally:
            REQUEST_ID.reset(token)


def assign_request_id(scope: Scope) -> bytes:
    """Put the request's id into the scope and return it as the bytes of the answer's header."""
    request_id = choose_request_id(scope["headers"])
    scope["himari.request_id"] = request_id.decode("ascii")
    return request_id


def choose_request_id(headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """Return the caller's own id where it is valid, else a new one."""
    for name, value in headers:
        if name == b"x-request-id":
            if _VALID_ID.fullmatch(value):
                return bytes(value)
            break
    return os.urandom(16).hex().encode()
