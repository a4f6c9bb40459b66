"""The OpenAPI document of the service, as it is with the defaults, and what names it."""

import hashlib
import json
from typing import Any

from app.main import create_app
from app.settings import Settings


def openapi_document() -> dict[str, Any]:
    """Build the document; nothing is read from the environment."""
    return create_app(Settings()).openapi()


def digest_of(document: dict[str, Any]) -> str:
    """SHA-256 of what types are made from: all but title and version."""
    typed = {name: part for name, part in document.items() if name != "info"}
    return hashlib.sha256(json.dumps(typed, sort_keys=True).encode()).hexdigest()
