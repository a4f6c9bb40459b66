"""Pure ASGI middlewares: last resort, admission."""

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference_server.api.problems import TooManyRequests, UnknownMethod, problem

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


class Places:
    """Requests at once: a place is taken while the block lasts, or refused at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0

    def __enter__(self) -> None:
        if self._taken >= self._limit:
            raise TooManyRequests(f"more than {self._limit} requests are in flight")
        self._taken += 1

    def __exit__(self, *_: object) -> None:
        self._taken -= 1


class Admission:
    """Refuse at once what finds no place; health and metrics always get in."""

    def __init__(self, app: ASGIApp, places: Places) -> None:
        self._app = app
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http" or _is_operational(get_route_path(scope)):
            await self._app(scope, receive, send)
            return
        try:
            with self._places:
                await self._app(scope, receive, send)
        except TooManyRequests as refusal:
            await problem(scope, refusal)(scope, receive, send)


def _is_operational(path: str) -> bool:
    return path.startswith("/health/") or path == "/metrics"
