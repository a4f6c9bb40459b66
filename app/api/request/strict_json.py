"""Exact JSON: RFC 8259 with I-JSON's unique keys, finite numbers, bounded depth and size.

``orjson`` refuses NaN, Infinity, numbers that overflow, bad UTF-8 and lone surrogates, but takes
the last of duplicate keys. Duplicates are found by counting: a document without them holds at
least as many colons as it has distinct keys, and exactly as many when no string holds a colon.
So one ``bytes.count`` proves most bodies clean, and only the others are parsed a second time.
"""

import json
import math
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Final

import orjson
from pydantic_core import from_json

from app.api.response.validation import MAX_PROBLEMS
from app.core.errors import FieldProblem, InvalidInput
from edge.problems import BodyTooLarge

MAX_DEPTH: Final = 64
# Fields and list items of one body. Each can cost an error entry of about 10 us, so this bounds
# what an all-wrong body takes; a right one with 5,000 signals has 75,000.
MAX_VALUES: Final = 100_000
VALUES_PER_SIGNAL: Final = 20
_CONTAINERS: Final = frozenset({dict, list})


def strict_json(raw: bytes, max_values: int = MAX_VALUES) -> Any:
    """Parse exact JSON (RFC 8259, I-JSON's unique keys) into plain objects.

    Parameters
    ----------
    raw : bytes
    max_values : int
        Most fields and list items, at all levels together.

    Raises
    ------
    InvalidInput
        With the dotted path of what is wrong, where it has one.
    BodyTooLarge
        If the body holds more than ``max_values``.
    """
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidInput(*(_number_problems(raw) or [_syntax_problem(raw, error)])) from None
    keys = _count_keys(data, max_values)
    if raw.count(b":") != keys:
        _refuse_duplicates(raw)
    return data


def _count_keys(data: Any, max_values: int) -> int:
    """Count distinct keys at all levels; bounds depth and size on the way."""
    keys = items = 0
    level = [data] if type(data) in _CONTAINERS else []
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for value in level:
            if type(value) is dict:
                keys += len(value)
                inner = value.values()
            else:
                items += len(value)
                inner = value
            # All in C for the many objects that hold nothing but scalars.
            if not _CONTAINERS.isdisjoint(map(type, inner)):
                below += [child for child in inner if type(child) in _CONTAINERS]
        if keys + items > max_values:
            raise BodyTooLarge(max_values, "fields and list items")
        if not below:
            return keys
        level = below
    raise InvalidInput(FieldProblem("", f"must nest at most {MAX_DEPTH} levels deep"))


class _Repeated(dict[str, Any]):
    """A JSON object that named a key twice."""

    key: str


def _refuse_duplicates(raw: bytes) -> None:
    found = False

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal found
        built = dict(pairs)
        if len(built) == len(pairs):
            return built
        found = True
        repeated = _Repeated(built)
        seen: set[str] = set()
        repeated.key = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return repeated

    # parse_int: an integer of 10,000 digits is a ValueError for int, an infinity for float.
    data = json.loads(raw, object_pairs_hook=unique, parse_int=float)
    if found:
        raise InvalidInput(*_problems_in(data, _repeated_key))


def _repeated_key(value: Any) -> FieldProblem | None:
    if not isinstance(value, _Repeated):
        return None
    return FieldProblem(value.key, "must be given once, was given twice", value[value.key])


def _overflowing_number(value: Any) -> FieldProblem | None:
    if isinstance(value, float) and not math.isfinite(value):
        return FieldProblem("", "must be a finite number", value)
    if isinstance(value, int) and abs(value) > 2**1023:
        return FieldProblem("", "must be a finite number", math.inf)
    return None


def _number_problems(raw: bytes) -> list[FieldProblem]:
    """Say where a body that is JSON but for NaN, Infinity or 1e999 holds them."""
    try:
        data = from_json(raw, allow_inf_nan=True)
    except ValueError:
        return []
    return _problems_in(data, _overflowing_number)


def _problems_in(data: Any, problem_of: Callable[[Any], FieldProblem | None]) -> list[FieldProblem]:
    """Collect ``problem_of`` over all values, with dotted paths; at most ``MAX_PROBLEMS``."""
    problems: list[FieldProblem] = []
    pending: deque[tuple[str, Any]] = deque([("", data)])
    while pending and len(problems) < MAX_PROBLEMS:
        path, value = pending.popleft()
        problem = problem_of(value)
        if problem is not None:
            where = ".".join(part for part in (path, problem.path) if part)
            problems.append(FieldProblem(where, problem.message, problem.was))
        prefix = f"{path}." if path else ""
        pending.extend((f"{prefix}{name}", child) for name, child in _children(value))
    return sorted(problems, key=lambda found: found.path)


def _children(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _syntax_problem(raw: bytes, error: orjson.JSONDecodeError) -> FieldProblem:
    excerpt = raw[max(error.pos - 20, 0) : error.pos + 20].decode("utf-8", "replace")
    return FieldProblem("", f"must be valid JSON: {error}", excerpt)
