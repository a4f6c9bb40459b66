"""The page of the standing signals: whose word holds on what, and how long."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.console.context import console_of
from app.console.render import service_of

_SHOWN: Final = 500


async def show(request: Request) -> Response:
    """Return the page with the signals in force, by symbol and strategy."""
    service = service_of(request)
    found = service.standing.in_force()["signals"]
    context: dict[str, Any] = {
        "on": service.params.signals.standing,
        "signals": found[:_SHOWN],
        "more": max(0, len(found) - _SHOWN),
    }
    return console_of(request).renderer.page(request, "signals.html", context)
