"""Who gets in: a key with the right role, or, where there is no key at all, this machine.

What a request needs is read from its method and path alone, before its body: reading needs any
key, trading the role ``trade``, everything else that changes something the role ``operate``, so
that a route which nobody thought of here is an operator's. The name of the key is what
idempotency keys belong to and what the journal says of who acted.
"""

from collections.abc import Callable
from typing import Final

import structlog
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.browser import SAFE_METHODS, refuse_cross_site
from app.api.locality import refuse_strangers
from app.api.problems import Forbidden, RequestRefused, Unauthorized, problem
from app.api.rate_limit import RateLimiter
from app.core.access import KeyRing, Role

KeySource = Callable[[], KeyRing]

TRADING: Final = frozenset({"/allocate", "/outcomes", "/market/prices", "/market/returns"})
_HEALTH: Final = "/health/"
_METRICS: Final = "/metrics"
_LOG = structlog.get_logger(__name__)


def role_needed(method: str, path: str) -> Role:
    """Say what a request needs."""
    if method in SAFE_METHODS:
        return Role.READ
    return Role.TRADE if path in TRADING else Role.OPERATE


def bearer_of(scope: Scope) -> bytes | None:
    """Token of the Authorization header, or None."""
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(given) != 1:
        return None
    scheme, _, token = given[0].partition(b" ")
    return token.strip() if scheme.lower() == b"bearer" else None


class Guard:
    """ASGI middleware that lets through who may, and notes who it is.

    Parameters
    ----------
    app : ASGIApp
    keys : callable giving the KeyRing in force, or None
        None: there is no key, and only this machine is served.
    limiter : RateLimiter or None
        Operators are never held up: the kill switch must work while a key floods.
    metrics_open : bool
        Whether ``/metrics`` needs no key where there are keys.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: KeySource | None,
        limiter: RateLimiter | None,
        metrics_open: bool,
    ) -> None:
        self._app = app
        self._keys = keys
        self._limiter = limiter
        self._metrics_open = metrics_open and keys is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] == "http" and not self._is_open(scope["path"]):
            try:
                scope["himari.owner"] = self._admitted(scope)
            except RequestRefused as refusal:
                await problem(scope, refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return path.startswith(_HEALTH) or (self._metrics_open and path == _METRICS)

    def _admitted(self, scope: Scope) -> str:
        """Name of the key, "" where none is needed."""
        role = role_needed(scope["method"], scope["path"])
        if self._keys is None:
            refuse_strangers(scope)
            name = ""
        else:
            name = self._name_of_key(scope, self._keys(), role)
        refuse_cross_site(scope)
        if self._limiter is not None and role is not Role.OPERATE:
            self._limiter.take(name)
        return name

    @staticmethod
    def _name_of_key(scope: Scope, keys: KeyRing, role: Role) -> str:
        token = bearer_of(scope)
        key = None if token is None else keys.find(token)
        if key is None:
            raise Unauthorized("send a valid API key as Authorization: Bearer")
        if not key.may(role):
            _LOG.warning("role_missing", key=key.name, role=role.value, path=scope["path"][:200])
            raise Forbidden(role.value)
        return key.name
