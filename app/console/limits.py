"""Allocations against limits: how full each is, and what bound a size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.console.charts import share_of
from app.console.context import console_of
from app.console.render import service_of

LEVELS: Final = (("portfolio", "Portfolio"), ("strategy", "Strategies"), ("position", "Symbols"))
_SHOWN: Final = 100
_CLOSED: Final = ("no room: every target is zero",)


@dataclass(frozen=True, slots=True)
class Bar:
    """Use of one limit; the last four are in percent of the level's widest bar."""

    name: str
    used_usd: float
    limit_usd: float
    utilization_pct: float
    baseline_usd: float | None
    bound_by: tuple[str, ...]
    used: float
    limit: float
    baseline: float | None


async def show(request: Request) -> Response:
    """Draw the use of every limit by the newest decision of this process."""
    service = service_of(request)
    recent, rows = service.showing.recent(), service.showing.risk_budget()["limits"]
    context: dict[str, Any] = {"decision": None, "levels": [], "before": None}
    if recent:
        decision = await service.showing.decision(recent[0].decision_id)
        answer = decision["answer"]
        groups = [entry for entry in answer["binding_limits"] if entry["limit"] == "group"]
        context |= {"decision": answer, "levels": levels_of(rows, answer), "groups": groups}
    return console_of(request).renderer.page(request, "limits.html", context)


def levels_of(rows: list[Mapping[str, Any]], answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Bars level by level, the fullest first; of more than 100 the others are only counted."""
    levels = []
    for level, title in LEVELS:
        mine = sorted(
            (row for row in rows if row["level"] == level),
            key=lambda row: -row["utilization_pct"],
        )
        widest = max((max(row["used_usd"], row["limit_usd"]) for row in mine), default=0.0)
        bars = [_bar(row, answer, widest) for row in mine[:_SHOWN]]
        levels.append(
            {"level": level, "title": title, "bars": bars, "more": max(0, len(mine) - _SHOWN)}
        )
    return levels


def _bar(row: Mapping[str, Any], answer: Mapping[str, Any], widest: float) -> Bar:
    level, name = row["level"], row["identifier"]
    baseline = _baseline_of(level, name, answer)
    return Bar(
        name=name,
        used_usd=row["used_usd"],
        limit_usd=row["limit_usd"],
        utilization_pct=row["utilization_pct"],
        baseline_usd=baseline,
        bound_by=tuple(_bound_by(level, name, answer)) if row["limit_usd"] > 0.0 else _CLOSED,
        used=share_of(row["used_usd"], widest),
        limit=share_of(row["limit_usd"], widest),
        baseline=None if baseline is None else share_of(baseline, widest),
    )


def _baseline_of(level: str, name: str, answer: Mapping[str, Any]) -> float | None:
    """USD that Phase 2 alone would use; of a strategy it is not known."""
    if level == "portfolio":
        return float(sum(map(abs, answer["baseline_allocations"].values())))
    if level == "position":
        return abs(float(answer["baseline_allocations"].get(name, 0.0)))
    return None


def _bound_by(level: str, name: str, answer: Mapping[str, Any]) -> list[str]:
    """Name what held a size down, nearest first."""
    told = [
        f"{entry['limit']} limit, asked {entry['requested_usd']:,.0f}"
        for entry in answer["binding_limits"]
        if entry["limit"] == level and entry["id"] == name
    ]
    if level == "position" and not told:
        told = _farther_limits(name, answer)
    recommendation = answer["cascade"]["recommendation"]
    if recommendation != "MONITOR":
        told.append(f"cascade {recommendation}")
    return told


def _farther_limits(symbol: str, answer: Mapping[str, Any]) -> list[str]:
    """Limits of others that a symbol's size counts towards, and what correlation took."""
    strategies = {
        part["strategy_id"]
        for position in answer["positions"]
        if position["symbol"] == symbol
        for part in position["contributions"]
    }
    told = [
        f"{entry['limit']} limit of {entry['id']}"
        for entry in answer["binding_limits"]
        if entry["limit"] == "strategy" and entry["id"] in strategies
    ]
    told += ["portfolio limit" for e in answer["binding_limits"] if e["limit"] == "portfolio"]
    kept = answer["correlation_penalties"].get(symbol, 1.0)
    if kept < 0.995 and not told:
        told.append(f"correlation: {100.0 * kept:.0f} % of Phase 1 kept")
    return told
