"""Responses as bytes: the service's dicts are JSON already, no model rebuilds them."""

from typing import Any

import orjson
from starlette.responses import Response


def json_bytes(body: bytes, headers: dict[str, str] | None = None) -> Response:
    """Send JSON bytes as they are."""
    return Response(body, headers=headers, media_type="application/json")


def json_answer(content: Any, status: int = 200) -> Response:
    """Send a JSON-able object; NaN and infinities become null."""
    option = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    return Response(orjson.dumps(content, option=option), status, media_type="application/json")
