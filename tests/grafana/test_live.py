"""Real Prometheus over both real servers: every panel has data, and an alert arrives."""

import math
from pathlib import Path
from time import monotonic
from typing import Any

import yaml

from tests.grafana.drawn import expressions
from tests.grafana.rulebook import ROOT
from tests.grafana.watched import Watched

MOVED = [
    'himari_l3_position_decisions_total{strategy_id="rl"}',
    'himari_l3_position_decisions_total{strategy_id="fallback"}',
    'himari_l3_decision_fallbacks_total{reason="timeout"}',
    'himari_l3_decision_fallbacks_total{reason="circuit_open"}',
    'himari_l3_decision_fallbacks_total{reason="empty_batch"}',
    'himari_l3_cascade_recommendations_total{recommendation="REDUCE_50%"}',
    'himari_l3_risk_budget_violations_total{level="position"}',
    'himari_l3_binding_limits_total{level="portfolio"}',
    'himari_l3_circuit_breaker_transitions_total{state="open"}',
    'himari_l3_model_info{version="dummy-1"}',
    'himari_inference_rows_total{result="sized"}',
    "himari_l3_circuit_breaker_failures_total",
    "himari_l3_circuit_breaker_requests_total",
    "himari_l3_circuit_breaker_fallbacks_total",
    "himari_l3_regime_transitions_total",
    "himari_l3_regime_false_flips_total",
    "himari_l3_correlation_alerts_total",
    "himari_l3_idempotent_replays_total",
    "himari_l3_outcomes_accepted_total",
    "himari_l3_outcomes_duplicates_total",
    "himari_l3_outcomes_rejected_total",
    "himari_l3_rejected_signals_total",
    "himari_l3_warnings_total",
    "himari_l3_policy_calls_total",
    "himari_l3_policy_slots",
    "himari_l3_requests_limit",
    "himari_l3_rl_advantage_known",
    "himari_l3_rl_usage_rate",
    "himari_l3_conformal_judged_outcomes",
    "himari_l3_model_seen_sec",
    "himari_inference_build_info",
    "himari_inference_model_age_sec",
    "max_over_time(himari_l3_circuit_breaker_retry_in_sec[5m])",
]


_WITHIN_SEC = 20.0


def test_every_panel_has_data_and_none_of_it_is_nan(watched: Watched) -> None:
    assert lacking(watched, [expression for _, _, expression in expressions()]) == []


def test_the_load_moves_what_counts(watched: Watched) -> None:
    assert lacking(watched, [f"{series} > 0" for series in MOVED]) == []


def lacking(watched: Watched, expressions: list[str]) -> list[str]:
    """List what has no data, after patience with scrapes that a busy machine misses."""
    deadline = monotonic() + _WITHIN_SEC
    while wanting := [one for one in expressions if not has_data(watched, one)]:
        if monotonic() > deadline:
            break
    return wanting


def has_data(watched: Watched, expression: str) -> bool:
    # the window that Grafana would choose, wide enough for the whole load
    series = watched.prometheus.ask(expression.replace("$__rate_interval", "5m"))
    return bool(series) and all(math.isfinite(float(one["value"][1])) for one in series)


def test_the_circuit_was_open_and_is_closed_again(watched: Watched) -> None:
    state = "himari_l3_circuit_breaker_state"
    wanted = [f"max_over_time({state}[5m]) == 2", f"{state} == 0"]
    assert lacking(watched, wanted) == []


def test_no_limit_was_broken_by_the_load(watched: Watched) -> None:
    used = "max_over_time(himari_l3_risk_budget_utilization_pct[5m])"
    assert watched.prometheus.ask(f"max({used}) > 99") != []
    assert watched.prometheus.ask(f"max({used}) > 100.001") == []


def test_an_alert_reaches_a_webhook_with_its_runbook_and_is_resolved(watched: Watched) -> None:
    alert = watched.inbox.wait_for("HimariHalted", "firing")
    assert alert["labels"]["severity"] == "critical"
    assert alert["annotations"]["runbook_url"] == "docs/runbooks.md#himarihalted"
    watched.load.ask("PUT", "/trading-state", {"state": "ACTIVE", "reason": "it is over"})
    resolved = watched.inbox.wait_for("HimariHalted", "resolved")
    assert resolved["labels"] == alert["labels"]


def test_the_jobs_that_expressions_name_are_those_that_the_stack_scrapes() -> None:
    config: Path = ROOT / "grafana" / "prometheus.yml"
    jobs: list[dict[str, Any]] = yaml.safe_load(config.read_text("utf-8"))["scrape_configs"]
    assert {"himari", "himari-inference"} <= {job["job_name"] for job in jobs}
