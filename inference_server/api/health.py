"""Liveness, readiness and metrics, by GET or HEAD; never queued, health never behind a key."""

import orjson
from fastapi import APIRouter, Request
from prometheus_client.exposition import choose_encoder
from starlette.responses import Response

from inference_server.api.context import context_of
from inference_server.api.openapi import problem_responses
from inference_server.api.raw_route import RawRoute
from inference_server.api.schemas import LiveAnswer, ReadyAnswer
from inference_server.errors import NotServing

router = APIRouter(tags=["operations"], route_class=RawRoute)


@router.head("/health/live", include_in_schema=False)
@router.get(
    "/health/live",
    operation_id="get_liveness",
    summary="Whether the process runs",
    response_model=LiveAnswer,
)
async def get_liveness(request: Request) -> Response:  # noqa: ARG001 - raw routes take it
    """Answer 200 while the event loop turns."""
    return Response(b'{"status":"alive"}', media_type="application/json")


@router.head("/health/ready", include_in_schema=False)
@router.get(
    "/health/ready",
    operation_id="get_readiness",
    summary="Whether to send requests here",
    response_model=ReadyAnswer,
    responses={503: {"model": ReadyAnswer, "description": "No model, a stuck one, or draining."}},
)
async def get_readiness(request: Request) -> Response:
    """200 with a model loaded, its thread alive and answering, and no end in sight; else 503."""
    try:
        context = context_of(request)
        trouble = context.trouble()
        version = context.switch.current.card.version if context.switch.loaded else None
    except NotServing as error:
        trouble, version = [str(error)], None
    status = "not ready" if trouble else "ready"
    content = {"status": status, "model_version": version, "trouble": trouble}
    return Response(orjson.dumps(content), 503 if trouble else 200, media_type="application/json")


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
        **problem_responses(503),
    },
)
async def get_metrics(request: Request) -> Response:
    """All metrics of this application."""
    encode, media_type = choose_encoder(request.headers.get("accept", ""))
    content = encode(context_of(request).telemetry.registry)
    return Response(content, headers={"Content-Type": media_type})
