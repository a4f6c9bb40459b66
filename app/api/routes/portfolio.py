"""``/portfolio``: Phase 2 views."""

from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from app.api.context import service_of
from app.api.request.query import CorrelationsQuery, WeightsQuery
from app.api.response.answers import json_answer
from app.api.response.schemas import CorrelationsResponse, RiskBudgetResponse
from app.api.strict_route import StrictRoute

router = APIRouter(prefix="/portfolio", tags=["portfolio"], route_class=StrictRoute)


@router.get(
    "/correlations",
    summary="Correlations of known symbols",
    response_model=CorrelationsResponse,
)
async def get_correlations(request: Request, query: CorrelationsQuery) -> Response:
    """Correlation matrix in the order of ``symbols``, and the diversification score."""
    return json_answer(service_of(request).showing.correlations(query.symbols))


@router.get(
    "/risk-budget",
    summary="Use of every limit by the last decision",
    response_model=RiskBudgetResponse,
)
async def get_risk_budget(request: Request) -> Response:
    """Show used and allowed USD by position, strategy and portfolio."""
    return json_answer(service_of(request).showing.risk_budget())


@router.get(
    "/weights.csv",
    summary="Weight history for attribution",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "One line per decision and symbol, header first.",
            "content": {"text/csv": {"schema": {"type": "string"}}},
        },
    },
)
async def get_weights_csv(request: Request, query: WeightsQuery) -> Response:
    """Stream the weights of the decisions that match."""
    lines = service_of(request).showing.weights_csv(query.to_filter())
    # The first line is drawn here, so that an unreadable journal is a 503 and not half a file.
    first = await anext(lines, "")
    return StreamingResponse(
        _with_line_ends(first, lines),
        media_type="text/csv",
        headers={"Content-Disposition": 'attachment; filename="weights.csv"'},
    )


async def _with_line_ends(first: str, rest: AsyncIterator[str]) -> AsyncIterator[str]:
    """Give each line the line end of RFC 4180."""
    yield _with_line_end(first)
    async for line in rest:
        yield _with_line_end(line)


def _with_line_end(line: str) -> str:
    return line.rstrip("\r\n") + "\r\n"
