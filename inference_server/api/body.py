"""Read a request body and its encoding, JSON or msgpack."""

from typing import Final

from starlette.requests import Request

from edge.body import content_type, is_json, media_type, read_bounded
from edge.problems import UnsupportedMedia
from inference_server.api.context import ApiSettings
from inference_server.wire import Wire

_MSGPACK: Final = frozenset(
    {"application/msgpack", "application/x-msgpack", "application/vnd.msgpack"}
)


def detect_wire(request: Request, *, only_json: bool = False) -> Wire:
    """Return how a body is encoded; without a Content-Type it is JSON.

    Raises
    ------
    UnsupportedMedia
        If it is compressed, or said to be something else.
    """
    given = content_type(request)
    if is_json(given):
        return "json"
    if media_type(given) in _MSGPACK and not only_json:
        return "msgpack"
    known = "application/json" if only_json else "application/json or application/msgpack"
    raise UnsupportedMedia(f"Content-Type must be {known}, was {given[:80]}")


async def read_body(request: Request, settings: ApiSettings) -> bytes:
    """Read the raw body within the bounds of the settings; see :func:`edge.body.read_bounded`."""
    return await read_bounded(request, settings.max_body_bytes, settings.body_timeout_sec)
