"""``POST /outcomes``: realised returns."""

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.openapi import body_of, problems
from app.api.options import service_of
from app.api.request import examples
from app.api.request.body import read_json
from app.api.request.query import Query, read_query
from app.api.request.schemas import OutcomesRequest
from app.api.response.answers import json_answer
from app.api.response.schemas import OutcomesResponse

router = APIRouter(tags=["learning"])


@router.post(
    "/outcomes",
    operation_id="record_outcomes",
    summary="Report realised returns",
    response_model=OutcomesResponse,
    responses=problems(writes=True),
    openapi_extra=body_of(
        OutcomesRequest, examples={"paired": examples.OUTCOMES, "unpaired": examples.UNPAIRED}
    ),
)
async def record_outcomes(request: Request) -> Response:
    """Feed the posterior, the conformal scaler and the comparison of policy and baseline."""
    read_query(request, Query)
    asked = await read_json(request, OutcomesRequest)
    return json_answer(await service_of(request).learning.record_outcomes(asked.outcomes))
