"""The demo's report: a plain ASCII table for people, the same figures as JSON for programs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from app.core.types import JsonObject
from app.demo.policy import PolicyFigures
from app.demo.scenario import Scenario
from app.demo.summary import CUT_BRAKES, EquitySummary, RunSummary

LABEL_WIDTH: Final = 36
COLUMN_WIDTH: Final = 14
MOST_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class Report:
    """All figures of one demo; ``phase2_difference`` is None when the dead run gave Phase 2.

    ``policy`` is of the run with the real inference server.
    """

    scenario: Scenario
    runs: tuple[RunSummary, ...]
    equal_weight: EquitySummary
    cost_bps: float
    rebalance_span: float
    phase2_difference: str | None
    policy: PolicyFigures

    @property
    def violations(self) -> tuple[str, ...]:
        """Every broken promise, with its run."""
        return tuple(f"{run.name}, {text}" for run in self.runs for text in run.violations)

    @property
    def passed(self) -> bool:
        """Whether every promise was kept."""
        return not self.violations and self.phase2_difference is None


def format_report(report: Report) -> str:
    """Write the report for a terminal, plain ASCII."""
    return "\n".join(
        [
            *_header(report),
            "",
            *_signal_table(report.scenario),
            "",
            *_run_table(report),
            "",
            *_equity_table(report),
            "",
            *_policy(report),
            "",
            *_paired(report),
            *_verdict(report),
        ]
    )


def report_json(report: Report) -> JsonObject:
    """Give the same figures as a JSON object."""
    scenario = report.scenario
    return {
        "passed": report.passed,
        "first_day": scenario.days[0].day.isoformat(),
        "last_day": scenario.last_day.isoformat(),
        "days": len(scenario.days),
        "symbols": list(scenario.symbols),
        "strategies": list(scenario.strategies),
        "signals": _signal_counts(scenario),
        "cost_bps": report.cost_bps,
        "rebalance_span": report.rebalance_span,
        "runs": [asdict(run) for run in report.runs],
        "equal_weight": asdict(report.equal_weight),
        "policy": asdict(report.policy),
        "phase2_difference": report.phase2_difference,
    }


def _header(report: Report) -> Iterator[str]:
    scenario = report.scenario
    title = (
        f"HIMARI Layer 3 demo: {len(scenario.symbols)} US stocks, "
        f"{len(scenario.days)} trading days, {scenario.days[0].day} to {scenario.last_day}"
    )
    stress = sum(plan.cascade["oi_change_pct"] < 0 for plan in scenario.days)
    yield title
    yield "=" * len(title)
    yield "Real daily closes; signals, confidence, expected return, volatility from the past only."
    yield (
        f"Traded at the close, {report.cost_bps:g} bps a trade, "
        f"REBALANCE_SPAN {report.rebalance_span:g}, SYNCHRONOUS NORMAL."
    )
    yield f"Cascade indicators are calm but on {stress} days, when the average fall exceeded 4 %:"
    yield "closes carry no order flow, so those days get a stand-in in proportion to the fall."
    yield "The stocks are survivors, so the level of any equity here proves nothing."


def _signal_counts(scenario: Scenario) -> dict[str, dict[str, int]]:
    counts = {name: Counter[str]() for name in scenario.strategies}
    for plan in scenario.days:
        for signal in plan.signals:
            counts[signal["strategy_id"]][signal["action"]] += 1
    return {name: dict(count) for name, count in counts.items()}


def _signal_table(scenario: Scenario) -> Iterator[str]:
    actions = ("STRONG_BUY", "BUY", "HOLD", "SELL", "STRONG_SELL")
    yield _row("signals sent", actions)
    yield _rule(len(actions))
    for name, count in _signal_counts(scenario).items():
        yield _row(name, [f"{count.get(action, 0):,}" for action in actions])


def _run_table(report: Report) -> Iterator[str]:
    runs = report.runs
    yield _row("runs", [run.name for run in runs])
    yield _rule(len(runs))
    yield _row("mode", [", ".join(run.modes) for run in runs])
    yield _row("days", [f"{run.days:,}" for run in runs])
    for decision in dict.fromkeys(key for run in runs for key in run.decisions):
        yield _row(
            f"decisions, {decision}", [f"{run.decisions.get(decision, 0):,}" for run in runs]
        )
    for brake in CUT_BRAKES:
        if any(brake in run.brakes for run in runs):
            yield _row(f"days braked, {brake}", [str(run.brakes.get(brake, 0)) for run in runs])
    for state in ("open", "half_open"):
        if any(state in run.breaker for run in runs):
            yield _row(f"days circuit {state}", [str(run.breaker.get(state, 0)) for run in runs])
    yield _row("turnover a day, % of value", [f"{100 * run.turnover_daily:.2f}" for run in runs])
    yield _row("turnover a year, times value", [f"{run.turnover_yearly:.1f}" for run in runs])
    yield _row("utilisation, mean %", [f"{run.utilization_pct_mean:.1f}" for run in runs])
    yield _row("utilisation, max %", [f"{run.utilization_pct_max:.1f}" for run in runs])
    kinds = dict.fromkeys(key for run in runs for key in run.limits)
    for kind in kinds:
        yield _row(f"days bound, {kind} limit", [str(run.limits.get(kind, 0)) for run in runs])
    if not kinds:
        yield _row("days bound, any limit", ["0" for _ in runs])
    yield _row("outcomes posted back", [f"{run.outcomes_accepted:,}" for run in runs])
    yield _row("latency p50, ms", [f"{run.latency_ms_p50:.1f}" for run in runs])
    yield _row("latency p99, ms", [f"{run.latency_ms_p99:.1f}" for run in runs])
    yield _row("in the service p50 / p99, ms", [_pair(run) for run in runs])
    yield _row("violations", [str(len(run.violations)) for run in runs])


def _equity_table(report: Report) -> Iterator[str]:
    curves = [
        *((run.name, run.equity) for run in report.runs),
        ("equal weight", report.equal_weight),
    ]
    figures = [figure for _, figure in curves]
    yield _row(f"equity after {report.cost_bps:g} bps", [name for name, _ in curves])
    yield _rule(len(curves))
    yield _row("final, USD", [f"{figure.final_usd:,.0f}" for figure in figures])
    yield _row("return, %", [f"{100 * figure.total_return:.1f}" for figure in figures])
    yield _row("volatility a year, %", [f"{100 * figure.volatility:.1f}" for figure in figures])
    yield _row("Sharpe ratio", [f"{figure.sharpe:.2f}" for figure in figures])
    yield _row("largest drawdown, %", [f"{100 * figure.max_drawdown:.1f}" for figure in figures])


def _policy(report: Report) -> Iterator[str]:
    """Yield what the real policy did and gained, and in plain words where it did nothing."""
    figures = report.policy
    run = next(each for each in report.runs if each.name == figures.run)
    passed = [case for case, alpha in figures.alpha.items() if alpha > 0.0]
    used = run.decisions.get("rl", 0)
    yield f"{run.name}: model {figures.version} ({figures.kind}) of the inference server."
    yield f"  Its multiplier is served for: {', '.join(passed) or 'no case (alpha is 0)'}."
    yield f"  Of {run.days} decisions {used} were rl, {run.days - used} fell back{_why(run)}."
    if used:
        yield f"  On {figures.unchanged} of the {used} it answered exactly Phase 2's allocation."
    else:
        yield "  The policy decided nothing here: every target is Phase 2's."
    for reason, days in run.abstained.items():
        yield f"  The model abstained on {days} days: {reason}"
    if figures.sharpe_gain is not None:
        yield (
            f"  Equity against Phase 2's: Sharpe ratio {figures.sharpe_gain:+.3f} "
            f"[{figures.ci_low:+.3f}, {figures.ci_high:+.3f}], 95 %, paired bootstrap of "
            f"{run.days} days."
        )
    if figures.why_no_gain is not None:
        yield f"  No Sharpe gain: {figures.why_no_gain}"


def _why(run: RunSummary) -> str:
    reasons = [
        f"{decision.removeprefix('fallback: ')} {days}"
        for decision, days in run.decisions.items()
        if decision != "rl"
    ]
    return f" ({', '.join(reasons)})" if reasons else ""


def _paired(report: Report) -> Iterator[str]:
    """Yield RL against Phase 2 on the same decisions, where a run has enough of them."""
    for run in report.runs:
        paired = run.performance["paired"]
        if run.name == report.policy.run and not run.decisions.get("rl"):
            yield f"{run.name} against Phase 2, paired: nothing to compare, no decision was rl."
        if paired and paired["mean_difference"] is not None and run.decisions.get("rl"):
            yield (
                f"{run.name} against Phase 2, paired, n = {paired['n']:,}: "
                f"{1e4 * paired['mean_difference']:+.2f} bps "
                f"[{1e4 * paired['ci_low']:+.2f}, {1e4 * paired['ci_high']:+.2f}]"
            )


def _verdict(report: Report) -> Iterator[str]:
    days = len(report.scenario.days)
    if report.phase2_difference is None:
        yield f"RL endpoint dead: Phase 2's answers on all {days} days, equal to the last bit."
    else:
        yield f"FAILED: RL endpoint dead, and not Phase 2's answer: {report.phase2_difference}"
    violations = report.violations
    if violations:
        yield f"FAILED: {len(violations)} violations of the contract, the first:"
        yield from (f"  {text}" for text in violations[:MOST_SHOWN])
    else:
        yield f"Contract: {days * len(report.runs):,} answers checked, no violation."


def _pair(run: RunSummary) -> str:
    return f"{run.server_ms_p50:.1f} / {run.server_ms_p99:.1f}"


def _row(label: str, cells: Sequence[str]) -> str:
    return f"{label:<{LABEL_WIDTH}}" + "".join(f"{cell:>{COLUMN_WIDTH}}" for cell in cells)


def _rule(columns: int) -> str:
    return "-" * (LABEL_WIDTH + COLUMN_WIDTH * columns)
