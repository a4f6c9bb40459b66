"""Reading a body: its type, then its bytes, bounded in size and time while they stream."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from inference_server.api.context import ApiSettings
from inference_server.api.problems import BodyTooLarge, BodyTooSlow, UnsupportedMedia
from inference_server.wire import Wire

_MSGPACK: Final = frozenset(
    {"application/msgpack", "application/x-msgpack", "application/vnd.msgpack"}
)
_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})


def wire_of(request: Request, *, only_json: bool = False) -> Wire:
    """Tell how a body is written; without a Content-Type it is JSON.

    Raises
    ------
    UnsupportedMedia
        If it is compressed, or said to be something else.
    """
    headers = request.headers
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedMedia(f"Content-Encoding must be identity, was {encoding[:80]}")
    given = headers.get("content-type", "application/json")
    if given == "application/json":
        return "json"
    kind, *parameters = (part.strip().lower() for part in given.split(";"))
    if kind in _MSGPACK and not only_json:
        return "msgpack"
    json_like = kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    charsets = {part.partition("=")[2].strip('" ') for part in parameters if "charset" in part}
    if not json_like or charsets - _CHARSETS:
        known = "application/json" if only_json else "application/json or application/msgpack"
        raise UnsupportedMedia(f"Content-Type must be {known}, was {given[:80]}")
    return "json"


async def read_body(request: Request, settings: ApiSettings) -> bytes:
    """Read the raw body, at most ``max_body_bytes`` of it.

    Raises
    ------
    BodyTooLarge
        As soon as the limit is passed, whatever Content-Length said.
    BodyTooSlow
        If the body is not complete within ``body_timeout_sec``.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > settings.max_body_bytes:
        raise BodyTooLarge(settings.max_body_bytes)
    try:
        async with asyncio.timeout(settings.body_timeout_sec):
            return await _read_chunks(request, settings.max_body_bytes)
    except TimeoutError as error:
        raise BodyTooSlow(settings.body_timeout_sec) from error


async def _read_chunks(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    length = 0
    while (message := await request.receive())["type"] == "http.request":
        chunk = message.get("body", b"")
        length += len(chunk)
        if length > limit:
            raise BodyTooLarge(limit)
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)
    raise ClientDisconnect
