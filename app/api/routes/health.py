"""Liveness, readiness and metrics, by GET or HEAD; never queued, health never behind a key."""

from fastapi import APIRouter, Request
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from app.api.context import context_of, service_of
from app.api.openapi import problems
from app.api.response.answers import json_answer
from app.api.response.problems import NotServed, ServiceNotReady
from app.api.response.schemas import HealthResponse, ReadyResponse

router = APIRouter(tags=["operations"])


@router.head("/health/live", include_in_schema=False)
@router.get(
    "/health/live",
    operation_id="get_liveness",
    summary="Whether the process runs",
    response_model=HealthResponse,
)
async def get_liveness() -> Response:
    """Answer 200 while the event loop turns."""
    return json_answer({"status": "alive"})


@router.head("/health/ready", include_in_schema=False)
@router.get(
    "/health/ready",
    operation_id="get_readiness",
    summary="Whether to send requests here",
    response_model=ReadyResponse,
    responses={503: {"model": ReadyResponse, "description": "Starting, draining or no journal."}},
)
async def get_readiness(request: Request) -> Response:
    """200 when decisions can be made and kept, else 503 with what is missing."""
    try:
        ready, detail = service_of(request).operating.ready()
    except ServiceNotReady:
        ready, detail = False, {}
    status = "ready" if ready else "not ready"
    return json_answer({"status": status, **detail}, 200 if ready else 503)


@router.head("/metrics", include_in_schema=False)
@router.get(
    "/metrics",
    operation_id="get_metrics",
    summary="Prometheus metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Text format, or OpenMetrics where asked for.",
            "content": {"text/plain": {"schema": {"type": "string"}}},
        },
        **problems(404),
    },
)
async def get_metrics(request: Request) -> Response:
    """All metrics of this process."""
    if not context_of(request).settings.enable_metrics:
        raise NotServed("metrics are off: the setting ENABLE_METRICS is false")
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(REGISTRY), headers={"Content-Type": media_type})
