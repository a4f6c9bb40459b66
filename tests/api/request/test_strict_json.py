"""Exact JSON: unique keys, finite numbers, bounded depth and size."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.api.request.strict_json import MAX_DEPTH, MAX_VALUES, strict_json
from app.core.errors import InvalidInput
from edge.problems import BodyTooLarge


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
