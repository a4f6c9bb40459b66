"""Bodies: read within bounds of bytes and time, parsed as exact JSON, validated."""

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette._utils import get_route_path
from starlette.requests import Request

from app.api.context import context_of
from app.api.gate.admission import needs_turn
from app.api.request.strict_json import strict_json
from app.api.response.validation import field_problems
from app.core.errors import InvalidInput
from edge.body import content_type, is_json, read_bounded
from edge.problems import UnsupportedMedia

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
    given = content_type(request)
    if not is_json(given):
        raise UnsupportedMedia(f"Content-Type must be application/json, was {given[:80]}")
    raw = await read_bounded(request, settings.max_body_bytes, settings.body_timeout_sec)
    if needs_turn(request.method, get_route_path(request.scope)):
        await request.scope["himari.slot"].wait_for_turn()
    return raw


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
