"""Access to the console: which pages are public, whose session it is, what a refusal shows."""

from typing import Final
from urllib.parse import quote

from starlette._utils import get_route_path
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Scope

from app.console.render import Renderer
from app.console.sessions import Sessions, token_of
from app.core.access import AccessKey, KeyRing

PREFIX: Final = "/console"
LOGIN: Final = f"{PREFIX}/login"
ASSETS: Final = f"{PREFIX}/assets/"


class ConsoleAccess:
    """The console's part of `app.api.gate.access.PageAccess`.

    Parameters
    ----------
    sessions : Sessions
    renderer : Renderer
    """

    def __init__(self, sessions: Sessions, renderer: Renderer) -> None:
        self._sessions = sessions
        self._renderer = renderer

    def serves(self, path: str) -> bool:
        """Whether a path is one of the console's."""
        return path == PREFIX or path.startswith(f"{PREFIX}/")

    def is_public(self, path: str) -> bool:
        """Whether a path needs no key: the login page, and what it is drawn with."""
        return path == LOGIN or path.startswith(ASSETS)

    def session_key(self, scope: Scope, keys: KeyRing) -> AccessKey | None:
        """Find the key of a request's session among those in force."""
        return self._sessions.key_of(token_of(scope), keys)

    def refusal(self, scope: Scope, status: int, title: str, error: Exception) -> ASGIApp:
        """Redirect to the login page where a session is missing, else say what was refused."""
        request = Request(scope)
        if status == 401:
            return self._to_login(request)
        headers = dict(getattr(error, "headers", {}))
        return self._renderer.problem(request, status, title, [str(error)], headers)

    def _to_login(self, request: Request) -> Response:
        login = request.scope.get("root_path", "") + LOGIN
        if request.method in {"GET", "HEAD"} and not _wants_no_page(request.headers):
            path = get_route_path(request.scope)
            query = request.url.query
            back = quote(f"{path}?{query}" if query else path, safe="/")
            return RedirectResponse(f"{login}?next={back}", 303)
        # a fragment or a form that came too late: a redirect would swallow it
        headers = {"HX-Redirect": login} if "hx-request" in request.headers else {}
        message = ["The session has ended. Sign in again; nothing was changed."]
        return self._renderer.problem(request, 401, "Sign in", message, headers)


def _wants_no_page(headers: Headers) -> bool:
    streams = "text/event-stream" in headers.get("accept", "")
    return streams or "hx-request" in headers
