"""The page that compares the policy with Phase 2 and shows what outcomes have taught."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.console.charts import lay_out_curves, lay_out_interval
from app.console.context import console_of
from app.console.render import service_of
from app.pipeline.service import SizingService
from app.pipeline.views import records_view

_SHOWN: Final = 100


async def show(request: Request) -> Response:
    """Return the page: both return curves, the paired advantage, records and coverage."""
    service = service_of(request)
    report = service.showing.performance()
    returns = service.beliefs.performance.paired_returns()
    context = {
        "report": report,
        "curves": lay_out_curves(returns) if returns else None,
        "interval": _interval(report["paired"]),
        **_records(service),
    }
    return console_of(request).renderer.page(request, "policy.html", context)


def _interval(paired: dict[str, Any]) -> Any:
    if paired["mean_difference"] is None:
        return None
    return lay_out_interval(paired["ci_low"], paired["mean_difference"], paired["ci_high"])


def _records(service: SizingService) -> dict[str, Any]:
    records = service.beliefs.records
    found = sorted(records_view(service.beliefs).items(), key=lambda pair: -pair[1]["outcomes"])
    return {
        "strategies": found[:_SHOWN],
        "more": max(0, len(found) - _SHOWN),
        "coverage": records.coverage(),
        "target": service.params.conformal.coverage,
        "refused": records.refused,
    }
