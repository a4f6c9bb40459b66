"""``POST /outcomes``: realised returns."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import service_of
from app.api.request.schemas import OutcomesRequest
from app.api.response.answers import json_answer
from app.api.response.schemas import OutcomesResponse
from app.api.strict_route import StrictRoute

router = APIRouter(tags=["learning"], route_class=StrictRoute)


@router.post("/outcomes", summary="Report realised returns", response_model=OutcomesResponse)
async def record_outcomes(request: Request, body: OutcomesRequest) -> Response:
    """Feed the posterior, the conformal scaler and the comparison of policy and baseline."""
    return json_answer(await service_of(request).learning.record_outcomes(body.outcomes))
