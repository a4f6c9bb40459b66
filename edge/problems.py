"""Problem details (RFC 9457): the refusals that both servers share, and the form of the answer.

Each server maps its own errors and these to a `Kind` in one table, of which `COMMON` is a part.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Scope

MEDIA_TYPE: Final = "application/problem+json"
MAX_TEXT: Final = 200
CHALLENGE: Final = 'Bearer realm="himari"'
RETRY: Final = MappingProxyType({"Retry-After": "1"})
_BEARER: Final = MappingProxyType({"WWW-Authenticate": CHALLENGE})
_CLOSE: Final = MappingProxyType({"Connection": "close"})


class RequestRefused(Exception):
    """A request that the API refuses before it is handled; the caller sees the message."""

    headers: Mapping[str, str] = MappingProxyType({})


class BodyTooLarge(RequestRefused):
    """The request holds more bytes, or more of something else, than it may."""

    def __init__(self, limit: int, what: str = "bytes") -> None:
        super().__init__(f"the request holds more than {limit} {what}")


class BodyTooSlow(RequestRefused):
    """The body did not arrive in time."""

    def __init__(self, limit_sec: float) -> None:
        super().__init__(f"the body was not complete after {limit_sec:g} s")


class UnsupportedMedia(RequestRefused):
    """The body has a media type or an encoding that the server does not read."""


class Unauthorized(RequestRefused):
    """The request has no valid API key."""


class CrossSite(RequestRefused):
    """A page of another origin sent a request that may change something."""


class HeadTooLarge(RequestRefused):
    """The request has more header fields, or longer ones, than it may."""

    def __init__(self, limit: int, what: str) -> None:
        super().__init__(f"the head of the request holds more than {limit} {what}")


class UnknownMethod(RequestRefused):
    """The request has a method that HTTP does not define."""


class Overloaded(RequestRefused):
    """More requests came at once than the server takes."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Status, type, title and headers of one kind of error on the wire."""

    status: int
    slug: str
    title: str
    headers: Mapping[str, str] = field(default_factory=dict)


Table = Mapping[type[BaseException], Kind]
# makes the answer of an error; middlewares get it from their server
ErrorAnswer = Callable[[Scope, BaseException], ASGIApp]

COMMON: Final[Table] = {
    RequestValidationError: Kind(422, "invalid-request", "Invalid request"),
    UnknownMethod: Kind(501, "unknown-method", "Unknown method"),
    Overloaded: Kind(503, "overloaded", "Overloaded", RETRY),
    BodyTooLarge: Kind(413, "too-large", "Request too large"),
    BodyTooSlow: Kind(408, "body-too-slow", "Body too slow", _CLOSE),
    HeadTooLarge: Kind(431, "head-too-large", "Request head too large", _CLOSE),
    UnsupportedMedia: Kind(415, "unsupported-media-type", "Unsupported media type"),
    Unauthorized: Kind(401, "unauthorized", "API key needed", _BEARER),
    CrossSite: Kind(403, "cross-site", "Request of another site"),
    ClientDisconnect: Kind(400, "client-disconnected", "Client disconnected"),
    Exception: Kind(500, "unexpected-error", "Unexpected error"),
}


def find_kind(table: Table, error: BaseException) -> Kind:
    """Return the kind of an error: by its class, or by its status if the framework raised it."""
    if isinstance(error, HTTPException):
        phrase = HTTPStatus(error.status_code).phrase
        slug = phrase.lower().replace(" ", "-")
        return Kind(error.status_code, slug, phrase, dict(error.headers or {}))
    return next(table[cls] for cls in type(error).__mro__ if cls in table)


def problem_detail(error: BaseException, kind: Kind) -> str:
    """Return the ``detail`` text of an error; that of an unexpected error stays in the log."""
    if kind is COMMON[Exception]:
        return "the service met an unexpected error; its log has it under the request id"
    if isinstance(error, HTTPException):
        return str(error.detail)
    return str(error) or kind.title


def problem_response(
    scope: Scope,
    kind: Kind,
    detail: str,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] = MappingProxyType({}),
) -> Response:
    """Return the problem+json answer.

    Parameters
    ----------
    scope : Scope
    kind : Kind
    detail : str
    errors : sequence of mapping
        Broken fields: path, message, was.
    headers : mapping of str to str
        For this answer alone; they replace those of the kind.
    """
    content: dict[str, Any] = {
        "type": f"urn:himari:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "instance": shorten(scope.get("path", "")),
        "request_id": scope.get("himari.request_id"),
    }
    if errors:
        content["errors"] = list(errors)
    return Response(
        orjson.dumps(content),
        kind.status,
        headers={**kind.headers, **headers},
        media_type=MEDIA_TYPE,
    )


def shorten(text: str) -> str:
    """Return a text that is safe to send back: valid UTF-8, at most 200 characters."""
    clean = text[: MAX_TEXT + 1].encode("utf-8", "replace").decode()
    return clean if len(clean) <= MAX_TEXT else f"{clean[: MAX_TEXT - 3]}..."


def json_number(value: float) -> float | str:
    """Return a number as JSON can hold it: NaN and infinities as their names."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
