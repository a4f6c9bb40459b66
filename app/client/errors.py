"""Errors of a call, as a tree.

::

    CallFailed
    |-- Unreachable          no connection, and no attempt was acted on
    |-- NoAnswer             sent, perhaps acted on; no whole answer came in time
    |-- UnusableAnswer       a success status without the JSON that the API promises
    `-- Refused              an error status, with problem+json (RFC 9457)
        |-- InvalidRequest   422, with the broken fields in `errors`
        |-- Unauthorized     401
        |-- Forbidden        403
        |-- NotFound         404
        |-- KeyReused        409: the Idempotency-Key came with another body before
        |-- TradingStateDiffers  409: not the state that `if_state_is` names; nothing changed
        |-- TooLarge         413
        |-- RateLimited      429
        |-- Unavailable      503: overloaded, draining, or no journal
        `-- ServerFault      any other 5xx
"""

from collections.abc import Mapping
from typing import Any, Final

from app.client.schemas_response import ErrorEntry


class CallFailed(Exception):
    """A call without a usable answer.

    Attributes
    ----------
    idempotency_key : str or None
        The key that was sent: the same call with it, and with the same body, decides once.
    """

    idempotency_key: str | None = None


class Unreachable(CallFailed):
    """No connection was made, and no earlier attempt was acted on: nothing happened."""


class NoAnswer(CallFailed):
    """The request went out and no whole answer came back; it may have been acted on."""


class UnusableAnswer(CallFailed):
    """A success status whose body is not what the API promises."""


class Refused(CallFailed):
    """An error status of the service, or of a proxy before it.

    Attributes
    ----------
    status : int
    slug : str
        Last part of the problem's type, as in ``journal-unavailable``; "" without one.
    title, detail : str
    request_id : str or None
        As in the service's log.
    errors : list of ErrorEntry
        Each broken field with path, message and what it was.
    retry_after_sec : float or None
    """

    def __init__(
        self, status: int, problem: Mapping[str, Any], retry_after_sec: float | None
    ) -> None:
        self.status = status
        self.slug = str(problem.get("type", "")).rpartition(":")[2]
        self.title = str(problem.get("title", ""))
        self.detail = str(problem.get("detail", ""))
        self.request_id: str | None = problem.get("request_id")
        self.errors: list[ErrorEntry] = problem.get("errors") or []
        self.retry_after_sec = retry_after_sec
        super().__init__(f"{status} {self.detail or self.title}".strip())


class InvalidRequest(Refused):
    """The request breaks the schema or a range; it changed nothing."""


class Unauthorized(Refused):
    """No valid API key."""


class Forbidden(Refused):
    """The API key lacks the role."""


class NotFound(Refused):
    """No such decision, symbol or portfolio, or no such path."""


class KeyReused(Refused):
    """The Idempotency-Key was used with another body."""


class TradingStateDiffers(Refused):
    """The trading state in effect is not the one of ``if_state_is``; it was not changed."""


class TooLarge(Refused):
    """Too many bytes, fields or signals."""


class RateLimited(Refused):
    """Too many requests with this API key."""


class Unavailable(Refused):
    """Overloaded, draining, or the journal cannot be written."""


class ServerFault(Refused):
    """An error of the service, or of a proxy before it."""


_BY_STATUS: Final[Mapping[int, type[Refused]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: KeyReused,
    413: TooLarge,
    422: InvalidRequest,
    429: RateLimited,
    503: Unavailable,
}
_BY_SLUG: Final[Mapping[str, type[Refused]]] = {"trading-state-differs": TradingStateDiffers}


def refusal(status: int, problem: Mapping[str, Any], retry_after_sec: float | None) -> Refused:
    """Return the error of a status, or of a problem that has a class of its own."""
    slug = str(problem.get("type", "")).rpartition(":")[2]
    by_status = _BY_STATUS.get(status, ServerFault if status >= 500 else Refused)
    return _BY_SLUG.get(slug, by_status)(status, problem, retry_after_sec)
