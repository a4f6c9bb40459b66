"""``/portfolio``: Phase 2 views."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from app.api.openapi import problems
from app.api.options import service_of
from app.api.request.query import (
    CorrelationsQuery,
    Query,
    WeightsQuery,
    parameters_for_openapi,
    read_query,
)
from app.api.response.answers import json_answer
from app.api.response.schemas import CorrelationsResponse, RiskBudgetResponse

router = APIRouter(prefix="/portfolio", tags=["portfolio"])


@router.get(
    "/correlations",
    operation_id="get_correlations",
    summary="Correlations of known symbols",
    response_model=CorrelationsResponse,
    responses=problems(),
    openapi_extra={"parameters": parameters_for_openapi(CorrelationsQuery)},
)
async def get_correlations(request: Request) -> Response:
    """Correlation matrix in the order of ``symbols``, and the diversification score."""
    symbols = read_query(request, CorrelationsQuery).symbols
    return json_answer(service_of(request).showing.correlations(symbols))


@router.get(
    "/risk-budget",
    operation_id="get_risk_budget",
    summary="Use of every limit by the last decision",
    response_model=RiskBudgetResponse,
    responses=problems(),
)
async def get_risk_budget(request: Request) -> Response:
    """Show used and allowed USD by position, strategy and portfolio."""
    read_query(request, Query)
    return json_answer(service_of(request).showing.risk_budget())


@router.get(
    "/weights.csv",
    operation_id="get_weights_csv",
    summary="Weight history for attribution",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "One line per decision and symbol, header first.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
        **problems(),
    },
    openapi_extra={"parameters": parameters_for_openapi(WeightsQuery)},
)
async def get_weights_csv(request: Request) -> Response:
    """Stream the weights of the decisions that match."""
    asked = read_query(request, WeightsQuery)
    lines = service_of(request).showing.weights_csv(asked.to_filter())
    # The first line is drawn here, so that an unreadable journal is a 503 and not half a file.
    first = await anext(lines, "")
    return StreamingResponse(
        _terminated(first, lines),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="weights.csv"'},
    )


async def _terminated(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    """Give each line the line end of RFC 4180."""
    yield _ended(first)
    async for line in rest:
        yield _ended(line)


def _ended(line: str) -> str:
    return line.rstrip("\r\n") + "\r\n"
