"""``/circuit``: the breaker between the service and the policy."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.openapi import body_of, problems
from app.api.options import owner_of, service_of
from app.api.request import examples
from app.api.request.body import read_json, read_optional_json
from app.api.request.query import Query, read_query
from app.api.request.schemas import CircuitModeRequest, ReasonRequest
from app.api.response.answers import json_answer
from app.api.response.schemas import CircuitResponse

router = APIRouter(prefix="/circuit", tags=["circuit"])


@router.get(
    "",
    operation_id="get_circuit",
    summary="State of the breaker",
    response_model=CircuitResponse,
    responses=problems(),
)
async def get_circuit(request: Request) -> Response:
    """State, counts and the time until the next probe."""
    read_query(request, Query)
    return json_answer(service_of(request).operating.circuit())


@router.post(
    "/reset",
    operation_id="reset_circuit",
    summary="Force the breaker closed",
    response_model=CircuitResponse,
    responses=problems(writes=True),
    openapi_extra=body_of(ReasonRequest, required=False, examples={"reason": examples.RESET}),
)
async def reset_circuit(request: Request) -> Response:
    """Close it and restore the initial timeout; the body may be empty."""
    read_query(request, Query)
    asked = await read_optional_json(request, ReasonRequest)
    return json_answer(
        await service_of(request).operating.reset_circuit(asked.reason, owner_of(request))
    )


@router.put(
    "",
    operation_id="set_circuit_mode",
    summary="Set the breaker's mode",
    response_model=CircuitResponse,
    responses=problems(writes=True),
    openapi_extra=body_of(CircuitModeRequest, examples={"open": examples.FORCED_OPEN}),
)
async def set_circuit_mode(request: Request) -> Response:
    """Let outcomes decide (auto), block all calls (forced_open) or none (disabled)."""
    read_query(request, Query)
    asked = await read_json(request, CircuitModeRequest)
    service = service_of(request)
    return json_answer(
        await service.operating.set_circuit_mode(asked.mode.value, asked.reason, owner_of(request))
    )
