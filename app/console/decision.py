"""One decision opened up, stage by stage."""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.console.charts import STAGES, Waterfall, waterfall
from app.console.context import console_of
from app.console.render import service_of

# waterfalls drawn; the numbers of every signal are in the table and in the JSON
_DRAWN: Final = 24
_SHOWN: Final = 200


async def show(request: Request) -> Response:
    """Draw what came in, what each stage left of it, and what limits and policy did."""
    trace = await service_of(request).showing.decision_trace(request.path_params["decision_id"])
    answer = trace["answer"]
    rows = [_row(entry) for entry in trace["signals"]]
    # largest first: who opens a decision wants to know what it holds, then what was cut
    rows.sort(key=lambda row: (-abs(row["final_usd"]), -abs(row["kelly_usd"])))
    context = {
        "trace": trace,
        "answer": answer,
        "policy": trace["policy"],
        "rows": rows[:_SHOWN],
        "drawn": [row for row in rows if row["has_size"]][:_DRAWN],
        "silent": [row for row in rows if not row["has_size"]][:_SHOWN],
        "more": max(0, len(rows) - _SHOWN),
        "positions": _positions(answer),
    }
    return console_of(request).renderer.page(request, "decision.html", context)


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    stages = entry["stages"]
    return {
        **entry,
        "fall": None if stages is None else _fall(stages),
        "has_size": stages is not None and any(stages.values()),
        "kelly_usd": 0.0 if stages is None else stages["kelly_usd"],
        "final_usd": 0.0 if stages is None else stages["final_usd"],
    }


def _fall(stages: dict[str, float]) -> Waterfall:
    return waterfall([stages[f"{name}_usd"] for name, _ in STAGES])


def _positions(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Targets with Phase 2's beside them, the largest first."""
    baseline = answer["baseline_allocations"]
    found = [
        {**position, "baseline_usd": baseline.get(position["symbol"])}
        for position in answer["positions"]
    ]
    return sorted(found, key=lambda position: -abs(position["target_usd"]))[:_SHOWN]
