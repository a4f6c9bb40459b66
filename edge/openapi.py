"""Parts of the OpenAPI document that the framework does not make: problems, bodies, the key."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from edge.problems import MEDIA_TYPE

JsonObject = dict[str, Any]
REF: Final = "#/components/schemas/{model}"


def problem_responses(
    codes: Iterable[int], reasons: Mapping[int, str]
) -> dict[int | str, JsonObject]:
    """Return OpenAPI ``responses`` for problems, each status with its reason."""
    content = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}}}
    return {code: {"description": reasons[code], "content": content} for code in sorted(set(codes))}


def complete_openapi(
    app: FastAPI, models: Sequence[type[BaseModel]], *, requires_key: bool
) -> None:
    """Add problems, bodies and the key scheme to what ``app.openapi()`` returns.

    Parameters
    ----------
    app : FastAPI
    models : sequence of BaseModel classes
        Schemas that routes refer to by name only; ``Problem`` among them.
    requires_key : bool
        Whether requests need an API key.
    """
    build = app.openapi

    def openapi() -> JsonObject:
        schema = build()
        components = schema.setdefault("components", {})
        known = components.setdefault("schemas", {})
        if "Problem" not in known:
            known.update(_definitions(models))
            if requires_key:
                components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
                schema["security"] = [{"bearer": []}]
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


def _definitions(models: Sequence[type[BaseModel]]) -> JsonObject:
    read = [(shape, "validation") for shape in models]
    _, schema = models_json_schema(read, ref_template=REF)  # type: ignore[arg-type]
    definitions: JsonObject = schema["$defs"]
    return definitions
