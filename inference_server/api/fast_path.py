"""Serve the two calls that every decision makes without the framework's routing.

Request id, key, admission, error table and metrics are the same as for every other route. One
coroutine and no search for the route save a third of the time of a small request. The routes are
registered with the framework as well, for the OpenAPI page and for other methods.
"""

import time
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request
from starlette._utils import get_route_path
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.json_log import REQUEST_ID
from edge.request_id import assign_request_id
from inference_server.api.admission import RequestSlots
from inference_server.api.http_metrics import HttpMetrics
from inference_server.api.problems import answer_error
from inference_server.api.security import ApiKey

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class FastPath:
    """ASGI middleware that serves POST to the given paths and passes every other request on.

    Parameters
    ----------
    app : ASGI application
    endpoints : mapping of path to endpoint
    key : ApiKey
    slots : RequestSlots
        Shared with the other routes.
    metrics : HttpMetrics
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        endpoints: Mapping[str, Endpoint],
        key: ApiKey,
        slots: RequestSlots,
        metrics: HttpMetrics,
    ) -> None:
        self._app = app
        self._endpoints = endpoints
        self._key = key
        self._slots = slots
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        endpoint = self._endpoints.get(get_route_path(scope) if scope["type"] == "http" else "")
        if endpoint is None or scope.get("method") != "POST":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = assign_request_id(scope)
        token = REQUEST_ID.set(scope["himari.request_id"])
        try:
            response = await self._answer(endpoint, Request(scope, receive))
        finally:
            REQUEST_ID.reset(token)
        response.raw_headers.append((b"x-request-id", request_id))
        key = (get_route_path(scope), "POST", f"{response.status_code // 100}xx")
        self._metrics.observe(key, time.perf_counter() - started)
        await response(scope, receive, send)

    async def _answer(self, endpoint: Endpoint, request: Request) -> Response:
        try:
            self._key.check(request.scope)
            with self._slots:
                return await endpoint(request)
        except Exception as error:  # noqa: BLE001 - the table maps every error and logs unknown ones
            return answer_error(request.scope, error)
