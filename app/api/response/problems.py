"""The one table from an error to its problem+json (RFC 9457)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import orjson
import structlog
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Scope

from app.api.response.validation import presentable, problem_of_entry
from app.core.errors import (
    FieldProblem,
    IdempotencyConflict,
    InvalidInput,
    JournalUnavailable,
    UnknownDecision,
)

MEDIA_TYPE: Final = "application/problem+json"

_CHALLENGE: Final = 'Bearer realm="himari"'

_log = structlog.get_logger("app.api")


class RequestRefused(Exception):
    """A request that the API itself turns away; the message is for the caller."""

    headers: Mapping[str, str] = MappingProxyType({})


class BodyTooLarge(RequestRefused):
    """More than a request may hold."""

    def __init__(self, limit: int, what: str = "bytes") -> None:
        super().__init__(f"the request holds more than {limit} {what}")


class BodyTooSlow(RequestRefused):
    """The body did not arrive in time."""

    def __init__(self, limit_sec: float) -> None:
        super().__init__(f"the body was not complete after {limit_sec:g} s")


class UnsupportedMedia(RequestRefused):
    """The body is not plain JSON."""


class Unauthorized(RequestRefused):
    """No valid API key."""


class Forbidden(RequestRefused):
    """The key lacks the role."""

    def __init__(self, role: str) -> None:
        super().__init__(f"the API key must have the role {role}")
        challenge = f'{_CHALLENGE}, error="insufficient_scope", scope="{role}"'
        self.headers = {"WWW-Authenticate": challenge}


class CrossSite(RequestRefused):
    """A page of another origin asked for a change."""


class NoKeySet(RequestRefused):
    """No key is set, and the request may come from another machine."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"no API key is set, so only requests from this machine are served, and {why}: set "
            "HIMARI_API_KEYS, or make a key with `himari keys new`"
        )


class RateLimited(RequestRefused):
    """The key asks too often."""

    def __init__(self, per_sec: float, wait_sec: float) -> None:
        super().__init__(f"the API key may make {per_sec:g} requests a second")
        self.headers = {"Retry-After": str(max(1, math.ceil(wait_sec)))}


class HeadTooLarge(RequestRefused):
    """More header fields, or longer ones, than a request may have."""

    def __init__(self, limit: int, what: str) -> None:
        super().__init__(f"the head of the request holds more than {limit} {what}")


class UnknownMethod(RequestRefused):
    """The request's method is none of HTTP's."""


class Overloaded(RequestRefused):
    """Too many requests at once."""


class ServiceNotReady(RequestRefused):
    """The service has not started, or has stopped."""

    def __init__(self) -> None:
        super().__init__("the service is not running yet, or not any more")


class NotServed(RequestRefused):
    """Switched off by a setting."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind of error looks on the wire."""

    status: int
    slug: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)


_RETRY: Final = {"Retry-After": "1"}
_BEARER: Final = {"WWW-Authenticate": _CHALLENGE}
_CLOSE: Final = {"Connection": "close"}

TABLE: Final[Mapping[type[BaseException], Kind]] = {
    InvalidInput: Kind(422, "invalid-request", "Invalid request"),
    RequestValidationError: Kind(422, "invalid-request", "Invalid request"),
    IdempotencyConflict: Kind(409, "idempotency-conflict", "Idempotency key used before"),
    UnknownDecision: Kind(404, "unknown-decision", "Unknown decision"),
    JournalUnavailable: Kind(503, "journal-unavailable", "Journal unavailable", _RETRY),
    ServiceNotReady: Kind(503, "not-ready", "Not ready", _RETRY),
    UnknownMethod: Kind(501, "unknown-method", "Unknown method"),
    Overloaded: Kind(503, "overloaded", "Overloaded", _RETRY),
    BodyTooLarge: Kind(413, "too-large", "Request too large"),
    BodyTooSlow: Kind(408, "body-too-slow", "Body too slow", _CLOSE),
    HeadTooLarge: Kind(431, "head-too-large", "Request head too large", _CLOSE),
    UnsupportedMedia: Kind(415, "unsupported-media-type", "Unsupported media type"),
    Unauthorized: Kind(401, "unauthorized", "API key needed", _BEARER),
    Forbidden: Kind(403, "forbidden", "Role needed"),
    CrossSite: Kind(403, "cross-site", "Request of another site"),
    RateLimited: Kind(429, "rate-limited", "Too many requests", _RETRY),
    NoKeySet: Kind(503, "no-key-set", "No API key is set", {"Retry-After": "60"}),
    NotServed: Kind(404, "not-served", "Not served"),
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


def field_problems_of(error: BaseException) -> list[FieldProblem]:
    """List the broken fields that an error carries."""
    if isinstance(error, InvalidInput):
        return list(error.problems)
    if isinstance(error, RequestValidationError):
        return [problem_of_entry(entry) for entry in error.errors()]
    return []


def problem(scope: Scope, error: BaseException) -> Response:
    """Turn any error into its answer; only an unexpected one is logged."""
    kind = kind_of(error)
    broken = field_problems_of(error)
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("unexpected error", path=scope.get("path"), exc_info=error)
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
            {"path": presentable(p.path), "message": p.message, "was": presentable(p.was)}
            for p in broken
        ]
    headers = {**kind.headers, **(error.headers if isinstance(error, RequestRefused) else {})}
    return Response(orjson.dumps(content), kind.status, headers=headers, media_type=MEDIA_TYPE)


def _detail(error: BaseException, kind: Kind, broken: list[FieldProblem]) -> str:
    if broken:
        first = broken[0]
        where = f"{presentable(first.path)} " if first.path else "the body "
        more = f" ({len(broken)} problems in all)" if len(broken) > 1 else ""
        return f"{where}{first.message}, was {presentable(first.was)!r}{more}"
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return "the service met an unexpected error; its log has it under the request id"
    if isinstance(error, HTTPException):
        return str(error.detail)
    return str(error) or kind.title
