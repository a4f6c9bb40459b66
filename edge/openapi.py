"""OpenAPI beyond what the framework sees: problems, raw bodies, the key scheme."""

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
    """OpenAPI ``responses`` of problems, each status with its reason."""
    content = {MEDIA_TYPE: {"schema": {"$ref": REF.format(model="Problem")}}}
    return {code: {"description": reasons[code], "content": content} for code in sorted(set(codes))}


def complete_openapi(
    app: FastAPI, models: Sequence[type[BaseModel]], *, requires_key: bool
) -> None:
    """Make ``app.openapi()`` complete.

    Parameters
    ----------
    app : FastAPI
    models : sequence of BaseModel classes
        What routes refer to and the framework does not see; ``Problem`` among them.
    requires_key : bool
        Whether a key is asked for.
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
