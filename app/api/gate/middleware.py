"""Admission of requests."""

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.gate.admission import Admission, is_operator_request, needs_turn
from app.api.response.problems import problem
from edge.access import is_operational
from edge.problems import Overloaded


class AdmissionMiddleware:
    """Refuse at once what is beyond the limits of `Admission`; health and metrics are exempt."""

    def __init__(self, app: ASGIApp, admission: Admission) -> None:
        self._app = app
        self._admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http" or is_operational(path := get_route_path(scope)):
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
