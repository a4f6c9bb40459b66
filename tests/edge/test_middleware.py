"""Heads that make sense, and the answer to an error that nothing else knew."""

from typing import Any

import httpx
import pytest
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.middleware import HeadLimits, LastResort
from edge.problems import COMMON, find_kind, problem_detail, problem_response


def answer(scope: Scope, error: BaseException) -> Response:
    kind = find_kind(COMMON, error)
    return problem_response(scope, kind, problem_detail(error, kind))


async def fine(scope: Scope, receive: Receive, send: Send) -> None:
    await Response("fine")(scope, receive, send)


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive, send
    raise KeyError("the secret inside")


async def broken_half_way(scope: Scope, receive: Receive, send: Send) -> None:
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise KeyError("the secret inside")


async def asked(app: ASGIApp, method: str = "GET", **options: Any) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.request(method, "/", **options)


@pytest.mark.parametrize(
    ("bounds", "status"), [({}, 200), ({"max_headers": 50}, 431), ({"max_bytes": 900}, 431)]
)
async def test_a_head_is_bounded_where_bounds_are_given(
    bounds: dict[str, int], status: int
) -> None:
    headers = [("x-a", "1234567890")] * 100
    reply = await asked(HeadLimits(fine, answer, **bounds), headers=headers)
    assert reply.status_code == status


async def test_an_invented_method_is_a_501_and_closes_nothing() -> None:
    reply = await asked(HeadLimits(fine, answer), "BREW")
    assert (reply.status_code, reply.json()["detail"]) == (
        501,
        "the method must be one of HTTP's, was 'BREW'",
    )
    assert "connection" not in reply.headers


async def test_an_error_that_nothing_knew_is_a_500_without_its_words() -> None:
    reply = await asked(LastResort(broken, answer))
    assert reply.status_code == 500
    assert reply.json()["type"] == "urn:himari:problem:unexpected-error"
    assert "secret" not in reply.text


async def test_half_an_answer_is_not_taken_back() -> None:
    with pytest.raises(KeyError):
        await asked(LastResort(broken_half_way, answer))
