"""Renders pages from templates: the layout's context, the headers, the error page."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from app.console.assets import Assets
from app.console.figures import FILTERS
from app.console.sessions import Sessions, token_of
from app.core.access import Role
from app.pipeline.service import SizingService

_TEMPLATES: Final = Path(__file__).parent / "templates"
# everything comes from here, nothing inline, no page inside another's frame
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_PAGES: Final = (
    ("", "Now"),
    ("/limits", "Limits"),
    ("/signals", "Signals"),
    ("/policy", "Policy"),
    ("/journal", "Journal"),
    ("/what-if", "What if"),
    ("/operate", "Operate"),
)
MODES: Final[Mapping[str, str]] = {
    "fallback": "Phase 2 alone decides; no policy is asked.",
    "mock": "Predictions come from a seeded mock, not from a model.",
    "real": "A model is asked; Phase 2 decides where it fails.",
}


@cache
def _compiled_templates() -> Environment:
    """Compile all templates once a process: compiling at a request would delay decisions."""
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    templates.filters.update(FILTERS)
    for name in templates.list_templates():
        templates.get_template(name)
    return templates


class Renderer:
    """Renders templates to pages and parts of pages.

    Parameters
    ----------
    assets : Assets
    sessions : Sessions
        For the CSRF tokens of forms.
    """

    def __init__(self, assets: Assets, sessions: Sessions) -> None:
        self._assets = assets
        self._sessions = sessions
        self._templates = _compiled_templates()

    def page(
        self,
        request: Request,
        template: str,
        context: Mapping[str, Any],
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """Return a whole page with the layout around a template."""
        text = self.fragment(template, {**self._layout(request), **context})
        return HTMLResponse(
            text, status, headers={"Content-Security-Policy": _POLICY, **(headers or {})}
        )

    def fragment(self, template: str, context: Mapping[str, Any]) -> str:
        """Return a template without the layout, as HTML text."""
        return self._templates.get_template(template).render(context)

    def problem(
        self,
        request: Request,
        status: int,
        title: str,
        messages: Sequence[str],
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """Return the page of an error: its title, HTTP status and messages."""
        context = {"title": title, "status": status, "messages": messages}
        return self.page(request, "problem.html", context, status=status, headers=headers)

    def _layout(self, request: Request) -> dict[str, Any]:
        scope = request.scope
        base = scope.get("root_path", "") + "/console"
        owner, roles = scope.get("himari.owner", ""), scope.get("himari.roles", frozenset())
        return {
            "base": base,
            "here": request.url.path.removeprefix(base),
            "pages": _PAGES,
            "owner": owner,
            "has_session": token_of(scope) is not None and bool(owner),
            "may_operate": Role.OPERATE in roles,
            "may_read": bool(roles),
            "csrf": self._sessions.csrf_token(token_of(scope), owner),
            "asset": lambda name: self._asset(base, name),
            "strip": _strip_of_request(request) if roles else None,
        }

    def _asset(self, base: str, name: str) -> str | None:
        served_as = self._assets.served_as(name)
        return None if served_as is None else f"{base}/assets/{served_as}"


def service_of(request: Request) -> SizingService:
    """Return the running service of the application.

    Raises
    ------
    ServiceStopped
        If the service is not running.
    """
    service = getattr(request.app.state, "service", None)
    if service is None:
        raise ServiceStopped
    return cast("SizingService", service)


class ServiceStopped(Exception):
    """The service is not running yet, or no longer."""

    status = 503

    def __init__(self) -> None:
        super().__init__("The service is not running yet, or not any more.")


def _strip_of_request(request: Request) -> dict[str, Any] | None:
    """Return the status strip of a request, or None while the service does not run."""
    try:
        return status_strip(service_of(request))
    except ServiceStopped:
        return None


def status_strip(service: SizingService) -> dict[str, Any]:
    """Return mode, trading state, circuit and readiness, shown at the top of every page."""
    return {
        "mode": service.mode,
        "mode_text": MODES[service.mode],
        "trading": service.operating.trading_state(),
        "circuit": service.operating.circuit(),
        "ready": service.operating.ready()[1],
    }
