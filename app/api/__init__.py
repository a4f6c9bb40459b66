"""HTTP: one router per resource, one table from error to problem, three thin middlewares.

``install`` puts all of it on an application; the lifespan puts the service on ``app.state``.
"""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.api import (
    allocate,
    circuit,
    decisions,
    health,
    market,
    outcomes,
    performance,
    portfolio,
    state,
    trading_state,
)
from app.api.documented import complete_openapi
from app.api.middleware import Admission, KnownMethods, LastResort, RequestId
from app.api.options import ApiContext, ApiSettings, EventCounter
from app.api.problems import RequestRefused, problem
from app.api.security import BearerKeys
from app.core.errors import HimariError
from app.pipeline.ports import Clock

ROUTERS = (
    allocate.router,
    health.router,
    circuit.router,
    outcomes.router,
    market.router,
    performance.router,
    portfolio.router,
    decisions.router,
    trading_state.router,
    state.router,
)
_KNOWN = (HimariError, RequestRefused, RequestValidationError, HTTPException, ClientDisconnect)


def install(app: FastAPI, *, settings: ApiSettings, clock: Clock, telemetry: EventCounter) -> None:
    """Put routes, error table and middlewares on an application.

    Parameters
    ----------
    app : FastAPI
        Its lifespan sets ``app.state.service``; requests before that get 503.
    settings : ApiSettings
    clock : Clock
    telemetry : EventCounter
        Counts idempotent replays.
    """
    app.state.api = ApiContext(settings, clock, telemetry)
    app.router.redirect_slashes = False
    for router in ROUTERS:
        app.include_router(router)
    for error in _KNOWN:
        app.add_exception_handler(error, _answer_problem)
    # The last one added is the outermost.
    app.add_middleware(
        BearerKeys, keys=tuple(settings.api_keys), metrics_open=settings.metrics_open
    )
    app.add_middleware(Admission, max_in_flight=settings.max_in_flight)
    app.add_middleware(LastResort)
    if settings.enable_metrics:
        Instrumentator(excluded_handlers=["^/metrics$"]).instrument(app)
    app.add_middleware(KnownMethods)
    app.add_middleware(RequestId)
    complete_openapi(app, keyed=bool(settings.api_keys))


async def _answer_problem(request: Request, error: Exception) -> Response:
    return problem(request.scope, error)
