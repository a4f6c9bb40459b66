"""The API key: ``Authorization: Bearer`` on everything but what is always open."""

import hashlib
import hmac
from typing import Final

from pydantic import SecretStr
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from inference_server.api.problems import Unauthorized, problem

_HEALTH: Final = "/health/"


class ApiKey:
    """What callers must send; None lets everybody in.

    Compared as SHA-256 digests in constant time, so neither content nor length shows.
    """

    def __init__(self, key: SecretStr | None, *, metrics_open: bool) -> None:
        self._digest = None if key is None else _digest(key.get_secret_value().encode())
        self._metrics_open = metrics_open

    def check(self, scope: Scope) -> None:
        """Let a request pass.

        Raises
        ------
        Unauthorized
            If it needs the key and has not got it.
        """
        if self._digest is None or self._is_open(get_route_path(scope)):
            return
        if not hmac.compare_digest(self._digest, _digest(_bearer_of(scope))):
            raise Unauthorized("send a valid API key as Authorization: Bearer")

    def _is_open(self, path: str) -> bool:
        return path.startswith(_HEALTH) or (self._metrics_open and path == "/metrics")


class BearerKey:
    """ASGI middleware that lets through who has the key."""

    def __init__(self, app: ASGIApp, key: ApiKey) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] == "http":
            try:
                self._key.check(scope)
            except Unauthorized as refusal:
                await problem(scope, refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _bearer_of(scope: Scope) -> bytes:
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, token = given[0].partition(b" ") if len(given) == 1 else (b"", b"", b"")
    return bytes(token.strip()) if scheme.lower() == b"bearer" else b""


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
