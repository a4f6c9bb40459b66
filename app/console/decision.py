"""The page of one decision, stage by stage."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.console.charts import STAGES, Waterfall, lay_out_waterfall
from app.console.context import console_of
from app.console.render import service_of

# waterfalls on the page; the numbers of every signal are in the table and in the JSON
_CHARTED: Final = 24
_SHOWN: Final = 200
_REASONS: Final = 10


async def show(request: Request) -> Response:
    """Return the page: the signals, the size after each stage, limits and policy."""
    trace = await service_of(request).showing.decision_trace(request.path_params["decision_id"])
    answer = trace["answer"]
    rows = [_row(entry) for entry in trace["signals"]]
    # largest first: a reader wants the positions held, then the signals that were cut
    rows.sort(key=lambda row: (-abs(row["final_usd"]), -abs(row["kelly_usd"])))
    context = {
        "trace": trace,
        "answer": answer,
        "policy": trace["policy"],
        "rows": rows[:_SHOWN],
        "charted": [row for row in rows if row["has_size"]][:_CHARTED],
        "unsized": [row for row in rows if not row["has_size"]][:_SHOWN],
        "more": max(0, len(rows) - _SHOWN),
        "positions": _positions(answer),
        "abstained": _abstentions(trace["policy"]["predictions"]),
    }
    return console_of(request).renderer.page(request, "decision.html", context)


def _abstentions(predictions: Sequence[Mapping[str, Any] | None]) -> list[tuple[str, int]]:
    """Return the reasons of rows without confidence and how many rows gave each, most first."""
    silent = [row for row in predictions if row is not None and row["confidence"] == 0.0]
    return Counter(row["reason"] or "no reason given" for row in silent).most_common(_REASONS)


def _row(entry: dict[str, Any]) -> dict[str, Any]:
    stages = entry["stages"]
    return {
        **entry,
        "waterfall": None if stages is None else _waterfall(stages),
        "has_size": stages is not None and any(stages.values()),
        "kelly_usd": 0.0 if stages is None else stages["kelly_usd"],
        "final_usd": 0.0 if stages is None else stages["final_usd"],
    }


def _waterfall(stages: dict[str, float]) -> Waterfall:
    return lay_out_waterfall([stages[f"{name}_usd"] for name, _ in STAGES])


def _positions(answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the targets beside Phase 2's, the largest first, those without a price last."""
    baseline = answer["baseline_allocations"]
    found = [
        {**position, "baseline_usd": baseline.get(position["symbol"])}
        for position in answer["positions"]
    ]
    return sorted(found, key=lambda position: -abs(position["target_usd"] or 0.0))[:_SHOWN]
