"""Browsers: security headers on every answer, no changes by pages of another origin."""

import base64
import hashlib
import re
from collections.abc import Collection
from typing import Any, Final

from starlette._utils import get_route_path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.problems import CrossSite

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE: Final = frozenset({b"same-origin", b"none"})
_DEFAULT_PORT: Final = re.compile(rb"(:80|:443)$")
_INLINE_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)

_EVERYWHERE: Final = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cache-control", b"no-store"),
]
_POLICY: Final = b"content-security-policy"
_NOTHING: Final = (_POLICY, b"default-src 'none'; frame-ancestors 'none'")
SECURITY_HEADERS: Final = (*_EVERYWHERE, _NOTHING)
# the framework's pages take their scripts, styles and pictures from there
_DOCS_POLICY: Final = (
    "default-src 'none'; script-src https://cdn.jsdelivr.net {inline}; "
    "style-src https://cdn.jsdelivr.net https://fonts.googleapis.com 'unsafe-inline'; "
    "font-src https://fonts.gstatic.com; "
    "img-src 'self' data: https://fastapi.tiangolo.com https://cdn.redoc.ly; "
    "connect-src 'self'; worker-src blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)


def refuse_cross_site(scope: Scope) -> None:
    """Refuse a request that may change something and comes from a page of another origin.

    Browsers send how the page relates to this service (Fetch Metadata, section 2.3): no page can
    change that, and it needs no host name, which a proxy may rewrite. Where they do not send it,
    as over plain HTTP on a network, they send the page's origin with every request that may change
    something (Fetch, "Origin" header). Programs send neither.

    Raises
    ------
    CrossSite
        If a page of another origin sent it.
    """
    if scope["method"] in SAFE_METHODS:
        return
    host = origin = site = b""
    for name, value in scope["headers"]:
        if name == b"host":
            host = value
        elif name == b"origin":
            origin = value
        elif name == b"sec-fetch-site":
            site = value.strip().lower()
    own = site in _OWN_SITE if site else not origin or _is_same(origin, host)
    if not own:
        raise CrossSite("the request comes from a page of another origin")


def _is_same(origin: bytes, host: bytes) -> bool:
    scheme, separator, place = origin.lower().partition(b"://")
    if not separator or scheme not in {b"http", b"https"}:
        return False
    # the scheme may differ where a proxy ends TLS, and with it the port that goes unsaid
    return _DEFAULT_PORT.sub(b"", place) == _DEFAULT_PORT.sub(b"", host.strip().lower())


class SecurityHeaders:
    """ASGI middleware that puts security headers on every answer.

    Parameters
    ----------
    app : ASGIApp
    pages : collection of str
        Paths of the framework's own pages, whose inline scripts may run.
    """

    def __init__(self, app: ASGIApp, pages: Collection[str] = ()) -> None:
        self._app = app
        self._pages = frozenset(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif get_route_path(scope) in self._pages:
            await self._app(scope, receive, _Page(send))
        else:

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _complete(message, _NOTHING)
                await send(message)

            await self._app(scope, receive, send_with_headers)


class _Page:
    """Send a page with a content policy that holds the hash of each of its inline scripts."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            _complete(start, (_POLICY, _page_policy(message.get("body", b""))))
            await self._send(start)
        await self._send(message)


def _page_policy(body: bytes) -> bytes:
    digests = [hashlib.sha256(script).digest() for script in _INLINE_SCRIPT.findall(body)]
    hashes = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests]
    return _DOCS_POLICY.format(inline=" ".join(hashes)).encode()


def _complete(start: Message, policy: tuple[bytes, bytes]) -> None:
    """Add the security headers that an answer does not set itself."""
    headers: list[Any] = start["headers"]
    said = {name for name, _ in headers}
    start["headers"] = headers + [each for each in (*_EVERYWHERE, policy) if each[0] not in said]
