"""``/market``: observations that no batch brought."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.openapi import body_of, problems
from app.api.options import context_of, service_of
from app.api.request import examples
from app.api.request.body import read_json
from app.api.request.query import Query, read_query
from app.api.request.schemas import PricesRequest, ReturnsRequest
from app.api.response.answers import json_answer
from app.api.response.schemas import ObservationsResponse
from app.core.errors import FieldProblem, InvalidInput

router = APIRouter(prefix="/market", tags=["market"])

_DAY_NS: Final = 86_400 * 10**9


@router.post(
    "/returns",
    operation_id="observe_returns",
    summary="Feed the return history",
    response_model=ObservationsResponse,
    responses=problems(writes=True),
    openapi_extra=body_of(ReturnsRequest, examples={"returns": examples.RETURNS}),
)
async def observe_returns(request: Request) -> Response:
    """Count returns once per symbol and timestamp; older ones are ignored."""
    read_query(request, Query)
    asked = await read_json(request, ReturnsRequest)
    _refuse_future(request, asked.timestamp_ns)
    return json_answer(
        await service_of(request).learning.observe_returns(asked.timestamp_ns, asked.returns)
    )


@router.post(
    "/prices",
    operation_id="observe_prices",
    summary="Feed the price history",
    response_model=ObservationsResponse,
    responses=problems(writes=True),
    openapi_extra=body_of(PricesRequest, examples={"prices": examples.PRICES}),
)
async def observe_prices(request: Request) -> Response:
    """Count prices once per symbol and timestamp; older ones are ignored."""
    read_query(request, Query)
    asked = await read_json(request, PricesRequest)
    _refuse_future(request, asked.timestamp_ns)
    return json_answer(
        await service_of(request).learning.observe_prices(asked.timestamp_ns, asked.prices)
    )


def _refuse_future(request: Request, timestamp_ns: int) -> None:
    """One observation far in the future would make every later one old."""
    if timestamp_ns > context_of(request).clock.now_ns() + _DAY_NS:
        message = "must be at most 24 h ahead of the service's clock"
        raise InvalidInput(FieldProblem("timestamp_ns", message, timestamp_ns))
