"""A route reads what its endpoint's signature names, query first; its OpenAPI entry says so."""

from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from app.api import install
from app.api.request.query import CorrelationsQuery
from app.api.request.schemas import ReasonRequest
from app.api.response.answers import json_answer
from app.api.strict_route import StrictRoute
from app.settings import Settings
from tests.api.fake_service import CountedEvents
from tests.fakes import FakeClock

ROUTER: Final = APIRouter(route_class=StrictRoute)
NO_REASON: Final = ReasonRequest(reason="none given")


@ROUTER.put("/asks/{name}")
async def ask(
    name: str, request: Request, query: CorrelationsQuery, body: ReasonRequest
) -> Response:
    """Say what was read."""
    return json_answer([name, query.symbols, body.reason, request.method])


@ROUTER.put("/asks")
async def ask_perhaps(request: Request, body: ReasonRequest = NO_REASON) -> Response:
    """Say what was read, or the default."""
    return json_answer([body.reason, request.method])


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = FastAPI()
    install(app, settings=Settings(), clock=FakeClock(), telemetry=CountedEvents())
    app.include_router(ROUTER)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://himari") as found:
        yield found


async def test_query_body_and_path_reach_the_endpoint(client: httpx.AsyncClient) -> None:
    answer = await client.put("/asks/who?symbols=A,B", json={"reason": "why"})
    assert answer.json() == ["who", ["A", "B"], "why", "PUT"]


@pytest.mark.parametrize(
    ("url", "body", "path"),
    [("/asks/who?other=1", b"{}", "query.other"), ("/asks?other=1", b"", "query.other"),
     ("/asks/who", b'{"other": 1}', "other"), ("/asks/who", b"", ""), ("/asks", b"[]", "")],
)  # fmt: skip
async def test_what_the_signature_does_not_name_is_refused(
    client: httpx.AsyncClient, url: str, body: bytes, path: str
) -> None:
    answer = await client.put(url, content=body)
    assert (answer.status_code, answer.json()["errors"][0]["path"]) == (422, path)


async def test_an_empty_body_gives_the_default(client: httpx.AsyncClient) -> None:
    assert (await client.put("/asks")).json() == ["none given", "PUT"]
    assert (await client.put("/asks", content=b"{}")).json() == [None, "PUT"]


async def test_a_bad_query_is_refused_before_the_body_is_read(client: httpx.AsyncClient) -> None:
    read = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal read
        for part in (b"{", b"}"):
            read += 1
            yield part

    answer = await client.put("/asks/who?other=1", content=parts())
    assert (answer.status_code, read) == (422, 0)


def test_a_route_made_anew_of_a_route_says_and_reads_the_same() -> None:
    first = next(route for route in ROUTER.routes if isinstance(route, StrictRoute))
    again = StrictRoute(
        first.path,
        first.endpoint,
        methods=["PUT"],
        operation_id=first.operation_id,
        responses=first.responses,
        openapi_extra=first.openapi_extra,
    )
    assert again.endpoint is first.endpoint
    assert (again.operation_id, again.openapi_extra) == (first.operation_id, first.openapi_extra)
    assert [parameter.name for parameter in again.dependant.path_params] == ["name"]
    assert again.body_field is None


def test_the_openapi_entry_follows_from_the_signature() -> None:
    app = FastAPI()
    app.include_router(ROUTER)
    paths: dict[str, Any] = app.openapi()["paths"]
    asks, perhaps = paths["/asks/{name}"]["put"], paths["/asks"]["put"]
    assert (asks["operationId"], perhaps["operationId"]) == ("ask", "ask_perhaps")
    assert [parameter["name"] for parameter in asks["parameters"]] == ["name", "symbols"]
    assert (asks["requestBody"]["required"], perhaps["requestBody"]["required"]) == (True, False)
    reference = {"$ref": "#/components/schemas/ReasonRequest"}
    assert asks["requestBody"]["content"]["application/json"]["schema"] == reference
    assert {"401", "408", "413", "415", "422"} <= set(asks["responses"])
