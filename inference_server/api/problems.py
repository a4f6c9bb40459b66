"""The one table from an error to its problem+json (RFC 9457)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Scope

from inference_server import errors
from inference_server.errors import FieldProblem

MEDIA_TYPE: Final = "application/problem+json"
_MAX_TEXT: Final = 200
_MAX_PROBLEMS: Final = 100

_log = structlog.get_logger("inference_server.api")


class RequestRefused(Exception):
    """A request that the API itself turns away; the message is for the caller."""


class BodyTooLarge(RequestRefused):
    """More than a request may hold."""

    def __init__(self, limit: int, what: str = "bytes") -> None:
        super().__init__(f"the request holds more than {limit} {what}")


class BodyTooSlow(RequestRefused):
    """The body did not arrive in time."""

    def __init__(self, limit_sec: float) -> None:
        super().__init__(f"the body was not complete after {limit_sec:g} s")


class UnsupportedMedia(RequestRefused):
    """The body is neither plain JSON nor plain msgpack."""


class Unauthorized(RequestRefused):
    """No valid API key."""


class UnknownMethod(RequestRefused):
    """The request's method is none of HTTP's."""


class TooManyRequests(RequestRefused):
    """Too many requests at once."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of error looks on the wire."""

    status: int
    slug: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)


_RETRY: Final = {"Retry-After": "1"}
_BEARER: Final = {"WWW-Authenticate": 'Bearer realm="himari"'}

TABLE: Final[Mapping[type[BaseException], Kind]] = {
    errors.RequestUnusable: Kind(422, "invalid-request", "Invalid request"),
    RequestValidationError: Kind(422, "invalid-request", "Invalid request"),
    errors.Overloaded: Kind(503, "overloaded", "Overloaded", _RETRY),
    errors.DeadlinePassed: Kind(503, "deadline-passed", "Out of time", _RETRY),
    errors.NotServing: Kind(503, "not-serving", "Not serving", _RETRY),
    errors.ModelFailed: Kind(500, "model-failed", "Model failed"),
    errors.ModelRefused: Kind(422, "model-refused", "Model refused"),
    errors.NoPreviousModel: Kind(409, "no-previous-model", "No previous model"),
    TooManyRequests: Kind(503, "overloaded", "Overloaded", _RETRY),
    UnknownMethod: Kind(501, "unknown-method", "Unknown method"),
    BodyTooLarge: Kind(413, "too-large", "Request too large"),
    BodyTooSlow: Kind(408, "body-too-slow", "Body too slow", {"Connection": "close"}),
    UnsupportedMedia: Kind(415, "unsupported-media-type", "Unsupported media type"),
    Unauthorized: Kind(401, "unauthorized", "API key needed", _BEARER),
    ClientDisconnect: Kind(400, "client-disconnected", "Client disconnected"),
    Exception: Kind(500, "unexpected-error", "Unexpected error"),
}


def kind_of(error: BaseException) -> Kind:
    """Look an error up by its class, or by its status where the framework raised it."""
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        slug = phrase.lower().replace(" ", "-")
        return Kind(error.status_code, slug, phrase, dict(error.headers or {}))
    return next(TABLE[cls] for cls in type(error).__mro__ if cls in TABLE)


def problem(scope: Scope, error: BaseException) -> Response:
    """Turn any error into its answer; what is the server's own fault is logged."""
    kind = kind_of(error)
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error(kind.slug, path=scope.get("path"), exc_info=error)
    broken = error.problems if isinstance(error, errors.RequestUnusable) else ()
    content: dict[str, Any] = {
        "type": f"urn:himari:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": _detail(error, kind, broken),
        "instance": presentable(scope.get("path", "")),
        "request_id": scope.get("himari.request_id"),
    }
    if broken:
        content["errors"] = [
            {"path": p.path, "message": p.message, "was": presentable(p.was)}
            for p in broken[:_MAX_PROBLEMS]
        ]
    return Response(
        orjson.dumps(content), kind.status, headers=dict(kind.headers), media_type=MEDIA_TYPE
    )


def sentence(found: FieldProblem) -> str:
    """Say what must hold and what it was.

    >>> sentence(FieldProblem("signals.3.confidence", "must be <= 1", 1.5))
    'signals.3.confidence must be <= 1, was 1.5'
    """
    shown = "" if found.was is None else f", was {presentable(found.was)!r}"
    return f"{found.path or 'the body'} {found.message}{shown}"


def presentable(value: Any) -> Any:
    """Make an offending value safe to send back: JSON, finite, at most 200 characters."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, str):
        clean = value[: _MAX_TEXT + 1].encode("utf-8", "replace").decode()
        return clean if len(clean) <= _MAX_TEXT else f"{clean[: _MAX_TEXT - 3]}..."
    return f"a {type(value).__name__}"


def _detail(error: BaseException, kind: Kind, broken: tuple[FieldProblem, ...]) -> str:
    if broken:
        more = f" ({len(broken)} problems in all)" if len(broken) > 1 else ""
        return f"{sentence(broken[0])}{more}"
    if kind.slug == "unexpected-error":
        return "the server met an unexpected error; its log has it under the request id"
    if isinstance(error, HTTPException):
        return str(error.detail)
    return str(error) or kind.title
