"""``GET /state``: everything the service believes now."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.openapi import problems
from app.api.options import service_of
from app.api.request.query import Query, read_query
from app.api.response.answers import json_answer
from app.api.response.schemas import StateResponse

router = APIRouter(tags=["journal"])


@router.get(
    "/state",
    operation_id="get_state",
    summary="What the service believes now",
    response_model=StateResponse,
    responses=problems(),
)
async def get_state(request: Request) -> Response:
    """Show records, regimes, market, circuit, trading state, counts."""
    read_query(request, Query)
    return json_answer(service_of(request).showing.state())
