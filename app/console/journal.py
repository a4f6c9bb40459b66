"""Searching the journal: decisions, and what operators and the breaker did."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from app.console.context import console_of
from app.console.query import REASONS, read_place, read_search
from app.console.render import service_of
from app.pipeline.trace import summarise

_PAGE: Final = 50


async def show(request: Request) -> Response:
    """Draw the form and a page of what was found, newest first."""
    search = read_search(request.query_params, _PAGE)
    service = service_of(request)
    if search.fields["id"]:
        decision = await service.showing.decision(search.fields["id"])
        base = request.scope.get("root_path", "") + "/console"
        return RedirectResponse(f"{base}/decisions/{decision['decision_id']}", 303)
    found = await service.showing.decisions(search.query)
    more = found["next_before_seq"]
    context = {
        "search": search,
        "reasons": REASONS,
        "rows": [(summarise(e["answer"]), _symbols(e["answer"])) for e in found["decisions"]],
        "older": None if more is None else search.link(before_seq=more),
        "exported": search.link(),
    }
    return console_of(request).renderer.page(request, "journal.html", context)


async def show_operations(request: Request) -> Response:
    """Draw who switched what and why, newest first."""
    found = await service_of(request).showing.operations(read_place(request.query_params))
    return console_of(request).renderer.page(request, "operations.html", found)


def _symbols(answer: Mapping[str, Any]) -> str:
    names = list(answer["allocations"])
    rest = len(names) - 4
    return ", ".join(names[:4]) + (f" and {rest} more" if rest > 0 else "")
