"""``/trading-state``: the kill switch."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.openapi import body_of, problems
from app.api.options import owner_of, service_of
from app.api.request import examples
from app.api.request.body import read_json
from app.api.request.query import Query, read_query
from app.api.request.schemas import TradingStateRequest
from app.api.response.answers import json_answer
from app.api.response.schemas import TradingStateResponse

router = APIRouter(prefix="/trading-state", tags=["control"])


@router.get(
    "",
    operation_id="get_trading_state",
    summary="State of the kill switch",
    response_model=TradingStateResponse,
    responses=problems(),
)
async def get_trading_state(request: Request) -> Response:
    """State, reason and since when."""
    read_query(request, Query)
    return json_answer(service_of(request).operating.trading_state())


@router.put(
    "",
    operation_id="set_trading_state",
    summary="Set the kill switch",
    response_model=TradingStateResponse,
    responses=problems(writes=True),
    openapi_extra=body_of(TradingStateRequest, examples={"halt": examples.HALT}),
)
async def set_trading_state(request: Request) -> Response:
    """ACTIVE trades, REDUCING only reduces, HALTED stays at the current positions, or at zero."""
    read_query(request, Query)
    asked = await read_json(request, TradingStateRequest)
    answer = await service_of(request).operating.set_trading_state(
        asked.state,
        asked.reason,
        owner_of(request),
        flatten=asked.flatten,
        rebase=asked.rebase,
    )
    return json_answer(answer)
