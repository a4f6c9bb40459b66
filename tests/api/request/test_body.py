"""Bodies: limits while streaming, media types, what an empty one is."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.api.request import examples
from tests.api.site import Site, build_site

VALID = json.dumps(examples.ALLOCATE).encode()


async def in_chunks(body: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def test_a_chunked_body_without_length_is_read_whole(site: Site) -> None:
    answer = await site.client.post("/allocate", content=in_chunks(VALID, 100))
    assert answer.status_code == 200


async def test_a_chunked_body_is_cut_at_the_limit() -> None:
    site = build_site(max_body_bytes=2000)
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b" " * 500

    answer = await site.client.post("/allocate", content=endless())
    assert answer.status_code == 413
    assert taken <= 6
    assert site.service.calls == []


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_beyond_the_limit_is_413(chunked: bool) -> None:  # noqa: FBT001 - a table
    site = build_site(max_body_bytes=1000)
    body = b" " * 1001
    content: Any = in_chunks(body) if chunked else body
    answer = await site.client.post("/allocate", content=content)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:himari:problem:too-large")


async def test_a_body_at_the_limit_is_read() -> None:
    site = build_site(max_body_bytes=len(VALID) + 500)
    answer = await site.client.post("/allocate", content=VALID + b" " * 500)
    assert answer.status_code == 200


async def test_more_signals_than_allowed_is_413(valid: dict[str, Any]) -> None:
    site = build_site(max_signals=3)
    answer = await site.client.post("/allocate", json=valid | {"signals": valid["signals"] * 4})
    assert answer.status_code == 413
    assert "3 signals" in answer.json()["detail"]
    assert site.service.calls == []


@pytest.mark.parametrize("first", [b"{", None])
async def test_a_body_that_stops_is_408(first: bytes | None) -> None:
    site = build_site(body_timeout_sec=0.05)

    async def stopping() -> AsyncIterator[bytes]:
        if first is not None:
            yield first
        await asyncio.Event().wait()

    answer = await site.client.post("/allocate", content=stopping())
    assert answer.status_code == 408


async def test_a_caller_who_leaves_in_mid_body_decides_nothing(site: Site) -> None:
    scope = {
        "type": "http", "method": "POST", "path": "/allocate", "query_string": b"", "headers": [],
        "root_path": "", "http_version": "1.1", "scheme": "http",
    }  # fmt: skip
    messages = [{"type": "http.request", "body": VALID[:9], "more_body": True}]
    sent: list[Any] = []

    async def receive() -> Any:
        return messages.pop() if messages else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await site.app(scope, receive, send)
    assert (sent[0]["status"], site.service.calls) == (400, [])


@pytest.mark.parametrize(
    "given",
    ["application/json", "application/json; charset=utf-8", 'APPLICATION/JSON;charset="UTF-8"',
     "application/vnd.himari+json", "application/problem+json"],
)  # fmt: skip
async def test_json_media_types_are_taken(site: Site, given: str) -> None:
    headers = {"content-type": given}
    answer = await site.client.post("/allocate", content=VALID, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize("chunked", [True, False])
async def test_a_body_without_media_type_is_taken_as_json(site: Site, chunked: bool) -> None:  # noqa: FBT001 - a table
    del site.client.headers["content-type"]
    content: Any = in_chunks(VALID) if chunked else VALID
    answer = await site.client.post("/allocate", content=content)
    assert answer.status_code == 200
    assert (await site.client.post("/allocate", content=b"a=1&b=2")).status_code == 422


async def test_a_body_without_media_type_is_not_taken_from_a_page_elsewhere(site: Site) -> None:
    del site.client.headers["content-type"]
    for said in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
        answer = await site.client.post("/allocate", content=VALID, headers=said)
        assert (answer.status_code, site.service.calls) == (403, [])


async def test_no_body_needs_no_media_type(site: Site) -> None:
    del site.client.headers["content-type"]
    assert (await site.client.post("/circuit/reset")).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": "application/json; charset=utf-16"},
        {"content-type": ""},
        {"content-encoding": "gzip"},
        {"content-encoding": "identity, br"},
    ],
    ids=str,
)
async def test_other_media_are_415(site: Site, headers: dict[str, str]) -> None:
    answer = await site.client.post("/allocate", content=VALID, headers=headers)
    assert (answer.status_code, site.service.calls) == (415, [])


async def test_identity_encoding_is_taken(site: Site) -> None:
    headers = {"content-encoding": "identity"}
    answer = await site.client.post("/allocate", content=VALID, headers=headers)
    assert answer.status_code == 200
