"""OpenAPI beyond what the framework sees: raw bodies, query schemas, problems."""

from collections.abc import Mapping
from typing import Final

from fastapi import FastAPI

from app.api.request import schemas as bodies
from app.api.request.fields import Body
from app.api.request.query import Query
from app.api.response.schemas import Problem
from edge import openapi
from edge.openapi import REF, JsonObject

_BODIES: Final = (
    bodies.AllocateRequest,
    bodies.OutcomesRequest,
    bodies.ReturnsRequest,
    bodies.PricesRequest,
    bodies.AcceptRequest,
    bodies.SplitRequest,
    bodies.ForgetRequest,
    bodies.WithdrawRequest,
    bodies.TradingStateRequest,
    bodies.CircuitModeRequest,
    bodies.ReasonRequest,
)
_REASONS: Final[Mapping[int, str]] = {
    400: "The request is not usable HTTP, or the client went away.",
    401: "No valid API key.",
    403: "The API key lacks the role, or a page of another origin asks for a change.",
    404: "No such thing.",
    408: "The body did not arrive in time.",
    409: "The Idempotency-Key was used with another body, or the trading state is another than "
    "`if_state_is`.",
    413: "Too many bytes, fields or signals.",
    415: "The body is not plain JSON.",
    429: "The API key asks too often; retry after Retry-After.",
    431: "The head of the request is too large.",
    422: "The request breaks the schema or a range; it changed nothing.",
    500: "Unexpected error; the log has it under the request id.",
    503: "Overloaded, draining, the journal cannot be written (retry after Retry-After), or no "
    "API key is set and the request is not from this machine.",
}
_READING: Final = (401, 422, 429, 431, 500, 503)
_WRITING: Final = (401, 403, 408, 413, 415, 422, 429, 431, 500, 503)


def problems(*more: int, writes: bool = False) -> dict[int | str, JsonObject]:
    """OpenAPI ``responses`` of the problems that a route can answer."""
    return openapi.problem_responses((*(_WRITING if writes else _READING), *more), _REASONS)


def inputs(
    query: type[Query],
    body: type[Body] | None = None,
    *headers: JsonObject,
    body_required: bool = True,
) -> JsonObject:
    """``openapi_extra`` of a route that reads query and body itself."""
    parameters = [*_query_parameters(query), *headers]
    if body is None:
        return {"parameters": parameters} if parameters else {}
    media: JsonObject = {"schema": {"$ref": REF.format(model=body.__name__)}}
    media["examples"] = {name: {"value": value} for name, value in body.openapi_examples.items()}
    content = {"application/json": media}
    return {
        "requestBody": {"required": body_required, "content": content},
        "parameters": parameters,
    }


def _query_parameters(query: type[Query]) -> list[JsonObject]:
    properties = query.model_json_schema()["properties"]
    return [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.pop("description", ""),
            "schema": _without_null(schema),
        }
        for name, schema in properties.items()
    ]


def _without_null(schema: JsonObject) -> JsonObject:
    choices = [choice for choice in schema.get("anyOf", []) if choice.get("type") != "null"]
    return choices[0] if choices else schema


def header(name: str, description: str, pattern: str) -> JsonObject:
    """One OpenAPI header parameter."""
    schema = {"type": "string", "pattern": pattern, "minLength": 1, "maxLength": 255}
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": description,
        "schema": schema,
    }


def complete_openapi(app: FastAPI, *, requires_key: bool) -> None:
    """Make ``app.openapi()`` complete: the bodies, the problem, the key scheme."""
    openapi.complete_openapi(app, (*_BODIES, Problem), requires_key=requires_key)
