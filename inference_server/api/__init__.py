"""HTTP: a router per resource, one table from error to problem, thin middlewares.

``install`` puts all of it on an application; the lifespan puts the `ApiContext` on ``app.state``.
"""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from prometheus_client import CollectorRegistry
from prometheus_fastapi_instrumentator import Instrumentator
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from edge.middleware import HeadLimits, LastResort
from edge.problems import RequestRefused
from edge.request_id import RequestId
from inference_server.api import health, model, predict
from inference_server.api.admission import (
    Admission,
    RequestSlots,
)
from inference_server.api.context import ApiSettings
from inference_server.api.fast_path import FastPath
from inference_server.api.http_metrics import HttpMetrics
from inference_server.api.openapi import complete_openapi
from inference_server.api.problems import answer_error
from inference_server.api.security import ApiKey, BearerKey
from inference_server.errors import InferenceError

ROUTERS = (predict.router, model.router, health.router)
_KNOWN = (InferenceError, RequestRefused, RequestValidationError, HTTPException, ClientDisconnect)


def install(app: FastAPI, settings: ApiSettings, registry: CollectorRegistry) -> None:
    """Put routes, error table and middlewares on an application.

    Parameters
    ----------
    app : FastAPI
        Its lifespan sets ``app.state.context``; requests before that get 503.
    settings : ApiSettings
    registry : CollectorRegistry
        Where the metrics of HTTP go.
    """
    app.router.redirect_slashes = False
    for router in ROUTERS:
        app.include_router(router)
    for error in _KNOWN:
        app.add_exception_handler(error, _answer_problem)
    key = ApiKey(settings.api_key, metrics_open=settings.metrics_open)
    slots, metrics = RequestSlots(settings.max_in_flight), HttpMetrics(registry)
    # The last one added is the outermost.
    app.add_middleware(BearerKey, key=key)
    app.add_middleware(Admission, slots=slots)
    app.add_middleware(LastResort, answer=answer_error)
    instrumentator = Instrumentator(excluded_handlers=["^/metrics$"], registry=registry)
    instrumentator.add(metrics).instrument(app)
    app.add_middleware(HeadLimits, answer=answer_error)
    app.add_middleware(RequestId)
    app.add_middleware(FastPath, endpoints=predict.ENDPOINTS, key=key, slots=slots, metrics=metrics)
    complete_openapi(app, requires_key=settings.api_key is not None)


async def _answer_problem(request: Request, error: Exception) -> Response:
    return answer_error(request.scope, error)
