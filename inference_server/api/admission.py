"""Admission of requests."""

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.access import is_operational
from edge.problems import Overloaded
from inference_server.api.problems import problem


class Places:
    """Requests at once: a place is taken while the block lasts, or refused at once."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._taken = 0

    def __enter__(self) -> None:
        if self._taken >= self._limit:
            raise Overloaded(f"more than {self._limit} requests are in flight")
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
        if scope["type"] != "http" or is_operational(get_route_path(scope)):
            await self._app(scope, receive, send)
            return
        try:
            with self._places:
                await self._app(scope, receive, send)
        except Overloaded as refusal:
            await problem(scope, refusal)(scope, receive, send)
