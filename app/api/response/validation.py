"""The validator's errors in the words of the contract: dotted path, what must hold, what it was."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from pydantic import ValidationError

from app.core.errors import FieldProblem
from edge.problems import MAX_TEXT, json_number, shorten

MAX_PROBLEMS: Final = 100

_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "unexpected_keyword_argument": "is not a known field",
    "string_pattern_mismatch": "must not be blank or hold control characters; names no white space",
    "dataclass_type": "must be an object",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "list_type": "must be a list",
    "float_type": "must be a number",
    "int_type": "must be an integer",
    "string_type": "must be a string",
    "bool_type": "must be true or false",
    "less_than_equal": "must be <= {le}",
    "less_than": "must be < {lt}",
    "greater_than_equal": "must be >= {ge}",
    "greater_than": "must be > {gt}",
    "string_too_long": "must be at most {max_length} characters long",
    "finite_number": "must be a finite number",
}

_DECIMAL_BITS: Final = 8_000


def field_problems(error: ValidationError, root: str = "") -> list[FieldProblem]:
    """List what the validator found, at most ``MAX_PROBLEMS`` of it.

    Parameters
    ----------
    error : ValidationError
    root : str
        Put before each path: ``query`` for query parameters, nothing for a body.
    """
    entries = error.errors(include_url=False)[:MAX_PROBLEMS]
    return [problem_of_entry(entry, root) for entry in entries]


def problem_of_entry(entry: Mapping[str, Any], root: str = "") -> FieldProblem:
    """Translate one entry of the validator."""
    kind = entry["type"]
    context = entry.get("ctx") or {}
    limits = {name: _plain(limit) for name, limit in context.items()}
    message = _MESSAGES.get(kind, "{readable}").format(readable=_readable(entry["msg"]), **limits)
    was = None if kind == "missing" else entry["input"]
    return FieldProblem(dotted_path(entry["loc"], root), message, was)


def dotted_path(location: Sequence[int | str], root: str = "") -> str:
    """Join the parts of a location with dots."""
    parts = [str(part)[:MAX_TEXT] for part in location if part != "[key]"]
    return ".".join([root, *parts] if root else parts)


def _readable(message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Assertion failed, ")
    for verbose in ("Input should be ", "String should be ", "String should "):
        if text.startswith(verbose):
            return f"must be {text.removeprefix(verbose)}"
    return text


def _plain(limit: Any) -> Any:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def presentable(value: Any) -> Any:
    """Make an offending value safe to send back: JSON, finite, at most 200 characters.

    Parameters
    ----------
    value : any
        What came in; NaN and infinities become their names, long values lose their end.
    """
    if isinstance(value, float):
        return json_number(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        if abs(value) < 2**63:
            return value
        # decimal conversion of huge integers is refused by the interpreter
        readable = value.bit_length() < _DECIMAL_BITS
        return shorten(str(value) if readable else f"{value:#x}")
    if isinstance(value, str):
        return shorten(value)
    return _container(value)


def _container(value: Any) -> Any:
    """Keep a small list or object as it is; show a larger one by the start of its JSON."""
    try:
        text = orjson.dumps(value)
    except (orjson.JSONEncodeError, RecursionError):
        return f"a {type(value).__name__}"
    return value if len(text) <= MAX_TEXT else shorten(text[:800].decode("utf-8", "ignore"))
