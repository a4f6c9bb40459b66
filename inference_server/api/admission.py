"""Limit how many requests are served at once."""

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.access import is_operational
from edge.problems import Overloaded
from inference_server.api.problems import answer_error


class RequestSlots:
    """Hold one of ``limit`` slots while the block lasts; raise `Overloaded` where none is free."""

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
    """Answer 503 when no slot is free; health and metrics need none."""

    def __init__(self, app: ASGIApp, slots: RequestSlots) -> None:
        self._app = app
        self._slots = slots

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http" or is_operational(get_route_path(scope)):
            await self._app(scope, receive, send)
            return
        try:
            with self._slots:
                await self._app(scope, receive, send)
        except Overloaded as refusal:
            await answer_error(scope, refusal)(scope, receive, send)
