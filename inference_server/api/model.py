"""The model that is served: its card, and switching to another one."""

from datetime import UTC, datetime
from typing import Final

import orjson
import structlog
from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.responses import Response

from inference_server.api.body import detect_wire, read_body
from inference_server.api.context import ApiContext, context_of
from inference_server.api.openapi import problem_responses, request_body
from inference_server.api.raw_route import RawRoute
from inference_server.api.schemas import RELOAD_EXAMPLE, ModelAnswer, ReloadAnswer, ReloadBody
from inference_server.errors import (
    FieldProblem,
    ModelRefused,
    NoPreviousModel,
    RequestUnusable,
)
from inference_server.serving.switch import SwitchResult
from inference_server.wire import parse_object

_LOG = structlog.get_logger("inference_server.model")
_JSON: Final = "application/json"

router = APIRouter(tags=["model"], route_class=RawRoute)


@router.get(
    "/model",
    operation_id="get_model",
    summary="Card of the model that is served",
    response_model=ModelAnswer,
    responses=problem_responses(503),
)
async def get_model(request: Request) -> Response:
    """Answer the card as it stands in the model's folder, and what a rollback goes back to."""
    switch = context_of(request).switch
    served, previous = switch.current, switch.previous
    content = served.card.model_dump(mode="json") | {
        "loaded_at": served.loaded_at.isoformat(),
        "loaded_sec": (datetime.now(UTC) - served.loaded_at).total_seconds(),
        "previous_version": previous.card.version if previous else None,
    }
    return Response(orjson.dumps(content), media_type=_JSON)


@router.post(
    "/model/reload",
    operation_id="reload_model",
    summary="Switch to another version, or back",
    response_model=ReloadAnswer,
    responses=problem_responses(408, 409, 413, 415, 422, 503),
    openapi_extra=request_body(ReloadBody, RELOAD_EXAMPLE, required=False, msgpack=False),
)
async def reload_model(request: Request) -> Response:
    """Load, verify and warm a version while the old one goes on answering, then switch.

    If anything about the new one is not as it must be, the old one stays and the answer is 422.
    Reloads wait for one another. Without a version: the one of the setting MODEL, else what the
    file ``current`` beside the versions names.
    """
    context = context_of(request)
    detect_wire(request, only_json=True)
    asked = _read_reload(await read_body(request, context.settings))
    switched = await _switch(context, asked)
    content = {
        "old_version": switched.old_version,
        "new_version": switched.new_version,
        "rolled_back": switched.rolled_back,
    }
    return Response(orjson.dumps(content), media_type=_JSON)


async def _switch(context: ApiContext, asked: ReloadBody) -> SwitchResult:
    telemetry, switch = context.telemetry, context.switch
    try:
        switched = await (switch.roll_back() if asked.rollback else switch.reload(asked.version))
    except (ModelRefused, NoPreviousModel) as error:
        telemetry.count_reload("refused")
        _LOG.warning("reload_refused", version=asked.version, reason=str(error))
        raise
    telemetry.count_reload("rolled_back" if switched.rolled_back else "switched")
    telemetry.show_model(switch.current)
    _LOG.info("model_switched", old=switched.old_version, new=switched.new_version)
    return switched


def _read_reload(body: bytes) -> ReloadBody:
    content = parse_object(body or b"{}", "json")
    try:
        return ReloadBody.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise RequestUnusable(FieldProblem(place, message, first["input"])) from None
