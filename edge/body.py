"""Request bodies: reading within limits of bytes and time, and the media type."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request

from edge.problems import BodyTooLarge, BodyTooSlow, UnsupportedMedia

_CHARSETS: Final = frozenset({"utf-8", "utf8", "us-ascii"})


async def read_bounded(request: Request, max_bytes: int, timeout_sec: float) -> bytes:
    """Return the raw body, read within the limits.

    Raises
    ------
    BodyTooLarge
        As soon as the limit is passed, whatever Content-Length said.
    BodyTooSlow
        If the body is not complete in time.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > max_bytes:
        raise BodyTooLarge(max_bytes)
    try:
        async with asyncio.timeout(timeout_sec):
            return await _read_chunks(request, max_bytes)
    except TimeoutError as error:
        raise BodyTooSlow(timeout_sec) from error


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


def content_type(request: Request) -> str:
    """Return the Content-Type of an uncompressed body; that of JSON where there is none.

    Raises
    ------
    UnsupportedMedia
        If the body is compressed.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedMedia(f"Content-Encoding must be identity, was {encoding[:80]}")
    return request.headers.get("content-type", "application/json")


def media_type(given: str) -> str:
    """Return a Content-Type without its parameters, in lower case."""
    return given.partition(";")[0].strip().lower()


def is_json(given: str) -> bool:
    """Return whether a Content-Type is JSON, plain or ``+json``, in an encoding of JSON."""
    if given == "application/json":
        return True
    kind = media_type(given)
    json_like = kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    parameters = (part.strip().lower() for part in given.split(";")[1:])
    charsets = {part.partition("=")[2].strip('" ') for part in parameters if "charset" in part}
    return json_like and charsets <= _CHARSETS
