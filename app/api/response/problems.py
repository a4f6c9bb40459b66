"""The service's one table from an error to its problem+json (RFC 9457)."""

import math
from http import HTTPStatus
from typing import Final

import structlog
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response
from starlette.types import Scope

from app.api.response.validation import presentable, problem_of_entry
from app.core.errors import (
    FieldProblem,
    IdempotencyConflict,
    InvalidInput,
    JournalUnavailable,
    TradingStateDiffers,
    UnknownDecision,
    UnknownPortfolio,
    UnknownSymbol,
)
from edge.problems import (
    CHALLENGE,
    COMMON,
    RETRY,
    Kind,
    RequestRefused,
    Table,
    find_kind,
    problem_detail,
    problem_response,
)

_log = structlog.get_logger("app.api")


class Forbidden(RequestRefused):
    """The key lacks the role."""

    def __init__(self, role: str) -> None:
        super().__init__(f"the API key must have the role {role}")
        challenge = f'{CHALLENGE}, error="insufficient_scope", scope="{role}"'
        self.headers = {"WWW-Authenticate": challenge}


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


class ServiceNotReady(RequestRefused):
    """The service has not started, or has stopped."""

    def __init__(self) -> None:
        super().__init__("the service is not running yet, or not any more")


class NotServed(RequestRefused):
    """Switched off by a setting."""


TABLE: Final[Table] = {
    **COMMON,
    InvalidInput: Kind(422, "invalid-request", "Invalid request"),
    IdempotencyConflict: Kind(409, "idempotency-conflict", "Idempotency key used before"),
    UnknownDecision: Kind(404, "unknown-decision", "Unknown decision"),
    UnknownPortfolio: Kind(404, "unknown-portfolio", "Unknown portfolio"),
    TradingStateDiffers: Kind(409, "trading-state-differs", "Trading state differs"),
    UnknownSymbol: Kind(404, "unknown-symbol", "Unknown symbol"),
    JournalUnavailable: Kind(503, "journal-unavailable", "Journal unavailable", RETRY),
    ServiceNotReady: Kind(503, "not-ready", "Not ready", RETRY),
    Forbidden: Kind(403, "forbidden", "Role needed"),
    RateLimited: Kind(429, "rate-limited", "Too many requests", RETRY),
    NoKeySet: Kind(503, "no-key-set", "No API key is set", {"Retry-After": "60"}),
    NotServed: Kind(404, "not-served", "Not served"),
}


def kind_of(error: BaseException) -> Kind:
    """Look an error up by its class, or by its status where the framework raised it."""
    return find_kind(TABLE, error)


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
    errors = [
        {"path": presentable(p.path), "message": p.message, "was": presentable(p.was)}
        for p in broken
    ]
    detail = _sentence(broken) if broken else problem_detail(error, kind)
    headers = error.headers if isinstance(error, RequestRefused) else {}
    return problem_response(scope, kind, detail, errors, headers)


def _sentence(broken: list[FieldProblem]) -> str:
    first = broken[0]
    where = f"{presentable(first.path)} " if first.path else "the body "
    more = f" ({len(broken)} problems in all)" if len(broken) > 1 else ""
    return f"{where}{first.message}, was {presentable(first.was)!r}{more}"
