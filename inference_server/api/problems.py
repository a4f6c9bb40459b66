"""The inference server's one table from an error to its problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import Any, Final

import structlog
from starlette.responses import Response
from starlette.types import Scope

from edge.problems import (
    COMMON,
    RETRY,
    Kind,
    Table,
    find_kind,
    json_number,
    problem_detail,
    problem_response,
    shorten,
)
from inference_server import errors
from inference_server.errors import FieldProblem

_MAX_PROBLEMS: Final = 100

_log = structlog.get_logger("inference_server.api")

TABLE: Final[Table] = {
    **COMMON,
    errors.RequestUnusable: Kind(422, "invalid-request", "Invalid request"),
    errors.Overloaded: Kind(503, "overloaded", "Overloaded", RETRY),
    errors.DeadlinePassed: Kind(503, "deadline-passed", "Out of time", RETRY),
    errors.NotServing: Kind(503, "not-serving", "Not serving", RETRY),
    errors.ModelFailed: Kind(500, "model-failed", "Model failed"),
    errors.ModelRefused: Kind(422, "model-refused", "Model refused"),
    errors.NoPreviousModel: Kind(409, "no-previous-model", "No previous model"),
}


def answer_error(scope: Scope, error: BaseException) -> Response:
    """Return the problem+json of any error; errors with status 500 are logged."""
    kind = find_kind(TABLE, error)
    if kind.status == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error(kind.slug, path=scope.get("path"), exc_info=error)
    broken = error.problems if isinstance(error, errors.RequestUnusable) else ()
    listed = [
        {"path": p.path, "message": p.message, "was": safe_to_send(p.was)}
        for p in broken[:_MAX_PROBLEMS]
    ]
    return problem_response(scope, kind, _detail(error, kind, broken), listed)


def describe_problem(found: FieldProblem) -> str:
    """Return a problem as a sentence: what must hold, and what it was.

    >>> describe_problem(FieldProblem("signals.3.confidence", "must be <= 1", 1.5))
    'signals.3.confidence must be <= 1, was 1.5'
    """
    shown = "" if found.was is None else f", was {safe_to_send(found.was)!r}"
    return f"{found.path or 'the body'} {found.message}{shown}"


def safe_to_send(value: Any) -> Any:
    """Return an offending value as it may be sent back: JSON, finite, at most 200 characters."""
    if isinstance(value, float):
        return json_number(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    return shorten(value) if isinstance(value, str) else f"a {type(value).__name__}"


def _detail(error: BaseException, kind: Kind, broken: tuple[FieldProblem, ...]) -> str:
    if not broken:
        return problem_detail(error, kind)
    more = f" ({len(broken)} problems in all)" if len(broken) > 1 else ""
    return f"{describe_problem(broken[0])}{more}"
