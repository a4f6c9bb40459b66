"""Bodies: read within bounds of bytes and time, parsed as exact JSON, validated."""

import asyncio
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette._utils import get_route_path
from starlette.requests import ClientDisconnect, Request

from app.api.context import context_of
from app.api.gate.admission import needs_turn
from app.api.request.strict_json import strict_json
from app.api.response.problems import BodyTooLarge, BodyTooSlow, UnsupportedMedia
from app.api.response.validation import field_problems
from app.core.errors import InvalidInput

Shape = TypeVar("Shape", bound=BaseModel)


async def read_body(request: Request) -> bytes:
    """Read the raw body, at most ``max_body_bytes`` of it, and wait for the turn to use it.

    Raises
    ------
    UnsupportedMedia
        If the content is encoded, or said to be something other than JSON.
    BodyTooLarge
        As soon as the limit is passed, whatever Content-Length said.
    BodyTooSlow
        If the body is not complete within ``body_timeout_sec``.
    Overloaded
        If more wait for a turn than can be served.
    """
    settings = context_of(request).settings
    _refuse_foreign_media(request)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > settings.max_body_bytes:
        raise BodyTooLarge(settings.max_body_bytes)
    try:
        async with asyncio.timeout(settings.body_timeout_sec):
            raw = await _read_chunks(request, settings.max_body_bytes)
    except TimeoutError as error:
        raise BodyTooSlow(settings.body_timeout_sec) from error
    if needs_turn(request.method, get_route_path(request.scope)):
        await request.scope["himari.slot"].wait_for_turn()
    return raw


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


def _refuse_foreign_media(request: Request) -> None:
    headers = request.headers
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedMedia(f"Content-Encoding must be identity, was {encoding[:80]}")
    given = headers.get("content-type", "application/json")
    if given == "application/json":
        return
    kind, *parameters = (part.strip().lower() for part in given.split(";"))
    json_like = kind == "application/json" or (
        kind.startswith("application/") and kind.endswith("+json")
    )
    charsets = [part.partition("=")[2].strip('" ') for part in parameters if "charset" in part]
    if not json_like or any(charset not in {"utf-8", "utf8", "us-ascii"} for charset in charsets):
        raise UnsupportedMedia(f"Content-Type must be application/json, was {given[:80]}")


def parse_body(raw: bytes, shape: type[Shape]) -> Shape:
    """Parse exact JSON and validate it.

    Raises
    ------
    InvalidInput
        With every broken field.
    BodyTooLarge
        If the body holds more than ``MAX_VALUES``.
    """
    return validate(strict_json(raw), shape)


def validate(data: Any, shape: type[Shape]) -> Shape:
    """Validate parsed JSON; see :func:`parse_body`."""
    try:
        return shape.model_validate(data)
    except ValidationError as error:
        raise InvalidInput(*field_problems(error)) from None
