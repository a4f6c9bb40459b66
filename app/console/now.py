"""The first page: what the service does now."""

from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from app.console.charts import sparkline
from app.console.context import console_of
from app.console.render import service_of, strip
from app.pipeline.ports import DecisionQuery
from app.pipeline.service import SizingService
from app.pipeline.trace import DecisionSummary, summarise

SHOWN = 20


async def show(request: Request) -> Response:
    """Draw the page; a service that has just started shows what its journal ends with."""
    service = service_of(request)
    context = figures_of(service)
    if not context["recent"]:
        found = await service.showing.decisions(DecisionQuery(limit=SHOWN))
        context["recent"] = [summarise(entry["answer"]) for entry in found["decisions"]]
        context["from_journal"] = bool(context["recent"])
    return console_of(request).renderer.page(request, "now.html", context)


def figures_of(service: SizingService) -> dict[str, Any]:
    """Everything on the page that changes by itself."""
    recent, counts = service.showing.recent(), service.showing.counts
    total = sum(counts.values())
    pending, lag_sec = service.world.journal.lag()
    return {
        "strip": strip(service),
        "recent": recent[:SHOWN],
        "from_journal": False,
        "total": total,
        "rl": counts["rl"],
        "rl_share": counts["rl"] / total if total else None,
        "reasons": _reasons(recent),
        "latency": _latency(recent),
        "pending": pending,
        "lag_ms": 1e3 * lag_sec,
        "peak_value": service.beliefs.peak_value,
    }


def _reasons(recent: list[DecisionSummary]) -> list[tuple[str, int]]:
    """Fallback reasons of the last decisions, the commonest first."""
    names = [entry.fallback_reason for entry in recent if entry.fallback_reason is not None]
    return sorted(((name, names.count(name)) for name in set(names)), key=lambda pair: -pair[1])


def _latency(recent: list[DecisionSummary]) -> dict[str, Any] | None:
    if not recent:
        return None
    values = np.array([entry.latency_ms for entry in reversed(recent)])
    p50, p99 = np.percentile(values, [50.0, 99.0]).tolist()
    return {"p50": p50, "p99": p99, "n": len(recent), "line": sparkline(values[-120:].tolist())}
