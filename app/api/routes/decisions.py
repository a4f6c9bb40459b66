"""``/decisions``: the journal."""

from typing import Final

from fastapi import APIRouter, Request
from pydantic import TypeAdapter, ValidationError
from starlette.responses import Response

from app.api.context import service_of
from app.api.openapi import problems
from app.api.request.fields import Id
from app.api.request.query import DecisionsQuery
from app.api.response.answers import json_answer
from app.api.response.decision_schemas import DecisionsResponse, JournalledDecision
from app.api.strict_route import StrictRoute
from app.core.errors import UnknownDecision

router = APIRouter(prefix="/decisions", tags=["journal"], route_class=StrictRoute)

_ID: Final = TypeAdapter(Id)


@router.get("", summary="Decisions, newest first", response_model=DecisionsResponse)
async def list_decisions(request: Request, query: DecisionsQuery) -> Response:
    """One page; ``next_before_seq`` leads to the next."""
    return json_answer(await service_of(request).showing.decisions(query.to_filter()))


@router.get(
    "/{decision_id}",
    summary="One decision with inputs, stages and both allocations",
    response_model=JournalledDecision,
    responses=problems(404),
)
async def get_decision(decision_id: str, request: Request) -> Response:
    """Everything the journal holds of one decision."""
    try:
        _ID.validate_python(decision_id)
    except ValidationError as error:
        raise UnknownDecision("no decision has an id like that") from error
    return json_answer(await service_of(request).showing.decision(decision_id))
