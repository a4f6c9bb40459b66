"""``GET /performance``: the policy against Phase 2."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import service_of
from app.api.response.answers import json_answer
from app.api.response.schemas import PerformanceResponse
from app.api.strict_route import StrictRoute

router = APIRouter(tags=["learning"], route_class=StrictRoute)


@router.get(
    "/performance",
    summary="The policy against the baseline",
    response_model=PerformanceResponse,
)
async def get_performance(request: Request) -> Response:
    """Unpaired by arm, and paired over decisions whose outcomes are known."""
    return json_answer(service_of(request).showing.performance())
