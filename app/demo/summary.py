"""What the report counts: one summary per run, and the comparison with Phase 2."""

from collections import Counter
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.types import FloatArray, JsonObject
from app.demo.play import PlayedRun
from app.history.market import TRADING_DAYS

CUT_BRAKES: Final = ("REDUCE_50%", "REDUCE_75%", "EXIT")


@dataclass(frozen=True, slots=True)
class EquitySummary:
    """Figures of one equity curve after costs; returns are simple, ratios annual (252 days)."""

    final_usd: float
    total_return: float
    volatility: float
    sharpe: float
    max_drawdown: float


@dataclass(frozen=True, slots=True)
class RunSummary:
    """Figures of one run.

    Parameters
    ----------
    modes, decisions, breaker : mapping of str to int
        Days by the answer's mode; by ``rl`` or ``fallback: <reason>``; by breaker state.
    turnover_daily, turnover_yearly : float
        Mean traded notional over portfolio value.
    utilization_pct_mean, utilization_pct_max : float, percent
    limits : mapping of str to int
        Days on which a limit of that kind bound.
    limit_ids : mapping of str to int
        Days on which that very limit bound, ``kind id``.
    brakes : mapping of str to int
        Days by recommendation.
    abstained : mapping of str to int
        Days by the policy's own reason for leaving all to Phase 2.
    latency_ms_p50, latency_ms_p99, server_ms_p50, server_ms_p99 : float
        ``POST /allocate`` as the caller and as the service measured it.
    """

    name: str
    days: int
    modes: dict[str, int]
    decisions: dict[str, int]
    breaker: dict[str, int]
    turnover_daily: float
    turnover_yearly: float
    utilization_pct_mean: float
    utilization_pct_max: float
    limits: dict[str, int]
    limit_ids: dict[str, int]
    brakes: dict[str, int]
    abstained: dict[str, int]
    outcomes_accepted: int
    violations: tuple[str, ...]
    latency_ms_p50: float
    latency_ms_p99: float
    server_ms_p50: float
    server_ms_p99: float
    equity: EquitySummary
    performance: JsonObject


def summarise(run: PlayedRun) -> RunSummary:
    """Count and average one run."""
    answers = [day.answer for day in run.days]
    bound = [_bound(answer) for answer in answers]
    turnover = float(np.mean([day.traded_usd / day.equity_usd for day in run.days]))
    utilization = [answer["utilization_pct"] for answer in answers]
    latency = _p50_p99([day.latency_ms for day in run.days])
    server = _p50_p99([answer["latency_ms"] for answer in answers])
    return RunSummary(
        name=run.name,
        days=len(run.days),
        modes=dict(Counter(answer["mode"] for answer in answers)),
        decisions=dict(Counter(_decision(answer) for answer in answers).most_common()),
        breaker=dict(Counter(answer["circuit_state"] for answer in answers)),
        turnover_daily=turnover,
        turnover_yearly=turnover * TRADING_DAYS,
        utilization_pct_mean=float(np.mean(utilization)),
        utilization_pct_max=float(np.max(utilization)),
        limits=dict(Counter(kind for each in bound for kind in {kind for kind, _ in each})),
        limit_ids=dict(Counter(" ".join(pair) for each in bound for pair in each).most_common()),
        brakes=dict(Counter(answer["cascade"]["recommendation"] for answer in answers)),
        abstained=dict(run.abstained),
        outcomes_accepted=run.outcomes_accepted,
        violations=tuple(f"{day.day}: {text}" for day in run.days for text in day.violations),
        latency_ms_p50=latency[0],
        latency_ms_p99=latency[1],
        server_ms_p50=server[0],
        server_ms_p99=server[1],
        equity=summarise_equity(equity_of(run)),
        performance=run.performance,
    )


def equity_of(run: PlayedRun) -> FloatArray:
    """Equity at each close, then at the close after the last decision, (n_days + 1,), USD."""
    return np.array([*(day.equity_usd for day in run.days), run.final_equity_usd])


def summarise_equity(equity: FloatArray) -> EquitySummary:
    """Figures of an equity curve, (n_days,), USD > 0; a flat curve has Sharpe ratio 0."""
    returns = equity[1:] / equity[:-1] - 1.0
    spread = float(returns.std())
    return EquitySummary(
        final_usd=float(equity[-1]),
        total_return=float(equity[-1] / equity[0] - 1.0),
        volatility=spread * TRADING_DAYS**0.5,
        sharpe=float(returns.mean()) / spread * TRADING_DAYS**0.5 if spread > 0 else 0.0,
        max_drawdown=float(np.max(1.0 - equity / np.maximum.accumulate(equity))),
    )


def first_difference(reference: PlayedRun, other: PlayedRun) -> str | None:
    """Find where a run without RL stops giving Phase 2's answers.

    Allocations, target quantities and equity must be equal to the last bit on every day.

    Returns
    -------
    str or None
        The first day and symbol that differ, or None.
    """
    for ours, theirs in zip(reference.days, other.days, strict=True):
        for name in ("allocations", "baseline_allocations"):
            left, right = ours.answer[name], theirs.answer[name]
            for symbol in sorted(left.keys() | right.keys()):
                if left.get(symbol) != right.get(symbol):
                    return (
                        f"{ours.day}: {name} of {symbol} must be {left.get(symbol)} as in "
                        f"{reference.name}, was {right.get(symbol)} in {other.name}"
                    )
        if _quantities(ours.answer) != _quantities(theirs.answer):
            return f"{ours.day}: target quantities of {other.name} differ from {reference.name}"
    if equity_of(reference).tolist() != equity_of(other).tolist():
        return f"equity of {other.name} differs from {reference.name}"
    return None


def _quantities(answer: JsonObject) -> dict[str, float]:
    return {position["symbol"]: position["target_quantity"] for position in answer["positions"]}


def _decision(answer: JsonObject) -> str:
    if answer["strategy"] == "rl":
        return "rl"
    return f"fallback: {answer['fallback_reason']}"


def _bound(answer: JsonObject) -> set[tuple[str, str]]:
    return {(str(each["limit"]), str(each["id"])) for each in answer["binding_limits"]}


def _p50_p99(values: list[float]) -> tuple[float, float]:
    p50, p99 = np.percentile(values, [50, 99])
    return float(p50), float(p99)
