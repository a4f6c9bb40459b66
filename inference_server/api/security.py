"""The API key: ``Authorization: Bearer`` on everything but what is always open."""

import hashlib
import hmac

from pydantic import SecretStr
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from edge.access import bearer_token, is_open
from edge.problems import Unauthorized
from inference_server.api.problems import answer_error


class ApiKey:
    """The API key that callers must send; None means that no key is needed.

    Compared as SHA-256 digests in constant time, so neither content nor length shows.
    """

    def __init__(self, key: SecretStr | None, *, metrics_open: bool) -> None:
        self._digest = None if key is None else _digest(key.get_secret_value().encode())
        self._metrics_open = metrics_open

    def check(self, scope: Scope) -> None:
        """Raise unless a request has the key or needs none.

        Raises
        ------
        Unauthorized
            If the key is missing or wrong.
        """
        path = get_route_path(scope)
        if self._digest is None or is_open(path, metrics_open=self._metrics_open):
            return
        if not hmac.compare_digest(self._digest, _digest(bearer_token(scope) or b"")):
            raise Unauthorized("send a valid API key as Authorization: Bearer")


class BearerKey:
    """ASGI middleware that answers 401 to requests without the key."""

    def __init__(self, app: ASGIApp, key: ApiKey) -> None:
        self._app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] == "http":
            try:
                self._key.check(scope)
            except Unauthorized as refusal:
                await answer_error(scope, refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _digest(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
