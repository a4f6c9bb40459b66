"""``/outcomes``: realised returns, and those that are withdrawn."""

from typing import Final

import orjson
from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import context_of, owner_of, service_of
from app.api.gate.idempotency import claim_for, idempotency_key
from app.api.openapi import header, inputs, problems
from app.api.portfolio_of import require_portfolio
from app.api.request.body import parse_body, read_body
from app.api.request.query import Query
from app.api.request.schemas import OutcomesRequest, WithdrawRequest
from app.api.response.answers import json_answer, json_bytes
from app.api.response.schemas import OutcomesResponse, WithdrawResponse
from app.api.strict_route import StrictRoute
from app.pipeline.service import IdempotencyClaim

router = APIRouter(tags=["learning"], route_class=StrictRoute)

_IDEMPOTENCY_KEY: Final = header(
    "Idempotency-Key",
    "The same key with the same raw body gets the stored answer and teaches nothing again, for "
    "24 h; with another body 409.",
    "^[!-~]+$",
)


# The body is read here and not by the route: a stored answer is found by its raw bytes.
@router.post(
    "/outcomes",
    summary="Report realised returns",
    response_model=OutcomesResponse,
    responses=problems(409, writes=True),
    openapi_extra=inputs(Query, OutcomesRequest, _IDEMPOTENCY_KEY),
)
async def record_outcomes(request: Request) -> Response:
    """Feed the posterior, the conformal scaler and the comparison of policy and baseline."""
    key = idempotency_key(request)
    raw = await read_body(request)
    learning = service_of(request).learning
    if key is None:
        body = parse_body(raw, OutcomesRequest)
        return json_answer(await learning.record_outcomes(body.outcomes))
    return await _once(request, raw, claim_for(owner_of(request), key, raw))


@router.post(
    "/outcomes/withdraw",
    summary="Withdraw outcomes",
    response_model=WithdrawResponse,
    responses=problems(404, writes=True),
)
async def withdraw_outcomes(request: Request, body: WithdrawRequest) -> Response:
    """Take outcomes out of records and comparison as if they had never been posted."""
    require_portfolio(body.portfolio_id)
    pairs = [(outcome.decision_id, outcome.symbol) for outcome in body.outcomes]
    learning = service_of(request).learning
    return json_answer(await learning.withdraw_outcomes(pairs, body.reason, owner_of(request)))


async def _once(request: Request, raw: bytes, claim: IdempotencyClaim) -> Response:
    context, service = context_of(request), service_of(request)

    async def record(claim: IdempotencyClaim) -> bytes:
        outcomes = parse_body(raw, OutcomesRequest).outcomes
        return orjson.dumps(await service.learning.record_outcomes(outcomes, claim=claim))

    body, replayed = await context.in_flight.answer(claim, service.stored_answer, record)
    if not replayed:
        return json_bytes(body)
    context.telemetry.count("idempotent_replays")
    return json_bytes(body, {"Idempotent-Replay": "true"})
