"""``/decisions``: the journal."""

from typing import Final

from fastapi import APIRouter, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from app.api.openapi import problems
from app.api.options import service_of
from app.api.request.fields import Id
from app.api.request.query import DecisionsQuery, Query, parameters_for_openapi, read_query
from app.api.response.answers import json_answer
from app.api.response.schemas import DecisionsResponse, JournalledDecision
from app.core.errors import UnknownDecision

router = APIRouter(prefix="/decisions", tags=["journal"])

_ID: Final = TypeAdapter(Id)


@router.get(
    "",
    operation_id="list_decisions",
    summary="Decisions, newest first",
    response_model=DecisionsResponse,
    responses=problems(),
    openapi_extra={"parameters": parameters_for_openapi(DecisionsQuery)},
)
async def list_decisions(request: Request) -> Response:
    """One page; ``next_before_seq`` leads to the next."""
    asked = read_query(request, DecisionsQuery)
    return json_answer(await service_of(request).showing.decisions(asked.to_filter()))


@router.get(
    "/{decision_id}",
    operation_id="get_decision",
    summary="One decision with inputs, stages and both allocations",
    response_model=JournalledDecision,
    responses=problems(404),
)
async def get_decision(decision_id: str, request: Request) -> Response:
    """Everything the journal holds of one decision."""
    read_query(request, Query)
    try:
        _ID.validate_python(decision_id)
    except ValidationError as error:
        raise UnknownDecision("no decision has an id like that") from error
    return json_answer(await service_of(request).showing.decision(decision_id))
