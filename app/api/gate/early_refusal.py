"""The whole answer to a request that is refused at its head, before anything is made for it."""

from collections.abc import Callable, Sequence
from typing import Final

import orjson

from app.api.gate.admission import Admitted, is_work
from app.api.response.problems import TABLE
from edge.browser import SECURITY_HEADERS
from edge.problems import MEDIA_TYPE, Overloaded
from edge.request_id import choose_request_id

Headers = Sequence[tuple[bytes, bytes]]
TurnAway = Callable[[str, str, Headers], bytes | None]

_KIND: Final = TABLE[Overloaded]
_HEAD: Final = b"HTTP/1.1 503 Service Unavailable\r\n" + b"".join(
    b"%b: %b\r\n" % header
    for header in (
        (b"content-type", MEDIA_TYPE.encode()),
        *((name.lower().encode(), value.encode()) for name, value in _KIND.headers.items()),
        *SECURITY_HEADERS,
    )
)


def turn_away(admitted: Admitted) -> TurnAway:
    """Make the function that looks at method, path and headers of a request.

    It gives the bytes of the refusal, or None for whoever may enter. Refusing costs a twentieth
    of an answer here, a third of one behind the middlewares, so tenfold load can be refused.
    """

    def refusal(method: str, path: str, headers: Headers) -> bytes | None:
        if not is_work(method, path):
            return None
        try:
            admitted.expect()
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
