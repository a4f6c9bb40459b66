"""Allocations against limits: how full each is, and what bound a size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from app.console.charts import share_of
from app.console.context import console_of
from app.console.render import service_of
from app.core.limits import KINDS, POSITION, Holdings, Kind
from app.core.params import LimitParams

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
        answer, limits = decision["answer"], service.params.limits
        context |= {"decision": answer, "levels": levels_of(rows, answer, limits)}
    return console_of(request).renderer.page(request, "limits.html", context)


def levels_of(
    rows: list[Mapping[str, Any]], answer: Mapping[str, Any], params: LimitParams
) -> list[dict[str, Any]]:
    """Bars of each kind that has limits, the fullest first; beyond 100 they are only counted."""
    baselines = _baselines(answer, params)
    levels = []
    for kind in reversed(KINDS):
        mine = sorted(
            (row for row in rows if row["level"] == kind.level),
            key=lambda row: -row["utilization_pct"],
        )
        if not mine:
            continue
        widest = max(max(row["used_usd"], row["limit_usd"]) for row in mine)
        bars = [
            _bar(
                row,
                baselines.get((kind.level, row["identifier"])),
                _bound_by(kind, row["identifier"], answer, params),
                widest,
            )
            for row in mine[:_SHOWN]
        ]
        levels.append({"title": kind.title, "bars": bars, "more": max(0, len(mine) - _SHOWN)})
    return levels


def _bar(row: Mapping[str, Any], baseline: float | None, bound_by: list[str], widest: float) -> Bar:
    return Bar(
        name=row["identifier"],
        used_usd=row["used_usd"],
        limit_usd=row["limit_usd"],
        utilization_pct=row["utilization_pct"],
        baseline_usd=baseline,
        bound_by=tuple(bound_by) if row["limit_usd"] > 0.0 else _CLOSED,
        used=share_of(row["used_usd"], widest),
        limit=share_of(row["limit_usd"], widest),
        baseline=None if baseline is None else share_of(baseline, widest),
    )


def _baselines(answer: Mapping[str, Any], params: LimitParams) -> dict[tuple[str, str], float]:
    """USD that Phase 2 alone would use of each limit; of a strategy it is not known."""
    holdings = Holdings(answer["baseline_allocations"])
    return {
        (kind.level, use.identifier): float(use.used)
        for kind in KINDS
        for use in kind.use(holdings, params)
    }


def _bound_by(kind: Kind, name: str, answer: Mapping[str, Any], params: LimitParams) -> list[str]:
    """Name what held a size down, nearest first."""
    told = [
        f"{kind.level} limit, asked {entry['requested_usd']:,.0f}"
        for entry in answer["binding_limits"]
        if entry["limit"] == kind.level and entry["id"] == name
    ]
    if kind is POSITION and not told:
        told = _farther_limits(name, answer, params)
    recommendation = answer["cascade"]["recommendation"]
    if recommendation != "MONITOR":
        told.append(f"cascade {recommendation}")
    return told


def _farther_limits(symbol: str, answer: Mapping[str, Any], params: LimitParams) -> list[str]:
    """Limits of others that a symbol's size counts towards, and what correlation took."""
    strategies = {
        part["strategy_id"]
        for position in answer["positions"]
        if position["symbol"] == symbol
        for part in position["contributions"]
    }
    told = [
        kind.words(entry["id"])
        for kind in KINDS
        for entry in answer["binding_limits"]
        if entry["limit"] == kind.level and kind.counts(entry["id"], symbol, strategies, params)
    ]
    kept = answer["correlation_penalties"].get(symbol, 1.0)
    if kept < 0.995 and not told:
        told.append(f"correlation: {100.0 * kept:.0f} % of Phase 1 kept")
    return told
