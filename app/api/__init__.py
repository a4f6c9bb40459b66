"""HTTP: one router per resource, one table from error to problem, thin middlewares.

``install`` puts all of it on an application; the lifespan puts the service on ``app.state``.
"""

from collections.abc import Callable
from functools import cache

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_fastapi_instrumentator import Instrumentator
from prometheus_fastapi_instrumentator.metrics import Info
from prometheus_fastapi_instrumentator.metrics import default as http_metrics
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.api.context import ApiContext, ApiSettings, EventCounter
from app.api.gate.access import AccessMiddleware, KeySource, PageAccess
from app.api.gate.admission import Admission
from app.api.gate.middleware import AdmissionMiddleware
from app.api.gate.rate_limit import RateLimiter
from app.api.openapi import complete_openapi
from app.api.response.problems import problem
from app.api.routes import (
    allocate,
    circuit,
    decisions,
    health,
    market,
    outcomes,
    performance,
    portfolio,
    signals,
    state,
    trading_state,
)
from app.core.errors import HimariError
from app.pipeline.ports import Clock
from edge.browser import SecurityHeaders
from edge.middleware import HeadLimits, LastResort
from edge.problems import RequestRefused
from edge.request_id import RequestId

ROUTERS = (
    allocate.router,
    health.router,
    circuit.router,
    outcomes.router,
    market.router,
    signals.router,
    performance.router,
    portfolio.router,
    decisions.router,
    trading_state.router,
    state.router,
)
_KNOWN = (HimariError, RequestRefused, RequestValidationError, HTTPException, ClientDisconnect)


def install(
    app: FastAPI,
    *,
    settings: ApiSettings,
    clock: Clock,
    telemetry: EventCounter,
    keys: KeySource | None = None,
    page_access: PageAccess | None = None,
) -> None:
    """Put routes, error table and middlewares on an application.

    Parameters
    ----------
    app : FastAPI
        Its lifespan sets ``app.state.service``; requests before that get 503.
    settings : ApiSettings
    clock : Clock
    telemetry : EventCounter
        Counts idempotent replays.
    keys : callable giving the KeyRing in force, optional
        By default the keys of the settings; none of them: this machine alone is served.
    page_access : PageAccess, optional
        Of pages that the caller puts on the application, where a session does as well as a key.
    """
    keys = keys or fixed_keys(settings)
    app.state.api = ApiContext(settings, clock, telemetry)
    _add_routes(app)
    # The last one added is the outermost.
    app.add_middleware(
        AccessMiddleware,
        keys=keys,
        limiter=_rate_limiter(settings, clock),
        metrics_open=settings.metrics_open,
        page_access=page_access,
    )
    app.state.admission = Admission(settings.max_in_flight)
    app.add_middleware(AdmissionMiddleware, admission=app.state.admission)
    app.add_middleware(LastResort, answer=problem)
    if settings.enable_metrics:
        counted = Instrumentator(excluded_handlers=["^/metrics$", "^/console/events$"])
        counted.add(_http_metrics()).instrument(app)
    app.add_middleware(
        HeadLimits,
        answer=problem,
        max_headers=settings.max_headers,
        max_bytes=settings.max_header_bytes,
    )
    app.add_middleware(SecurityHeaders, pages=_pages_of(app))
    app.add_middleware(RequestId)
    complete_openapi(app, requires_key=keys is not None)


def _add_routes(app: FastAPI) -> None:
    """Put the routers and the one answer to every known error on the application."""
    app.router.redirect_slashes = False
    for router in ROUTERS:
        app.include_router(router)
    for error in _KNOWN:
        app.add_exception_handler(error, _answer_problem)


def fixed_keys(settings: ApiSettings) -> KeySource | None:
    """Give the keys of the settings; None where there are none."""
    ring = settings.key_ring()
    return (lambda: ring) if ring.keys else None


@cache
def _http_metrics() -> Callable[[Info], None]:
    """Make the metrics of HTTP once a process: the registry takes each name once."""
    metrics = http_metrics()
    if metrics is None:
        raise RuntimeError("something else has registered the names of the HTTP metrics")
    return metrics


def _rate_limiter(settings: ApiSettings, clock: Clock) -> RateLimiter | None:
    if settings.rate_limit_per_sec <= 0.0:
        return None
    return RateLimiter(settings.rate_limit_per_sec, settings.rate_limit_burst, clock)


def _pages_of(app: FastAPI) -> tuple[str, ...]:
    pages = (app.docs_url, app.redoc_url, app.swagger_ui_oauth2_redirect_url)
    return tuple(page for page in pages if page is not None)


async def _answer_problem(request: Request, error: Exception) -> Response:
    return problem(request.scope, error)
