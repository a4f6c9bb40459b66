"""Access: a key with the right role, or, where no key is set, this machine.

What a request needs is read from its method and path alone (the path below a proxy's root path,
as routes are found), before its body: reading needs any key, trading and the standing signals the
role ``trade``, everything else that changes something the role ``operate``, so that a route which
nobody thought of here is an operator's. The name of the key is what idempotency keys belong to and
what the journal says of who acted.
"""

from collections.abc import Callable
from typing import Final, Protocol

import structlog
from starlette._utils import get_route_path
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.gate.rate_limit import RateLimiter
from app.api.response.problems import Forbidden, NoKeySet, kind_of, problem
from app.core.access import ALL_ROLES, AccessKey, KeyRing, Role
from edge.access import bearer_token, is_open
from edge.browser import SAFE_METHODS, refuse_cross_site
from edge.locality import remote_reason
from edge.problems import RequestRefused, Unauthorized

KeySource = Callable[[], KeyRing]

TRADING: Final = frozenset({"/allocate", "/outcomes", "/market/prices", "/market/returns"})
# seen and ended by those who send them
_SIGNALS: Final = "/signals"
# posts of the console that change nothing of the service
READING: Final = frozenset({"/console/login", "/console/logout", "/console/what-if"})
_LOG = structlog.get_logger(__name__)


def role_needed(method: str, path: str) -> Role:
    """Say what a request needs."""
    if (path == _SIGNALS and method in SAFE_METHODS) or (
        path.startswith(f"{_SIGNALS}/") and method == "DELETE"
    ):
        return Role.TRADE
    if method in SAFE_METHODS:
        return Role.READ
    if path in READING:
        return Role.READ
    return Role.TRADE if path in TRADING else Role.OPERATE


class PageAccess(Protocol):
    """Access to pages for people, behind the same keys; a browser holds one as a session."""

    def serves(self, path: str) -> bool:
        """Whether a path is one of the pages."""
        ...

    def is_public(self, path: str) -> bool:
        """Whether a page needs no key: the login page, and what it is drawn with."""
        ...

    def session_key(self, scope: Scope, keys: KeyRing) -> AccessKey | None:
        """Find the key of a request's session among those in force."""
        ...

    def refusal(self, scope: Scope, status: int, title: str, error: Exception) -> ASGIApp:
        """Make the page that says what was refused, or redirects to the login page."""
        ...


class AccessMiddleware:
    """ASGI middleware that refuses callers without the role, and notes the name of the key.

    Parameters
    ----------
    app : ASGIApp
    keys : callable giving the KeyRing in force, or None
        None: there is no key, and only this machine is served.
    limiter : RateLimiter or None
        Does not bind operators: the kill switch must work while a key floods.
    metrics_open : bool
        Whether ``/metrics`` answers everybody, without a key and from anywhere.
    page_access : PageAccess, optional
        Of pages where a session does as well as a key.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        keys: KeySource | None,
        limiter: RateLimiter | None,
        metrics_open: bool,
        page_access: PageAccess | None = None,
    ) -> None:
        self._app = app
        self._page_access = page_access
        self._keys = keys
        self._limiter = limiter
        self._metrics_open = metrics_open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] == "http" and not is_open(
            get_route_path(scope), metrics_open=self._metrics_open
        ):
            try:
                scope["himari.owner"] = self._caller_name(scope)
            except RequestRefused as refusal:
                await self._refusal(scope, refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, refusal: RequestRefused) -> ASGIApp:
        pages = self._page_access
        if pages is None or not pages.serves(get_route_path(scope)):
            return problem(scope, refusal)
        kind = kind_of(refusal)
        return pages.refusal(scope, kind.status, kind.title, refusal)

    def _caller_name(self, scope: Scope) -> str:
        """Check the caller; give the name of the key, "" where none is needed."""
        path = get_route_path(scope)
        role = role_needed(scope["method"], path)
        scope["himari.roles"] = frozenset()
        if self._keys is None:
            why = remote_reason(scope)
            if why is not None:
                raise NoKeySet(why)
            scope["himari.roles"] = ALL_ROLES
            name = ""
        elif self._page_access is not None and self._page_access.is_public(path):
            name = ""
        else:
            name = self._name_of_key(scope, self._keys(), role)
        refuse_cross_site(scope)
        if self._limiter is not None and role is not Role.OPERATE:
            self._limiter.take(name)
        return name

    def _name_of_key(self, scope: Scope, keys: KeyRing, role: Role) -> str:
        token = bearer_token(scope)
        key = self._key_of_session(scope, keys) if token is None else keys.find(token)
        if key is None:
            raise Unauthorized("send a valid API key as Authorization: Bearer")
        scope["himari.roles"] = key.roles
        if not key.may(role):
            _LOG.warning("role_missing", key=key.name, role=role.value, path=scope["path"][:200])
            raise Forbidden(role.value)
        return key.name

    def _key_of_session(self, scope: Scope, keys: KeyRing) -> AccessKey | None:
        """Find the key of a session, which opens the pages and nothing else."""
        pages = self._page_access
        if pages is None or not pages.serves(get_route_path(scope)):
            return None
        return pages.session_key(scope, keys)
