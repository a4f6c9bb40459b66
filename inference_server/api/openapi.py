"""OpenAPI beyond what the framework sees: raw bodies and problems."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from inference_server.api.problems import MEDIA_TYPE
from inference_server.api.schemas import BatchBody, Problem, ReloadBody, SignalBody

JsonObject = dict[str, Any]
_REF: Final = "#/components/schemas/{model}"
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


def problems(*codes: int) -> dict[int | str, JsonObject]:
    """OpenAPI ``responses`` of the problems that a route can answer."""
    content = {MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}}
    return {
        code: {"description": _REASONS[code], "content": content}
        for code in sorted({*_ALWAYS, *codes})
    }


def body_of(
    shape: type[BaseModel], example: JsonObject, *, required: bool = True, msgpack: bool = True
) -> JsonObject:
    """``openapi_extra`` of a route that reads a raw body."""
    media = {"schema": {"$ref": _REF.format(model=shape.__name__)}}
    content: JsonObject = {"application/json": {**media, "example": example}}
    if msgpack:
        content["application/msgpack"] = media
    return {"requestBody": {"required": required, "content": content}}


def complete_openapi(app: FastAPI, *, keyed: bool) -> None:
    """Make ``app.openapi()`` complete: bodies, the problem, the key scheme."""
    app.openapi = _completed(app.openapi, keyed=keyed)  # type: ignore[method-assign]


def _completed(build: Callable[[], JsonObject], *, keyed: bool) -> Callable[[], JsonObject]:
    def openapi() -> JsonObject:
        schema = build()
        components = schema.setdefault("components", {})
        known = components.setdefault("schemas", {})
        if "Problem" not in known:
            known.update(_definitions())
            if keyed:
                components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
                schema["security"] = [{"bearer": []}]
        return schema

    return openapi


def _definitions() -> JsonObject:
    shapes = [(shape, "validation") for shape in _SHAPES]
    _, schema = models_json_schema(shapes, ref_template=_REF)  # type: ignore[arg-type]
    definitions: JsonObject = schema["$defs"]
    return definitions
