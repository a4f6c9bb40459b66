"""Pages out of templates: the layout's context, the headers, the page that tells of a problem."""

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
    """Compile every template once a process, so that no page holds up a decision by it."""
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
    """Draws templates.

    Parameters
    ----------
    assets : Assets
    sessions : Sessions
        For the tokens that forms carry.
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
        """Draw a whole page."""
        text = self.fragment(template, {**self._layout(request), **context})
        return HTMLResponse(
            text, status, headers={"Content-Security-Policy": _POLICY, **(headers or {})}
        )

    def fragment(self, template: str, context: Mapping[str, Any]) -> str:
        """Draw a part of a page."""
        return self._templates.get_template(template).render(context)

    def problem(
        self,
        request: Request,
        status: int,
        title: str,
        told: Sequence[str],
        headers: Mapping[str, str] | None = None,
    ) -> HTMLResponse:
        """Draw the page that says what went wrong."""
        context = {"title": title, "status": status, "told": told}
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
            "csrf": self._sessions.csrf(token_of(scope), owner),
            "asset": lambda name: self._asset(base, name),
            "strip": strip_of(request) if roles else None,
        }

    def _asset(self, base: str, name: str) -> str | None:
        served_as = self._assets.served_as(name)
        return None if served_as is None else f"{base}/assets/{served_as}"


def service_of(request: Request) -> SizingService:
    """Find the service that the lifespan started.

    Raises
    ------
    ServiceStopped
        Before the start and after the stop.
    """
    service = getattr(request.app.state, "service", None)
    if service is None:
        raise ServiceStopped
    return cast("SizingService", service)


class ServiceStopped(Exception):
    """The service is not running yet, or not any more."""

    status = 503

    def __init__(self) -> None:
        super().__init__("The service is not running yet, or not any more.")


def strip_of(request: Request) -> dict[str, Any] | None:
    """Say what every page has at its top; nothing while the service does not run."""
    try:
        return strip(service_of(request))
    except ServiceStopped:
        return None


def strip(service: SizingService) -> dict[str, Any]:
    """Gather mode, trading state and circuit of a service."""
    return {
        "mode": service.mode,
        "mode_told": MODES[service.mode],
        "trading": service.operating.trading_state(),
        "circuit": service.operating.circuit(),
        "ready": service.operating.ready()[1],
    }
