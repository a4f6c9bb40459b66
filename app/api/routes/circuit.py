"""``/circuit``: the breaker between the service and the policy."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import owner_of, service_of
from app.api.request.schemas import CircuitModeRequest, ReasonRequest
from app.api.response.answers import json_answer
from app.api.response.schemas import CircuitResponse
from app.api.strict_route import StrictRoute

router = APIRouter(prefix="/circuit", tags=["circuit"], route_class=StrictRoute)

_NO_REASON: Final = ReasonRequest(reason=None)


@router.get("", summary="State of the breaker", response_model=CircuitResponse)
async def get_circuit(request: Request) -> Response:
    """State, counts and the time until the next probe."""
    return json_answer(service_of(request).operating.circuit())


@router.post("/reset", summary="Force the breaker closed", response_model=CircuitResponse)
async def reset_circuit(request: Request, body: ReasonRequest = _NO_REASON) -> Response:
    """Close it and restore the initial timeout; the body may be empty."""
    return json_answer(
        await service_of(request).operating.reset_circuit(body.reason, owner_of(request))
    )


@router.put("", summary="Set the breaker's mode", response_model=CircuitResponse)
async def set_circuit_mode(request: Request, body: CircuitModeRequest) -> Response:
    """Let outcomes decide (auto), block all calls (forced_open) or none (disabled)."""
    service = service_of(request)
    return json_answer(
        await service.operating.set_circuit_mode(body.mode.value, body.reason, owner_of(request))
    )
