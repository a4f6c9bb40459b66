"""``GET /state``: everything the service believes now."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import service_of
from app.api.response.answers import json_answer
from app.api.response.schemas import StateResponse
from app.api.strict_route import StrictRoute

router = APIRouter(tags=["journal"], route_class=StrictRoute)


@router.get("/state", summary="What the service believes now", response_model=StateResponse)
async def get_state(request: Request) -> Response:
    """Show records, regimes, market, circuit, trading state, counts."""
    return json_answer(service_of(request).showing.state())
