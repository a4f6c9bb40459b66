"""Reading submitted forms: bounded in size and time, with a CSRF token."""

import asyncio
import hmac
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request

from app.console.errors import FormRefused
from app.console.sessions import Sessions, token_of

_MOST_FIELDS: Final = 32
_TYPE: Final = "application/x-www-form-urlencoded"
_LONGEST_REASON: Final = 500


async def read_form(
    request: Request, most_bytes: int = 16_384, *, within_sec: float = 10.0
) -> dict[str, str]:
    """Return the fields of a submitted form.

    Raises
    ------
    FormRefused
        If the body is no form, is too long, or is not complete within ``within_sec``.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _TYPE:
        raise FormRefused(415, f"Content-Type must be {_TYPE}, was {kind[:80]!r}")
    try:
        async with asyncio.timeout(within_sec):
            raw = await _read_bounded(request, most_bytes)
    except TimeoutError as error:
        message = f"the form was not complete after {within_sec:g} s"
        raise FormRefused(408, message) from error
    try:
        text = raw.decode("ascii")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise FormRefused(400, "the form cannot be read") from error
    return dict(pairs)


async def _read_bounded(request: Request, most_bytes: int) -> bytes:
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > most_bytes:
                raise FormRefused(413, f"the form holds more than {most_bytes} bytes")
    except ClientDisconnect as error:
        raise FormRefused(400, "the form was not complete") from error
    return bytes(body)


def require_csrf_token(request: Request, form: Mapping[str, str], sessions: Sessions) -> None:
    """Refuse a form without the CSRF token of the request's session.

    Raises
    ------
    FormRefused
        If the token is missing or wrong.
    """
    owner = request.scope.get("himari.owner", "")
    wanted = sessions.csrf_token(token_of(request.scope), owner)
    if not hmac.compare_digest(wanted.encode(), form.get("csrf", "").encode("utf-8", "replace")):
        raise FormRefused(403, "the form is not of this session: load the page again and repeat")


def read_reason(form: Mapping[str, str]) -> str:
    """Return the operator's reason for an act, with single spaces.

    Raises
    ------
    FormRefused
        If it is empty, too long or holds control characters.
    """
    reason = " ".join(form.get("reason", "").split())
    if not reason:
        raise FormRefused(422, "say why: the reason is kept in the journal")
    if not reason.isprintable():
        raise FormRefused(422, "the reason must hold no control characters")
    if len(reason) > _LONGEST_REASON:
        raise FormRefused(422, f"the reason must hold at most {_LONGEST_REASON} characters")
    return reason
