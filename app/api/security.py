"""API keys: ``Authorization: Bearer`` on everything but what is always open.

Keys are compared as SHA-256 digests in constant time, all of them each time. The name of a key,
under which its idempotency keys and its actions are recorded, is the start of its digest.
"""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from pydantic import SecretStr
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.problems import Unauthorized, problem

_NAME_LENGTH: Final = 12


def key_name(key: str) -> str:
    """Name of a key that tells nothing about it: ``key-`` and 12 hex digits of its SHA-256."""
    return f"key-{hashlib.sha256(key.encode()).hexdigest()[:_NAME_LENGTH]}"


def bearer_of(scope: Scope) -> bytes | None:
    """Token of the Authorization header, or None."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else None


class BearerKeys:
    """ASGI middleware that lets through who has a key, and notes whose it is."""

    def __init__(self, app: ASGIApp, keys: Sequence[SecretStr], *, metrics_open: bool) -> None:
        self._app = app
        self._names = {
            hashlib.sha256(key.get_secret_value().encode()).digest(): key_name(
                key.get_secret_value()
            )
            for key in keys
        }
        self._open = ("/health/", "/metrics") if metrics_open else ("/health/",)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http" or not self._names or self._is_open(scope["path"]):
            await self._app(scope, receive, send)
            return
        owner = self._owner(bearer_of(scope))
        if owner is None:
            refusal = Unauthorized("send a valid API key as Authorization: Bearer")
            await problem(scope, refusal)(scope, receive, send)
            return
        scope["himari.owner"] = owner
        await self._app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path.startswith("/health/") or (path == "/metrics" and "/metrics" in self._open)

    def _owner(self, token: bytes | None) -> str | None:
        if token is None:
            return None
        digest = hashlib.sha256(token).digest()
        found = None
        for known, name in self._names.items():
            if hmac.compare_digest(known, digest):
                found = name
        return found
