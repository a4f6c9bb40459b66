"""Parse request bodies, JSON or msgpack, into checked rows, and encode the answers.

Each row of a batch is held to the ranges of `SignalRow` by itself. What is wrong with one refuses
that row alone. Unknown fields are ignored, so that a newer caller can use an older server.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgpack
import numpy as np
import orjson
from pydantic import TypeAdapter, ValidationError

from inference_server.errors import FieldProblem, RequestUnusable
from inference_server.model.rows import RowPrediction, SignalRow, returns_are_usable

Wire = Literal["json", "msgpack"]
Entry = SignalRow | FieldProblem

_ROWS: Final = TypeAdapter(list[SignalRow])
_ROW: Final = TypeAdapter(SignalRow)
_BAD_RETURNS: Final = "must be finite and none below -1"
# an array's header alone makes the decoder allocate what it announces, at every level
MAX_LENGTH: Final = 8192
_MESSAGES: Final[Mapping[str, str]] = {
    "missing": "is required",
    "enum": "must be one of {expected}",
    "dataclass_type": "must be an object",
    "dataclass_exact_type": "must be an object",
    "float_type": "must be a number",
    "string_type": "must be a string",
    "string_too_short": "must not be empty",
    "string_too_long": "must be at most {max_length} characters long",
    "string_pattern_mismatch": "must be printable text",
    "finite_number": "must be a finite number",
    "less_than_equal": "must be <= {le:g}",
    "greater_than_equal": "must be >= {ge:g}",
    "greater_than": "must be > {gt:g}",
}


@dataclass(frozen=True)
class BatchReply:
    """Body of ``POST /predict/batch``: a row of the reply for each signal, in order."""

    predictions: Sequence[RowPrediction | dict[str, str]]
    model_version: str


def parse_object(body: bytes, wire: Wire) -> dict[str, Any]:
    """Parse a body that must be one object.

    Raises
    ------
    RequestUnusable
        If it is not.
    """
    data = _parse_msgpack(body) if wire == "msgpack" else _parse_json(body)
    if type(data) is not dict:
        raise RequestUnusable(FieldProblem("", "must be an object", data))
    return data


def read_entries(signals: list[Any]) -> list[Entry]:
    """Return each signal of a batch as a checked row, or the first problem with it.

    Returns
    -------
    list of SignalRow, or FieldProblem with a path that begins with ``signals.3``
    """
    with np.errstate(over="ignore"):  # a return beyond float32 becomes an infinity, and is refused
        try:
            rows = _ROWS.validate_python(signals)
        except ValidationError:
            return [_entry(signal, f"signals.{index}") for index, signal in enumerate(signals)]
    if rows and not returns_are_usable(np.concatenate([row.returns for row in rows])):
        return [_with_usable_returns(row, f"signals.{index}") for index, row in enumerate(rows)]
    return list(rows)


def read_single(signal: dict[str, Any]) -> SignalRow:
    """Return one flat signal as a checked row.

    Raises
    ------
    RequestUnusable
        With the first thing that is wrong.
    """
    with np.errstate(over="ignore"):
        entry = _entry(signal, "")
    if isinstance(entry, FieldProblem):
        raise RequestUnusable(entry)
    return entry


def batch_bytes(reply: BatchReply) -> bytes:
    """Encode the answer to a batch as JSON."""
    return orjson.dumps(reply, option=orjson.OPT_SERIALIZE_NUMPY)


def single_bytes(prediction: RowPrediction, model_version: str) -> bytes:
    """Encode the answer to one signal as JSON: the guide's shape."""
    content = {**vars(prediction), "model_version": model_version}
    return orjson.dumps(content, option=orjson.OPT_SERIALIZE_NUMPY)


def _parse_json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestUnusable(FieldProblem("", f"must be valid JSON: {error}")) from None


def _parse_msgpack(body: bytes) -> Any:
    try:
        return msgpack.unpackb(body, max_array_len=MAX_LENGTH, max_map_len=MAX_LENGTH)
    except (ValueError, TypeError, RecursionError) as error:
        # its errors of too little, too much and too deep are all ValueErrors
        said = str(error) or type(error).__name__
        raise RequestUnusable(FieldProblem("", f"must be valid msgpack: {said}")) from None


def _entry(signal: Any, place: str) -> Entry:
    try:
        row = _ROW.validate_python(signal)
    except ValidationError as error:
        return _first_problem(error, place)
    return _with_usable_returns(row, place)


def _with_usable_returns(row: SignalRow, place: str) -> Entry:
    if returns_are_usable(row.returns):
        return row
    return FieldProblem(_path(place, "returns"), _BAD_RETURNS)


def _first_problem(error: ValidationError, place: str) -> FieldProblem:
    entry = error.errors(include_url=False)[0]
    message = _MESSAGES.get(entry["type"], entry["msg"]).format(**entry.get("ctx") or {})
    was = None if entry["type"] in {"missing", "returns"} else entry["input"]
    return FieldProblem(_path(place, *entry["loc"]), message, was)


def _path(*parts: int | str) -> str:
    return ".".join(str(part) for part in parts if part != "")
