"""Encoding of requests to a policy server, and strict validation of its replies.

A reply is untrusted: duplicate keys, bad UTF-8, deep nesting or too many values make the whole
body unusable, and each row is validated on its own. Nothing is repaired.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgpack
import numpy as np
import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from app.adapters.policy.options import Wire
from app.core.types import PolicyInput, Prediction

JSON_TYPE: Final = "application/json"
MSGPACK_TYPE: Final = "application/msgpack"
MAX_RETURNS: Final = 256
_BASE_CAP, _ROW_CAP, _MAX_CAP = 64 * 1024, 4 * 1024, 8 * 1024 * 1024
# A row has seven fields, and some servers echo the request: 256 returns in each row of a batch
# that is not large. Parsing 8 MiB of empty objects would hold the loop for 2 s.
_BASE_VALUES, _ROW_VALUES = 16_384, 64


class UnusableReply(ValueError):
    """A reply, or one row of it, is not a valid prediction."""


class UnsendableInput(ValueError):
    """The caller's ``market_data`` holds a value that cannot be encoded."""


def _printable(text: str) -> str:
    # Lone surrogates and NUL are legal JSON but break UTF-8 encoders and PostgreSQL later.
    if not text.isprintable():
        raise ValueError("must be printable text")
    return text


ModelVersion = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_printable)]
Reason = Annotated[str, Field(max_length=1000), AfterValidator(_printable)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class _Reply(BaseModel):
    model_config = ConfigDict(strict=True, allow_inf_nan=False, extra="ignore", frozen=True)


class _Row(_Reply):
    position_pct: Annotated[float, Field(ge=-1.0, le=1.0)]
    confidence: Fraction
    predicted_return: float
    predicted_volatility: Annotated[float, Field(ge=0.0)]
    model_version: ModelVersion | None = None
    hit_probability: Fraction | None = None
    reason: Reason | None = None


class _Version(_Reply):
    model_version: ModelVersion


def body_cap(rows: int) -> int:
    """Return the largest reply accepted for ``rows`` signals, in bytes."""
    return min(_BASE_CAP + _ROW_CAP * rows, _MAX_CAP)


def flat_signal(row: PolicyInput) -> dict[str, Any]:
    """Return a signal as the guide's flat object, which every server made for the guide reads."""
    return {
        "symbol": row.symbol,
        "action": row.action.value.upper(),
        "confidence": row.confidence,
        "risk_score": row.risk_score,
        "regime": row.regime.value.upper(),
        "expected_return": row.expected_return,
        "predicted_volatility": row.predicted_volatility,
        "market_data": dict(row.market_data),
    }


def encode_single(row: PolicyInput) -> tuple[bytes, str]:
    """Return the JSON body of ``POST /predict`` for one signal, and its content type.

    Raises
    ------
    UnsendableInput
        If ``market_data`` is not JSON.
    """
    return _json_bytes(flat_signal(row)), JSON_TYPE


def encode_batch(inputs: Sequence[PolicyInput], wire: Wire) -> tuple[bytes, str]:
    """Return the body of ``POST /predict/batch`` and its content type.

    In msgpack ``returns`` are packed little-endian float32, a thirtieth of the decoding cost.

    Raises
    ------
    UnsendableInput
        If ``market_data`` cannot be carried.
    """
    if wire == "json":
        return _json_bytes({"signals": [_batch_signal(row) for row in inputs]}), JSON_TYPE
    rows = [_batch_signal(row) for row in inputs]
    for row in rows:
        row["returns"] = row["returns"].astype("<f4").tobytes()
    try:
        return msgpack.packb({"signals": rows}), MSGPACK_TYPE
    except (TypeError, ValueError, OverflowError) as error:
        raise UnsendableInput(f"signals cannot be sent as msgpack: {error}") from error


def decode_batch(
    body: bytes, rows: int, expected_version: str | None = None
) -> tuple[Prediction | None, ...]:
    """Return the predictions in the reply to ``rows`` signals; None where a row is invalid.

    Raises
    ------
    UnusableReply
        If the body is not one JSON object with ``rows`` predictions, or no row is valid.
    """
    document = _parse(body, rows)
    predictions = document.get("predictions")
    if not isinstance(predictions, list):
        raise UnusableReply("predictions must be a list")
    if len(predictions) != rows:
        raise UnusableReply(f"predictions must have {rows} rows, was {len(predictions)}")
    common = _common_version(document)
    read: list[Prediction | None] = []
    first_problem = ""
    for index, row in enumerate(predictions):
        try:
            read.append(_prediction(row, common, expected_version))
        except UnusableReply as problem:
            first_problem = first_problem or f"row {index}: {problem}"
            read.append(None)
    if all(prediction is None for prediction in read):
        raise UnusableReply(f"no valid row; {first_problem}")
    return tuple(read)


def decode_single(body: bytes, expected_version: str | None = None) -> Prediction:
    """Return the prediction in the reply to one signal.

    Raises
    ------
    UnusableReply
        If the body is not one JSON object that is a valid prediction.
    """
    return _prediction(_parse(body, 1), None, expected_version)


def _batch_signal(row: PolicyInput) -> dict[str, Any]:
    return flat_signal(row) | {
        "baseline_pct": row.baseline_pct,
        "current_pct": row.current_pct,
        "returns": np.ascontiguousarray(row.returns[-MAX_RETURNS:], dtype=np.float64),
        "interval_sec": row.interval_sec,
    }


def _json_bytes(document: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(document, option=orjson.OPT_SERIALIZE_NUMPY)
    except orjson.JSONEncodeError:
        # Integers beyond 64 bits are legal JSON that orjson does not write.
        try:
            return json.dumps(document, default=np.ndarray.tolist, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise UnsendableInput("signals cannot be sent as JSON") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise UnusableReply("an object has a duplicate key")
    return unique


def _parse(body: bytes, rows: int) -> dict[str, Any]:
    _refuse_too_many_values(body, rows)
    try:
        document = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except UnusableReply:
        raise
    except (ValueError, RecursionError) as error:
        raise UnusableReply(f"body is not JSON: {type(error).__name__}") from error
    if not isinstance(document, dict):
        raise UnusableReply(f"body must be an object, was {type(document).__name__}")
    return document


def _refuse_too_many_values(body: bytes, rows: int) -> None:
    # Each value but the first follows one of these; those within texts count too.
    values = body.count(b",") + body.count(b"[") + body.count(b"{")
    most = _BASE_VALUES + _ROW_VALUES * rows
    if values > most:
        raise UnusableReply(f"body must hold at most {most} values, held up to {values}")


def _refuse_constant(name: str) -> float:
    raise UnusableReply(f"body is not JSON: it holds {name}")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise UnusableReply(f"body holds a number beyond the range, was {text[:40]}")
    return number


def _common_version(document: Mapping[str, Any]) -> str | None:
    try:
        return _Version.model_validate(document).model_version
    except ValidationError:
        return None  # rows that name their own version do not need it


def _prediction(row: Any, common: str | None, expected: str | None) -> Prediction:
    try:
        valid = _Row.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "row"
        raise UnusableReply(f"{field}: {first['type']}") from error
    version = valid.model_version or common
    if version is None:
        raise UnusableReply("model_version: missing")
    if expected is not None and version != expected:
        raise UnusableReply(f"model_version must be {expected!r}, was {version!r}")
    return Prediction(
        position_pct=valid.position_pct,
        confidence=valid.confidence,
        predicted_return=valid.predicted_return,
        predicted_volatility=valid.predicted_volatility,
        model_version=version,
        hit_probability=valid.hit_probability,
        reason=valid.reason,
    )
