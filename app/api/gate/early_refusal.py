"""Early refusal: in an overload a request is answered 503 when its head is complete."""

from collections.abc import Callable, Sequence
from typing import Final

import orjson

from app.api.gate.admission import Admission, needs_turn
from app.api.response.problems import TABLE
from edge.browser import SECURITY_HEADERS
from edge.problems import MEDIA_TYPE, Overloaded
from edge.request_id import choose_request_id

Headers = Sequence[tuple[bytes, bytes]]
EarlyRefusal = Callable[[str, str, Headers], bytes | None]

_KIND: Final = TABLE[Overloaded]
_HEAD: Final = b"HTTP/1.1 503 Service Unavailable\r\n" + b"".join(
    b"%b: %b\r\n" % header
    for header in (
        (b"content-type", MEDIA_TYPE.encode()),
        *((name.lower().encode(), value.encode()) for name, value in _KIND.headers.items()),
        *SECURITY_HEADERS,
    )
)


def early_refusal(admission: Admission) -> EarlyRefusal:
    """Make the function from method, path and headers of a request to the bytes of its refusal.

    It returns None for a request that may go on. A refusal here costs a twentieth of an answer,
    behind the middlewares a third, so ten times the load can be refused.
    """

    def refusal(method: str, path: str, headers: Headers) -> bytes | None:
        if not needs_turn(method, path):
            return None
        try:
            admission.check_at_head()
        except Overloaded as error:
            return _answer(path, headers, error)
        return None

    return refusal


def _answer(path: str, headers: Headers, error: Overloaded) -> bytes:
    # Not made by `problem`: its response object costs more than all the rest of a refusal.
    request_id = choose_request_id(headers)
    content = {
        "type": f"urn:himari:problem:{_KIND.slug}",
        "title": _KIND.title,
        "status": _KIND.status,
        "detail": str(error),
        "instance": path,
        "request_id": request_id.decode("ascii"),
    }
    body = orjson.dumps(content)
    return b"%bcontent-length: %d\r\nx-request-id: %b\r\n\r\n%b" % (
        _HEAD, len(body), request_id, body,
    )  # fmt: skip
