"""``/trading-state``: the kill switch."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import owner_of, service_of
from app.api.openapi import inputs, problems
from app.api.portfolio_of import require_portfolio
from app.api.request.query import TradingStateQuery
from app.api.request.schemas import TradingStateRequest
from app.api.response.answers import json_answer
from app.api.response.schemas import TradingStateResponse
from app.api.strict_route import StrictRoute

router = APIRouter(prefix="/trading-state", tags=["control"], route_class=StrictRoute)


@router.get(
    "",
    summary="State of the kill switch",
    response_model=TradingStateResponse,
    responses=problems(404),
    openapi_extra=inputs(TradingStateQuery),
)
async def get_trading_state(request: Request, query: TradingStateQuery) -> Response:
    """State, reason, since when, and how many switches were thrown so far."""
    require_portfolio(query.portfolio_id)
    return json_answer(service_of(request).operating.trading_state())


@router.put(
    "",
    summary="Set the kill switch",
    response_model=TradingStateResponse,
    responses=problems(404, 409, writes=True),
)
async def set_trading_state(request: Request, body: TradingStateRequest) -> Response:
    """ACTIVE trades, REDUCING only reduces, HALTED stays at the current positions, or at zero.

    Answers when every decision that was made before was sent, after one second at most. With
    ``if_state_is`` it changes nothing and answers 409 unless that state is in effect.
    """
    require_portfolio(body.portfolio_id)
    answer = await service_of(request).operating.set_trading_state(
        body.state,
        body.reason,
        owner_of(request),
        flatten=body.flatten,
        rebase=body.rebase,
        if_state_is=body.if_state_is,
    )
    return json_answer(answer)
