"""OpenAPI beyond what the framework sees: raw bodies and problems."""

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI
from pydantic import BaseModel

from edge import openapi
from edge.openapi import REF, JsonObject
from inference_server.api.schemas import BatchBody, Problem, ReloadBody, SignalBody

_SHAPES: Final[tuple[type[BaseModel], ...]] = (SignalBody, BatchBody, ReloadBody, Problem)
_ALWAYS: Final = (401, 500)
_REASONS: Final[Mapping[int, str]] = {
    401: "No valid API key.",
    408: "The body did not arrive in time.",
    409: "There is no previous model.",
    413: "Too many bytes or signals.",
    415: "The body is compressed, or neither JSON nor msgpack.",
    422: "The request breaks the schema or a range, or the model was refused.",
    500: "The model or the server failed; the log has it under the request id.",
    503: "Overloaded, out of time, or no model answers; retry after Retry-After.",
}


def problem_responses(*codes: int) -> dict[int | str, JsonObject]:
    """OpenAPI ``responses`` of the problems that a route can answer."""
    return openapi.problem_responses((*_ALWAYS, *codes), _REASONS)


def request_body(
    shape: type[BaseModel], example: JsonObject, *, required: bool = True, msgpack: bool = True
) -> JsonObject:
    """``openapi_extra`` of a route that reads a raw body."""
    media = {"schema": {"$ref": REF.format(model=shape.__name__)}}
    content: JsonObject = {"application/json": {**media, "example": example}}
    if msgpack:
        content["application/msgpack"] = media
    return {"requestBody": {"required": required, "content": content}}


def complete_openapi(app: FastAPI, *, requires_key: bool) -> None:
    """Make ``app.openapi()`` complete: bodies, the problem, the key scheme."""
    openapi.complete_openapi(app, _SHAPES, requires_key=requires_key)
