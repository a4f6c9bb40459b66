"""Bodies: exact JSON, limits while streaming, media types."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.request import examples
from app.api.request.body import MAX_DEPTH, MAX_VALUES, strict_json
from app.core.errors import InvalidInput
from edge.problems import BodyTooLarge
from tests.api.conftest import Site, build_site

VALID = json.dumps(examples.ALLOCATE).encode()


def problems_of(raw: bytes) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as caught:
        strict_json(raw)
    return [(problem.path, problem.message) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"a": {"b": [0, {"c": 1, "d": 2, "c": 3}]}}', "a.b.1.c"),
        (b'{"a": 1, "\\u0061": 2}', "a"),
        (b'{"x:y": 1, "x:y": 2}', "x:y"),
        (b'{"t": "12:00", "p": {"q": 1, "q": 1}}', "p.q"),
        (b'[{"a": {"z": 1, "z": 2}, "a": 3}]', "0.a"),
        (b'{"n": %s, "m": 1, "m": 2}' % (b"9" * 200), "m"),
    ],
)
def test_a_key_given_twice_is_found_at_any_level(raw: bytes, path: str) -> None:
    assert problems_of(raw) == [(path, "must be given once, was given twice")]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e400", "9" * 400])
def test_a_number_that_is_not_finite_is_found_at_any_level(number: str) -> None:
    raw = f'{{"a": [1, {{"b": {number}}}], "c": {number}}}'.encode()
    message = "must be a finite number"
    assert problems_of(raw) == [("a.1.b", message), ("c", message)]


@pytest.mark.parametrize(
    "raw",
    [b"", b" ", b"{", b"{}x", b"\xff", b'"\xff"', b'"\\ud800"', b"\xef\xbb\xbf{}", b"{'a': 1}",
     b'{"a": 01}', b"[1,]", b'"\x00"', b"nul", b"9" * 10_000, b"[" * 100_000, b'{"a":' * 5_000],
    ids=lambda raw: repr(raw[:12]),
)  # fmt: skip
def test_what_is_not_json_is_a_problem_and_never_an_error(raw: bytes) -> None:
    (problem,) = problems_of(raw)
    assert problem[0] == ""


def test_nesting_is_bounded() -> None:
    deep = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert strict_json(deep)
    (problem,) = problems_of(b"[" + deep + b"]")
    assert "levels" in problem[1]


def test_the_number_of_values_is_bounded() -> None:
    with pytest.raises(BodyTooLarge):
        strict_json(b"[" + b"1," * MAX_VALUES + b"1]")


SCALAR = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False)
)


def within(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)


JSON = st.recursive(SCALAR, within, max_leaves=20)


@given(JSON)
def test_all_exact_json_is_taken_as_it_is(value: Any) -> None:
    assert strict_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(JSON, st.text(max_size=3))
def test_a_repeated_key_is_found_whatever_stands_around_it(value: Any, key: str) -> None:
    name, inner = json.dumps(key), json.dumps(value)
    with pytest.raises(InvalidInput):
        strict_json(f'{{"v": [{inner}, {{{name}: {inner}, {name}: {inner}}}]}}'.encode())


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
