"""Pure ASGI middlewares: heads that make sense, last resort, admission."""

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.gate.admission import Admitted, is_operating, is_work
from app.api.response.problems import (
    HeadTooLarge,
    Overloaded,
    RequestRefused,
    UnknownMethod,
    problem,
)

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


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


class SaneHead:
    """Refuse invented methods and overlong heads before anything counts or reads them.

    Metric labels stay bounded, and no header costs more than it may.

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


class Admission:
    """Refuse at once what is beyond the limit; health and metrics always get in."""

    def __init__(self, app: ASGIApp, admitted: Admitted) -> None:
        self._app = app
        self._admitted = admitted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http" or _is_operational(path := get_route_path(scope)):
            await self._app(scope, receive, send)
            return
        try:
            method = scope["method"]
            place = self._admitted.enter(
                to_work=is_work(method, path), reserved=is_operating(method, path)
            )
        except Overloaded as refusal:
            await problem(scope, refusal)(scope, receive, send)
            return
        scope["himari.place"] = place
        try:
            await self._app(scope, receive, send)
        finally:
            place.leave()


def _is_operational(path: str) -> bool:
    return path.startswith("/health/") or path == "/metrics"
