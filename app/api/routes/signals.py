"""``/signals``: the signals that stay in force."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import owner_of, service_of
from app.api.openapi import problems
from app.api.request.query import EndSignalsQuery
from app.api.response.answers import json_answer
from app.api.response.schemas import EndSignalsResponse, SignalsResponse
from app.api.strict_route import StrictRoute

router = APIRouter(prefix="/signals", tags=["signals"], route_class=StrictRoute)


@router.get("", summary="Signals in force", response_model=SignalsResponse)
async def get_signals(request: Request) -> Response:
    """Show what is sized beside the next batch, by symbol and strategy.

    There is none unless SIGNALS__STANDING is on.
    Needs the role trade.
    """
    return json_answer(service_of(request).standing.in_force())


@router.delete(
    "/{strategy_id:path}",
    summary="End signals in force",
    response_model=EndSignalsResponse,
    responses=problems(404),
)
async def end_signals(strategy_id: str, request: Request, query: EndSignalsQuery) -> Response:
    """End what stands of a strategy, on all symbols or on one; journalled where there was any.

    Needs the role trade.
    """
    standing = service_of(request).standing
    return json_answer(await standing.end(strategy_id, query.symbol, None, owner_of(request)))
