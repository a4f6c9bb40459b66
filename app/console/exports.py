"""Decisions that a search of the journal found, as CSV and as JSON."""

import csv
import io
from collections.abc import Mapping
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from app.console.figures import machine_time
from app.console.query import read_search
from app.console.render import service_of
from app.pipeline.spreadsheet import number_cell, text_cell

_MOST: Final = 1000
_COLUMNS: Final = (
    "time_utc",
    "decision_id",
    "strategy",
    "fallback_reason",
    "mode",
    "symbol",
    "target_usd",
    "baseline_usd",
    "weight",
    "trade_usd",
    "portfolio_value_usd",
    "binding_limits",
)


async def send_csv(request: Request) -> Response:
    """Send a line for each decision and symbol, at most 1,000 decisions."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for decision in await _found(request):
        writer.writerows(_lines(decision["answer"]))
    return _file(text.getvalue().encode(), "text/csv; charset=utf-8", "decisions.csv")


async def send_json(request: Request) -> Response:
    """Send the decisions whole, as ``GET /decisions`` does, at most 1,000."""
    found = {"decisions": await _found(request)}
    return _file(orjson.dumps(found), "application/json", "decisions.json")


async def _found(request: Request) -> list[dict[str, Any]]:
    search = read_search(request.query_params, _MOST)
    found = await service_of(request).showing.decisions(search.query)
    decisions: list[dict[str, Any]] = found["decisions"]
    return decisions


def _lines(answer: Mapping[str, Any]) -> list[list[Any]]:
    bound = " ".join(f"{entry['limit']}:{entry['id']}" for entry in answer["binding_limits"])
    return [
        [
            machine_time(answer["timestamp_ns"]),
            answer["decision_id"],
            answer["strategy"],
            answer["fallback_reason"] or "",
            answer["mode"],
            text_cell(position["symbol"]),
            number_cell(position["target_usd"]),
            number_cell(_baseline_usd(answer, position)),
            number_cell(position["weight"]),
            number_cell(position["trade_usd"]),
            number_cell(answer["portfolio_value"]),
            text_cell(bound),
        ]
        for position in answer["positions"]
    ]


def _baseline_usd(answer: Mapping[str, Any], position: Mapping[str, Any]) -> float | None:
    if position["target_usd"] is None:
        return None
    usd: float = answer["baseline_allocations"].get(position["symbol"], 0.0)
    return usd


def _file(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, media_type=media_type)
