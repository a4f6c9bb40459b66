"""The routes of the console, and the conversion of errors to pages."""

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from app.console import (
    comparison,
    correct,
    decision,
    exports,
    journal,
    limits,
    live,
    login,
    now,
    operate,
    signals,
    what_if,
)
from app.console.access import ASSETS, LOGIN, PREFIX
from app.console.context import ConsoleContext, console_of
from app.console.errors import FormRefused
from app.console.render import ServiceStopped
from app.core.errors import InvalidInput

Endpoint = Callable[[Request], Awaitable[Response]]

_READ: Final = ["GET"]
_POST: Final = ["POST"]
ROUTES: Final[tuple[tuple[str, Endpoint, list[str]], ...]] = (
    (PREFIX, now.show, _READ),
    (f"{PREFIX}/events", live.stream, _READ),
    (f"{PREFIX}/limits", limits.show, _READ),
    (f"{PREFIX}/signals", signals.show, _READ),
    (f"{PREFIX}/decisions/{{decision_id}}", decision.show, _READ),
    (f"{PREFIX}/policy", comparison.show, _READ),
    (f"{PREFIX}/journal", journal.show, _READ),
    (f"{PREFIX}/journal/operations", journal.show_operations, _READ),
    (f"{PREFIX}/journal.csv", exports.send_csv, _READ),
    (f"{PREFIX}/journal.json", exports.send_json, _READ),
    (f"{PREFIX}/what-if", what_if.show, _READ),
    (f"{PREFIX}/what-if", what_if.size, _POST),
    (f"{PREFIX}/operate", operate.show, _READ),
    (f"{PREFIX}/operate/{{act}}", operate.show_confirmation, _READ),
    (f"{PREFIX}/operate/{{act}}", operate.perform, _POST),
    (f"{PREFIX}/correct/{{correction}}", correct.show_form, _READ),
    (f"{PREFIX}/correct/{{correction}}", correct.perform, _POST),
    (LOGIN, login.show_form, _READ),
    (LOGIN, login.open_session, _POST),
    (f"{PREFIX}/logout", login.close_session, _POST),
    (f"{ASSETS}{{name}}", login.send_asset, _READ),
    (f"{PREFIX}/{{rest:path}}", login.refuse_unknown_page, _READ),
)


def install(app: FastAPI, context: ConsoleContext) -> None:
    """Put the pages on an application that the API has been put on, with ``context.access``."""
    app.state.console = context
    for path, endpoint, methods in ROUTES:
        app.add_route(path, _with_error_page(endpoint), methods=methods, include_in_schema=False)


def _with_error_page(endpoint: Endpoint) -> Endpoint:
    """Return an endpoint that answers every known error with a page."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except Exception as error:
            page = _error_page(request, error)
            if page is None:
                raise
            return page

    return answer


def _error_page(request: Request, error: Exception) -> Response | None:
    console = console_of(request)
    if isinstance(error, FormRefused | ServiceStopped):
        title = "Not done" if request.method == "POST" else "Not shown"
        headers = error.headers if isinstance(error, FormRefused) else None
        return console.renderer.problem(request, error.status, title, [str(error)], headers)
    kind = console.kind_of(error)
    if kind.status == 500:
        return None
    messages = error_messages(error)
    return console.renderer.problem(request, kind.status, kind.title, messages, kind.headers)


def error_messages(error: Exception) -> list[str]:
    """Return the message of an error, or one for each invalid field."""
    if isinstance(error, InvalidInput):
        return [f"{p.path or 'the text'}: {p.message}, was {p.was!r:.200}" for p in error.problems]
    return [str(error)]
