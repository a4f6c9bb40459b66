"""``/trading-state``: the kill switch."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import owner_of, service_of
from app.api.request.schemas import TradingStateRequest
from app.api.response.answers import json_answer
from app.api.response.schemas import TradingStateResponse
from app.api.strict_route import StrictRoute

router = APIRouter(prefix="/trading-state", tags=["control"], route_class=StrictRoute)


@router.get("", summary="State of the kill switch", response_model=TradingStateResponse)
async def get_trading_state(request: Request) -> Response:
    """State, reason and since when."""
    return json_answer(service_of(request).operating.trading_state())


@router.put("", summary="Set the kill switch", response_model=TradingStateResponse)
async def set_trading_state(request: Request, body: TradingStateRequest) -> Response:
    """ACTIVE trades, REDUCING only reduces, HALTED stays at the current positions, or at zero."""
    answer = await service_of(request).operating.set_trading_state(
        body.state,
        body.reason,
        owner_of(request),
        flatten=body.flatten,
        rebase=body.rebase,
    )
    return json_answer(answer)
