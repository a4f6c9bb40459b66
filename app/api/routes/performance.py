"""``GET /performance``: the policy against Phase 2."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.openapi import problems
from app.api.options import service_of
from app.api.request.query import Query, read_query
from app.api.response.answers import json_answer
from app.api.response.schemas import PerformanceResponse

router = APIRouter(tags=["learning"])


@router.get(
    "/performance",
    operation_id="get_performance",
    summary="The policy against the baseline",
    response_model=PerformanceResponse,
    responses=problems(),
)
async def get_performance(request: Request) -> Response:
    """Unpaired by arm, and paired over decisions whose outcomes are known."""
    read_query(request, Query)
    return json_answer(service_of(request).showing.performance())
