"""``POST /allocate``: size one batch of signals."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.api.context import context_of, owner_of, service_of
from app.api.gate.idempotency import claim_for, idempotency_key
from app.api.openapi import header, inputs, problems
from app.api.portfolio_of import require_one_portfolio
from app.api.request.body import read_body, validate
from app.api.request.query import AllocateQuery
from app.api.request.schemas import AllocateRequest
from app.api.request.strict_json import MAX_VALUES, VALUES_PER_SIGNAL, strict_json
from app.api.response.answers import json_bytes
from app.api.response.decision_schemas import AllocateResponse
from app.api.strict_route import StrictRoute
from app.core.types import Batch
from app.pipeline.handover import Delivery
from app.pipeline.service import IdempotencyClaim
from edge.problems import BodyTooLarge

router = APIRouter(tags=["allocation"], route_class=StrictRoute)

_IDEMPOTENCY_KEY: Final = header(
    "Idempotency-Key",
    "The same key with the same raw body gets the stored answer, byte for byte, for 24 h and "
    "also while the first is in flight; with another body 409. Ignored by a dry run.",
    "^[!-~]+$",
)
_PORTFOLIO: Final = header("Himari-Portfolio", "As portfolio_id; both must agree.", "^[!-~]+$")


# The body is read here and not by the route: a stored answer is found by its raw bytes, and is
# given even where the body would no longer pass.
@router.post(
    "/allocate",
    summary="Size one batch of signals",
    response_model=AllocateResponse,
    responses=problems(404, 409, writes=True),
    openapi_extra=inputs(AllocateQuery, AllocateRequest, _IDEMPOTENCY_KEY, _PORTFOLIO),
)
async def allocate(request: Request, query: AllocateQuery) -> Response:
    """Target positions within hard limits, always with the baseline beside them.

    A batch without signals answers 200. Signals without a usable price are listed in
    ``rejected_signals``; the rest are sized. ``Idempotent-Replay: true`` marks a stored answer;
    ``Himari-Trading-State`` beside it is the state in effect now.
    """
    dry_run = query.dry_run == "true"
    key = idempotency_key(request)
    raw = await read_body(request)
    if dry_run or key is None:
        batch, delivery = batch_of(request, raw), delivery_of(request)
        decision = await service_of(request).allocate(batch, dry_run=dry_run, delivery=delivery)
        return json_bytes(decision.body)
    return await _once(request, raw, claim_for(owner_of(request), key, raw))


def batch_of(request: Request, raw: bytes) -> Batch:
    """Read the body of a batch; the bounds of the application hold.

    Raises
    ------
    InvalidInput
        With every broken field.
    UnknownPortfolio
        If it is for another portfolio than there is.
    BodyTooLarge
        If it holds more signals than the setting allows.
    """
    context = context_of(request)
    most = context.settings.max_signals
    data = strict_json(raw, max(MAX_VALUES, VALUES_PER_SIGNAL * most))
    # Counted before the schema, which would look at each of too many.
    signals = data.get("signals") if isinstance(data, dict) else None
    if isinstance(signals, list) and len(signals) > most:
        raise BodyTooLarge(most, "signals")
    body = validate(data, AllocateRequest)
    require_one_portfolio(body.portfolio_id, request.headers.get("himari-portfolio"))
    # of the service: it may have changed since the start
    return body.to_batch(context.clock.now_ns(), service_of(request).params)


def delivery_of(request: Request) -> Delivery:
    """Return the delivery of a request's answer, which ends with the request."""
    delivery = service_of(request).delivery()
    request.scope["himari.slot"].at_release(delivery.sent)
    return delivery


async def _once(request: Request, raw: bytes, claim: IdempotencyClaim) -> Response:
    context, service, delivery = context_of(request), service_of(request), delivery_of(request)

    async def decide(claim: IdempotencyClaim) -> bytes:
        batch = batch_of(request, raw)
        return (await service.allocate(batch, claim=claim, delivery=delivery)).body

    body, replayed = await context.in_flight.answer(claim, service.stored_answer, decide)
    if not replayed:
        return json_bytes(body)
    context.telemetry.count("idempotent_replays")
    state = service.operating.trading_state()["state"]
    return json_bytes(body, {"Idempotent-Replay": "true", "Himari-Trading-State": state})
