"""``/market``: observations that no batch brought, and an operator's corrections of them."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import owner_of, service_of
from app.api.openapi import problems
from app.api.portfolio_of import require_portfolio
from app.api.request.schemas import (
    AcceptRequest,
    ForgetRequest,
    PricesRequest,
    ReturnsRequest,
    SplitRequest,
)
from app.api.response.answers import json_answer
from app.api.response.schemas import (
    AcceptResponse,
    ForgetResponse,
    ObservationsResponse,
    SplitResponse,
)
from app.api.strict_route import StrictRoute

router = APIRouter(prefix="/market", tags=["market"], route_class=StrictRoute)


@router.post("/returns", summary="Feed the return history", response_model=ObservationsResponse)
async def observe_returns(request: Request, body: ReturnsRequest) -> Response:
    """Count returns once per symbol and timestamp; what is ignored is counted by reason."""
    return json_answer(
        await service_of(request).learning.observe_returns(body.timestamp_ns, body.returns)
    )


@router.post("/prices", summary="Feed the price history", response_model=ObservationsResponse)
async def observe_prices(request: Request, body: PricesRequest) -> Response:
    """Count prices once per symbol and timestamp; what is ignored is counted by reason."""
    return json_answer(
        await service_of(request).learning.observe_prices(body.timestamp_ns, body.prices)
    )


@router.post(
    "/accept",
    summary="Believe a price",
    response_model=AcceptResponse,
    responses=problems(404, writes=True),
)
async def accept_price(request: Request, body: AcceptRequest) -> Response:
    """Take a price for true that was not believed; no return is learnt across it."""
    require_portfolio(body.portfolio_id)
    correcting = service_of(request).correcting
    return json_answer(
        await correcting.accept_price(body.symbol, body.price, body.reason, owner_of(request))
    )


@router.post(
    "/split",
    summary="Tell of a split",
    response_model=SplitResponse,
    responses=problems(404, writes=True),
)
async def split_symbol(request: Request, body: SplitRequest) -> Response:
    """Divide past prices by the ratio; the returns stay as they are."""
    require_portfolio(body.portfolio_id)
    correcting = service_of(request).correcting
    return json_answer(
        await correcting.split_symbol(body.symbol, body.ratio, body.reason, owner_of(request))
    )


@router.post(
    "/forget",
    summary="Forget a symbol",
    response_model=ForgetResponse,
    responses=problems(404, writes=True),
)
async def forget_symbol(request: Request, body: ForgetRequest) -> Response:
    """Forget what is known of a symbol's prices and returns."""
    require_portfolio(body.portfolio_id)
    correcting = service_of(request).correcting
    return json_answer(await correcting.forget_symbol(body.symbol, body.reason, owner_of(request)))
