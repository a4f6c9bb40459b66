"""Gauges without labels: name, help text with its unit, and the function of the value."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.adapters.telemetry.last_values import LastValues

_CODES: Final = {"closed": 0.0, "half_open": 1.0, "open": 2.0}


def _from_answer(name: str) -> Callable[[LastValues], float]:
    return lambda last: float(last.answer.get(name, 0.0))


def _from_risk(*path: str) -> Callable[[LastValues], float]:
    def value(last: LastValues) -> float:
        found: Any = last.answer.get("risk", {})
        for name in path:
            found = found.get(name, {})
        return float(found or 0.0)

    return value


def _from_circuit(name: str, idle: float = 0.0) -> Callable[[LastValues], float]:
    return lambda last: float(last.circuit.get(name, idle))


def _from_performance(room: str, name: str) -> Callable[[LastValues], float]:
    return lambda last: float(last.performance.get(room, {}).get(name) or 0.0)


def _from_source(name: str) -> Callable[[LastValues], float]:
    return lambda last: float(last.sources[name]() or 0.0) if name in last.sources else 0.0


def _mean_penalty(last: LastValues) -> float:
    penalties = list(last.answer.get("correlation_penalties", {}).values())
    return math.fsum(penalties) / len(penalties) if penalties else 1.0


def _gross(name: str) -> Callable[[LastValues], float]:
    return lambda last: math.fsum(map(abs, last.answer.get(name, {}).values()))


def _turnover(last: LastValues) -> float:
    trades = [entry["trade_usd"] for entry in last.answer.get("positions", ())]
    return math.fsum(abs(usd) for usd in trades if usd is not None)


def _open_positions(last: LastValues) -> float:
    return float(sum(usd != 0.0 for usd in last.answer.get("allocations", {}).values()))


def _interval_is_known(last: LastValues) -> float:
    return float(last.performance.get("paired", {}).get("mean_difference") is not None)


SCALARS: Final[Sequence[tuple[str, str, Callable[[LastValues], float]]]] = (
    ("circuit_breaker_state", "State: 0 closed, 1 half_open, 2 open (code)",
     lambda last: _CODES.get(last.circuit.get("state", "closed"), 0.0)),
    ("circuit_breaker_timeout_sec", "Current wait before a probe (seconds)",
     _from_circuit("current_timeout_sec")),
    ("circuit_breaker_retry_in_sec", "Time until the next probe (seconds)",
     _from_circuit("time_until_retry_sec")),
    ("circuit_breaker_success_rate", "Share of calls that succeeded (fraction)",
     _from_circuit("success_rate", 1.0)),
    ("circuit_breaker_consecutive_failures", "Failures in a row (count)",
     _from_circuit("consecutive_failures")),
    ("kelly_fraction", "Mean Kelly size of directional signals (fraction of portfolio)",
     lambda last: last.view.details().kelly_fraction if last.view else 0.0),
    ("conformal_scale_factor", "Mean conformal scale (factor, 1 unscaled)",
     lambda last: last.view.details().conformal_scale if last.view else 1.0),
    ("conformal_coverage", "Share of outcomes within their interval (fraction)",
     _from_source("conformal_coverage")),
    ("conformal_judged_outcomes", "Outcomes that had an interval to be judged by (count)",
     _from_source("conformal_judged_outcomes")),
    ("cascade_risk_score", "Cascade risk, 0 calm to 1 (score)",
     lambda last: float(last.answer.get("cascade", {}).get("risk_score", 0.0))),
    ("ensemble_weight_total_usd", "Gross allocation (USD)", _from_answer("total_allocated_usd")),
    ("ensemble_utilization_pct", "Gross over portfolio value (percent)",
     _from_answer("utilization_pct")),
    ("ensemble_strategies", "Strategies with a share (count)",
     lambda last: float(len(last.answer.get("strategy_weights", ())))),
    ("ensemble_weight_drift_pct", "Largest drift of a strategy's share (percent)",
     _from_answer("max_drift_pct")),
    ("ensemble_drifted_strategies", "Strategies whose drift is an alert (count)",
     lambda last: float(len(last.answer.get("drifted_strategies", ())))),
    ("book_volatility", "Predicted volatility of the targets over the horizon (fraction)",
     _from_risk("volatility")),
    ("book_es_95", "Their expected shortfall at 95 %, normal (fraction)", _from_risk("es_95")),
    ("book_current_volatility", "Predicted volatility of what was held (fraction)",
     _from_risk("current", "volatility")),
    ("net_usd", "Net allocation, longs less shorts (USD)", _from_answer("net_usd")),
    ("baseline_total_usd", "Gross allocation of Phase 2 alone (USD)",
     _gross("baseline_allocations")),
    ("portfolio_value_usd", "Portfolio value of the last batch (USD)",
     _from_answer("portfolio_value")),
    ("standing_signals", "Signals that stay in force (count)", _from_source("standing_signals")),
    ("turnover_usd", "Absolute trades of the last decision (USD)", _turnover),
    ("open_positions", "Symbols with a target other than zero (count)", _open_positions),
    ("correlation_penalty_mean", "Mean of Phase 2 size over Phase 1 size (factor)", _mean_penalty),
    ("rl_usage_rate", "Share of decisions that used the policy since start (fraction)",
     lambda last: last.rl_decisions / last.decisions if last.decisions else 0.0),
    ("rl_enabled", "Whether the policy is asked: 1 yes, 0 no (code)",
     lambda last: float(last.view.rl_enabled) if last.view else 0.0),
    ("last_decision_timestamp_seconds", "When the last decision was made (seconds since 1970)",
     lambda last: last.decided_at_sec),
    ("rl_advantage_mean", "Paired mean difference to Phase 2, 0 while pairs are few (return)",
     _from_performance("paired", "mean_difference")),
    ("rl_advantage_ci_low", "Lower end of its interval, 0 while pairs are few (return)",
     _from_performance("paired", "ci_low")),
    ("rl_advantage_ci_high", "Upper end of its interval, 0 while pairs are few (return)",
     _from_performance("paired", "ci_high")),
    ("rl_probability_better", "Bootstrap share of means above zero, 0 while few pairs (fraction)",
     _from_performance("paired", "probability_rl_better")),
    ("rl_advantage_known", "Whether pairs suffice for an interval: 1 yes, 0 no (code)",
     _interval_is_known),
    ("rl_advantage_pairs", "Pairs in the comparison (count)", _from_performance("paired", "n")),
    ("rl_mean_return", "Mean return of trades that used the policy (return)",
     _from_performance("rl", "mean_return")),
    ("rl_sharpe", "Their mean over standard deviation (ratio)", _from_performance("rl", "sharpe")),
    ("baseline_mean_return", "Mean return of trades of Phase 2 (return)",
     _from_performance("baseline", "mean_return")),
    ("baseline_sharpe", "Their mean over standard deviation (ratio)",
     _from_performance("baseline", "sharpe")),
    ("journal_pending", "Events not yet written (count)", _from_source("journal_pending")),
    ("journal_lag_sec", "Age of the oldest event not yet written (seconds)",
     _from_source("journal_lag_sec")),
    ("journal_refusing", "Whether nothing is decided as the journal fails: 1 yes, 0 no (code)",
     _from_source("journal_refusing")),
    ("policy_slots_in_use", "Exchanges with the policy in flight (count)",
     _from_source("policy_slots_in_use")),
    ("policy_slots", "Exchanges with the policy that may be in flight (count)",
     _from_source("policy_slots")),
    ("policy_held_sec", "Time until the policy may be asked, as its Retry-After says (seconds)",
     _from_source("policy_held_sec")),
    ("requests_in_flight", "Requests being served (count)", _from_source("requests_in_flight")),
    ("requests_waiting", "Requests admitted that wait to be served (count)",
     _from_source("requests_waiting")),
    ("requests_limit", "Requests in flight and waiting that are admitted at most (count)",
     _from_source("requests_limit")),
)  # fmt: skip
SOURCES: Final = frozenset(
    {
        "conformal_coverage",
        "conformal_judged_outcomes",
        "journal_lag_sec",
        "journal_pending",
        "journal_refusing",
        "policy_held_sec",
        "policy_slots",
        "policy_slots_in_use",
        "requests_in_flight",
        "requests_limit",
        "requests_waiting",
        "standing_signals",
    }
)
TOTALS: Final[Mapping[str, tuple[str, str]]] = {
    "total_failures": ("circuit_breaker_failures", "Failed calls to the policy (count)"),
    "total_fallbacks": ("circuit_breaker_fallbacks", "Fallbacks to Phase 2 (count)"),
    "total_requests": ("circuit_breaker_requests", "Calls that asked the breaker (count)"),
}
