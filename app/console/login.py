"""Signing in with an API key, signing out, and what needs neither."""

from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.console.access import PREFIX
from app.console.context import ConsoleContext, console_of
from app.console.errors import FormRefused
from app.console.forms import read_form, refuse_foreign_form
from app.console.sessions import COOKIE, token_of

_LOG = structlog.get_logger(__name__)
# anybody may send this form, and holds a place until it is whole; a browser sends it at once
_READ_SEC: Final = 2.0
_YEAR: Final = "public, max-age=31536000, immutable"


async def ask(request: Request) -> Response:
    """Show the form; where no key is needed there is nothing to ask for."""
    console = console_of(request)
    if console.keys is None:
        return _go(request, PREFIX)
    known = console.sessions.key_of(token_of(request.scope), console.keys())
    if known is not None:
        return _go(request, _wanted(request.query_params.get("next", "")))
    return _form(request, console)


async def open_session(request: Request) -> Response:
    """Open a session of the key that was given."""
    console = console_of(request)
    if console.keys is None:
        return _go(request, PREFIX)
    address = request.client.host if request.client else ""
    wait = console.failures.seconds_to_wait(address)
    if wait > 0.0:
        return _form(request, console, wait_sec=wait)
    with console.logins.hold():
        form = await read_form(request, within_sec=_READ_SEC)
    key = console.keys().find(form.get("key", "").strip().encode("utf-8", "replace"))
    if key is None:
        console.failures.add(address)
        _LOG.warning("console_login_refused", address=address)
        return _form(request, console, wrong=True, wanted=form.get("next", ""))
    console.sessions.close(token_of(request.scope))
    _LOG.info("console_login", key=key.name, address=address)
    answer = _go(request, _wanted(form.get("next", "")))
    answer.set_cookie(
        COOKIE,
        console.sessions.open(key),
        max_age=int(console.sessions.lasts_sec),
        path=_path(request),
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="strict",
    )
    return answer


async def close_session(request: Request) -> Response:
    """End the session."""
    console = console_of(request)
    refuse_foreign_form(request, await read_form(request), console.sessions)
    console.sessions.close(token_of(request.scope))
    answer = _go(request, f"{PREFIX}/login")
    answer.delete_cookie(COOKIE, path=_path(request), httponly=True, samesite="strict")
    return answer


async def send_asset(request: Request) -> Response:
    """Send a file under the name that tells its content; it may be kept for ever."""
    asset = console_of(request).assets.find(request.path_params["name"])
    if asset is None:
        return await find_nothing(request)
    return Response(asset.content, media_type=asset.media_type, headers={"Cache-Control": _YEAR})


async def find_nothing(request: Request) -> Response:
    """Say that there is no such page."""
    raise FormRefused(404, f"there is no page {request.url.path[:200]}")


def _form(
    request: Request,
    console: ConsoleContext,
    *,
    wrong: bool = False,
    wait_sec: float = 0.0,
    wanted: str = "",
) -> Response:
    following = _wanted(wanted or request.query_params.get("next", ""))
    context = {"wrong": wrong, "wait_sec": wait_sec, "next": following}
    status, headers = 401 if wrong else 200, {}
    if wait_sec > 0.0:
        status, headers = 429, {"Retry-After": str(int(wait_sec) + 1)}
    return console.renderer.page(request, "login.html", context, status=status, headers=headers)


def _wanted(path: str) -> str:
    """Where to go after the login: a page of the console, or its first one."""
    inside = path == PREFIX or path.startswith((f"{PREFIX}/", f"{PREFIX}?"))
    # a browser reads a backslash as a slash, and a control character as nothing
    sane = path.isascii() and path.isprintable() and "\\" not in path and "//" not in path
    return path if inside and sane else PREFIX


def _path(request: Request) -> str:
    return str(request.scope.get("root_path", "")) + PREFIX


def _go(request: Request, path: str) -> Response:
    return RedirectResponse(str(request.scope.get("root_path", "")) + path, 303)
