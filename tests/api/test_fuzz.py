"""Whatever bytes arrive: never a 500, and nothing half-valid reaches the service."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.api.request import examples
from tests.api.site import build_site

VALID = json.dumps(examples.ALLOCATE).encode()
ROUTES = [
    ("POST", "/allocate"),
    ("POST", "/outcomes"),
    ("POST", "/market/returns"),
    ("POST", "/market/prices"),
    ("PUT", "/trading-state"),
    ("PUT", "/circuit"),
    ("POST", "/circuit/reset"),
]
MUTATED = st.tuples(st.integers(0, len(VALID)), st.integers(0, 30), st.binary(max_size=6))


def send(method: str, url: str, body: bytes) -> int:
    site = build_site()

    async def once() -> int:
        async with site.client:
            answer = await site.client.request(method, url, content=body)
        assert answer.status_code != 422 or answer.json()["errors"]
        return answer.status_code

    return asyncio.run(once())


@pytest.mark.parametrize(("method", "path"), ROUTES)
@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=200))
@example(b"null")
@example(b"[]")
@example(b'{"a":1}')
@example(b"\x00")
def test_random_bytes_are_refused_without_an_error(method: str, path: str, raw: bytes) -> None:
    assert send(method, path, raw) in {200, 422}


@settings(max_examples=120, deadline=None)
@given(MUTATED)
def test_a_batch_with_damaged_bytes_is_taken_or_refused(damage: tuple[int, int, bytes]) -> None:
    start, length, patch = damage
    assert send("POST", "/allocate", VALID[:start] + patch + VALID[start + length :]) in {200, 422}


WRONG = (
    st.none()
    | st.integers()
    | st.text(max_size=5)
    | st.lists(st.none() | st.integers(), max_size=3)
    | st.dictionaries(st.text(max_size=5), st.none() | st.floats(allow_nan=False), max_size=3)
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(list(examples.ALLOCATE)), WRONG))
def test_json_of_the_wrong_shape_is_refused_without_an_error(parts: dict[str, Any]) -> None:
    body = json.dumps(examples.ALLOCATE | parts).encode("utf-8", "replace")
    assert send("POST", "/allocate", body) in {200, 422}


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_random_queries_are_refused_without_an_error(query: str) -> None:
    assert send("GET", "/decisions?" + query.replace("#", ""), b"") in {200, 422}
