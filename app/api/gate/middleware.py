"""Admission of requests."""

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.gate.admission import Admitted, is_operating, is_work
from app.api.response.problems import problem
from edge.access import is_operational
from edge.problems import Overloaded


class Admission:
    """Refuse at once what is beyond the limit; health and metrics always get in."""

    def __init__(self, app: ASGIApp, admitted: Admitted) -> None:
        self._app = app
        self._admitted = admitted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http" or is_operational(path := get_route_path(scope)):
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
