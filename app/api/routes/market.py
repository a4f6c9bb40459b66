"""``/market``: observations that no batch brought."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import context_of, service_of
from app.api.request.schemas import PricesRequest, ReturnsRequest
from app.api.response.answers import json_answer
from app.api.response.schemas import ObservationsResponse
from app.api.strict_route import StrictRoute
from app.core.errors import FieldProblem, InvalidInput

router = APIRouter(prefix="/market", tags=["market"], route_class=StrictRoute)

_DAY_NS: Final = 86_400 * 10**9


@router.post("/returns", summary="Feed the return history", response_model=ObservationsResponse)
async def observe_returns(request: Request, body: ReturnsRequest) -> Response:
    """Count returns once per symbol and timestamp; older ones are ignored."""
    _refuse_future(request, body.timestamp_ns)
    return json_answer(
        await service_of(request).learning.observe_returns(body.timestamp_ns, body.returns)
    )


@router.post("/prices", summary="Feed the price history", response_model=ObservationsResponse)
async def observe_prices(request: Request, body: PricesRequest) -> Response:
    """Count prices once per symbol and timestamp; older ones are ignored."""
    _refuse_future(request, body.timestamp_ns)
    return json_answer(
        await service_of(request).learning.observe_prices(body.timestamp_ns, body.prices)
    )


def _refuse_future(request: Request, timestamp_ns: int) -> None:
    """One observation far in the future would make every later one old."""
    if timestamp_ns > context_of(request).clock.now_ns() + _DAY_NS:
        message = "must be at most 24 h ahead of the service's clock"
        raise InvalidInput(FieldProblem("timestamp_ns", message, timestamp_ns))
