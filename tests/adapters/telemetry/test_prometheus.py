"""Telemetry: names of the contract, bounded labels, what each event moves, and its cost."""

import io
import json
import logging
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY, generate_latest

from app.adapters.clock import SystemClock
from app.adapters.logging import configure_logging
from app.adapters.telemetry.prometheus import PrometheusTelemetry
from tests.adapters.telemetry.views import sample, view_of

CONTRACT = [
    "himari_l3_position_decisions_total",
    "himari_l3_circuit_breaker_state",
    "himari_l3_circuit_breaker_failures_total",
    "himari_l3_circuit_breaker_fallbacks_total",
    "himari_l3_circuit_breaker_timeout_sec",
    "himari_l3_circuit_breaker_success_rate",
    "himari_l3_kelly_fraction",
    "himari_l3_conformal_scale_factor",
    "himari_l3_current_regime",
    "himari_l3_regime_transitions_total",
    "himari_l3_regime_false_flips_total",
    "himari_l3_cascade_risk_score",
    "himari_l3_cascade_risk_components",
    "himari_l3_cascade_recommendations_total",
    "himari_l3_ensemble_weight_total_usd",
    "himari_l3_ensemble_utilization_pct",
    "himari_l3_ensemble_strategies",
    "himari_l3_ensemble_weight_current",
    "himari_l3_ensemble_weight_drift_pct",
    "himari_l3_risk_budget_violations_total",
    "himari_l3_risk_budget_utilization_pct",
    "himari_l3_correlation_alerts_total",
    "himari_l3_decision_latency_ms_bucket",
    "himari_l3_rl_usage_rate",
]
LABELS = {
    "himari_l3_position_decisions_total": {"strategy_id": ["rl", "fallback"]},
    "himari_l3_current_regime": {
        "regime": ["trending_up", "ranging", "trending_down", "high_volatility", "crisis"]
    },
    "himari_l3_cascade_recommendations_total": {
        "recommendation": ["MONITOR", "REDUCE_50%", "REDUCE_75%", "EXIT"]
    },
    "himari_l3_cascade_risk_components": {
        "component": ["funding_rate", "oi_change_pct", "volume_ratio", "onchain_whale_pressure",
                      "exchange_netflow_zscore"]
    },
    "himari_l3_risk_budget_violations_total": {
        "level": ["position", "strategy", "group", "portfolio"]
    },
    "himari_l3_decision_fallbacks_total": {
        "reason": ["rl_disabled", "circuit_open", "timeout", "connection_error", "bad_status",
                   "invalid_prediction", "low_confidence", "overloaded", "empty_batch"]
    },
    "himari_l3_trading_state": {"state": ["ACTIVE", "REDUCING", "HALTED"]},
    "himari_l3_decision_latency_ms_count": {
        "stage": ["sizing", "policy", "settle", "journal", "total"]
    },
}  # fmt: skip
CIRCUIT = {
    "state": "closed", "mode": "auto", "failure_count": 0, "consecutive_failures": 0,
    "current_timeout_sec": 30.0, "time_until_retry_sec": 0.0, "total_requests": 0,
    "total_failures": 0, "total_fallbacks": 0, "success_rate": 1.0, "last_failure_reason": None,
}  # fmt: skip


@pytest.fixture
def telemetry() -> PrometheusTelemetry:
    return PrometheusTelemetry(mode="mock", version="9.9")


@pytest.mark.usefixtures("telemetry")
def test_every_name_of_the_contract_is_exposed_from_the_start() -> None:
    page = generate_latest(REGISTRY).decode()
    assert [name for name in CONTRACT if f"\n{name}" not in page] == []


@pytest.mark.usefixtures("telemetry")
def test_label_sets_are_there_before_any_traffic() -> None:
    for name, labels in LABELS.items():
        for label, values in labels.items():
            assert all(sample(name, **{label: value}) >= 0.0 for value in values)


@pytest.mark.usefixtures("telemetry")
def test_there_are_45_families_or_more_each_with_help_and_unit() -> None:
    families = [one for one in REGISTRY.collect() if one.name.startswith("himari_l3_")]
    assert len(families) >= 45
    assert len({one.name for one in families}) == len(families)
    for family in families:
        assert "(" in family.documentation, family.name


def test_a_second_one_in_the_process_shares_the_set(telemetry: PrometheusTelemetry) -> None:
    other = PrometheusTelemetry(mode="mock")
    before = sample("himari_l3_position_decisions_total", strategy_id="rl")
    for one in (telemetry, other):
        one.decided(view_of(strategy="rl", fallback_reason=None))
    assert sample("himari_l3_position_decisions_total", strategy_id="rl") == before + 2


def test_a_decision_moves_its_counters(telemetry: PrometheusTelemetry) -> None:
    names = {
        "himari_l3_position_decisions_total": {"strategy_id": "fallback"},
        "himari_l3_decision_fallbacks_total": {"reason": "timeout"},
        "himari_l3_cascade_recommendations_total": {"recommendation": "EXIT"},
        "himari_l3_binding_limits_total": {"level": "group"},
        "himari_l3_risk_budget_violations_total": {"level": "group"},
        "himari_l3_decision_latency_ms_count": {"stage": "total"},
    }
    before = {name: sample(name, **labels) for name, labels in names.items()}
    plain = {"himari_l3_warnings_total": 2.0, "himari_l3_rejected_signals_total": 3.0}
    counted = {name: sample(name) for name in plain}
    limits = [
        {"limit": "group", "requested_usd": 2.0, "limit_usd": 1.0},
        {"limit": "strategy", "requested_usd": 1.0, "limit_usd": 1.0},
    ]
    cascade = {"risk_score": 0.9, "recommendation": "EXIT", "components": {"volume_ratio": 1.0}}
    telemetry.decided(
        view_of(
            fallback_reason="timeout",
            binding_limits=limits,
            warnings=["a", "b"],
            rejected_signals=[{}, {}, {}],
            cascade=cascade,
        )
    )
    assert {name: sample(name, **names[name]) for name in names} == {
        name: value + 1 for name, value in before.items()
    }
    assert {name: sample(name) - counted[name] for name in plain} == plain


def test_gauges_show_the_last_decision(telemetry: PrometheusTelemetry) -> None:
    telemetry.decided(view_of(symbols=4))
    shown = {
        "kelly_fraction": 0.02,
        "conformal_scale_factor": 0.9,
        "cascade_risk_score": 0.3,
        "ensemble_weight_total_usd": 400.0,
        "ensemble_utilization_pct": 0.4,
        "ensemble_strategies": 2.0,
        "ensemble_weight_drift_pct": 3.0,
        "baseline_total_usd": 200.0,
        "turnover_usd": 40.0,
        "open_positions": 4.0,
        "correlation_penalty_mean": 0.5,
        "rl_enabled": 1.0,
    }
    assert {name: sample(f"himari_l3_{name}") for name in shown} == pytest.approx(shown)
    assert sample("himari_l3_current_regime", regime="crisis") == 1.0
    assert sample("himari_l3_current_regime", regime="ranging") == 0.0
    assert sample("himari_l3_regime_symbols", regime="crisis") == 4.0
    assert sample("himari_l3_mode", mode="mock") == 1.0
    assert sample("himari_l3_build_info", version="9.9", mode="mock") == 1.0


def test_labels_stay_bounded_however_many_names_come(telemetry: PrometheusTelemetry) -> None:
    for _ in range(2):
        telemetry.decided(view_of(symbols=500, strategies=300))
        generate_latest(REGISTRY)
    values: dict[tuple[str, str], set[str]] = {}
    for family in REGISTRY.collect():
        for one in family.samples:
            for label, value in one.labels.items():
                values.setdefault((family.name, label), set()).add(value)
    crowded = {place: len(found) for place, found in values.items() if len(found) > 50}
    assert crowded == {}
    assert "other" in values["himari_l3_ensemble_weight_current", "strategy_id"]
    shares = [
        one.value
        for family in REGISTRY.collect()
        if family.name == "himari_l3_ensemble_weight_current"
        for one in family.samples
    ]
    assert sum(shares) == pytest.approx(1.0)


def test_a_strategy_that_disappears_goes_to_zero(telemetry: PrometheusTelemetry) -> None:
    name, labels = "himari_l3_ensemble_weight_current", {"strategy_id": "strategy0"}
    telemetry.decided(view_of(strategies=1))
    assert sample(name, **labels) == 1.0
    telemetry.decided(view_of(strategy_weights={}))
    assert sample(name, **labels) == 0.0


def test_the_breaker_is_shown_and_its_totals_grow(telemetry: PrometheusTelemetry) -> None:
    failures = "himari_l3_circuit_breaker_failures_total"
    shown: list[Mapping[str, Any]] = [CIRCUIT]
    # a scrape asks the circuit that was registered last, in this process by whichever test
    telemetry.watch(circuit=lambda: shown[-1])
    before = sample(failures), sample("himari_l3_circuit_breaker_transitions_total", state="open")
    opened = {"total_failures": 5, "state": "open"}
    changes: tuple[dict[str, object], ...] = ({"total_failures": 3}, opened, opened)
    for change in changes:
        shown.append(CIRCUIT | change)
        telemetry.circuit_changed(shown[-1])
    assert sample("himari_l3_circuit_breaker_state") == 2.0
    assert sample(failures) == before[0] + 5
    assert sample("himari_l3_circuit_breaker_transitions_total", state="open") == before[1] + 1
    shown.append(CIRCUIT | {"total_failures": 5, "state": "half_open"})
    assert sample("himari_l3_circuit_breaker_state") == 1.0


def test_outcomes_are_counted_by_what_became_of_them(telemetry: PrometheusTelemetry) -> None:
    names = [f"himari_l3_outcomes_{what}_total" for what in ("accepted", "duplicates", "rejected")]
    before = [sample(name) for name in names]
    report = {"accepted": 3, "duplicates": 2, "rejected": [{"index": 0, "reason": "x"}]}
    telemetry.outcomes_recorded(report)
    after = [sample(name) for name in names]
    assert [new - old for new, old in zip(after, before, strict=True)] == [3, 2, 1]


@pytest.mark.parametrize(
    "name",
    ["solver_fallbacks", "journal_errors", "conformal_refused", "correlation_alerts",
     "regime_transitions", "regime_false_flips", "idempotent_replays", "policy_calls",
     "policy_client_errors"],
)  # fmt: skip
def test_a_rare_event_is_counted_by_name(telemetry: PrometheusTelemetry, name: str) -> None:
    before = sample(f"himari_l3_{name}_total")
    telemetry.count(name, 2)
    assert sample(f"himari_l3_{name}_total") == before + 2


def test_watched_functions_are_asked_at_the_scrape(telemetry: PrometheusTelemetry) -> None:
    paired = {"n": 25, "mean_difference": 0.01, "ci_low": None, "ci_high": 0.03}
    telemetry.watch(
        trading_state=lambda: "HALTED",
        circuit=lambda: CIRCUIT | {"current_timeout_sec": 60.0},
        performance=lambda: {"paired": paired, "rl": {"sharpe": 1.5}},
        journal_pending=lambda: 7,
        conformal_coverage=lambda: None,
        conformal_judged_outcomes=lambda: 12,
        journal_refusing=lambda: 1.0,
        policy_slots=lambda: 32,
        policy_slots_in_use=lambda: 3,
        requests_waiting=lambda: 5,
    )
    generate_latest(REGISTRY)
    assert sample("himari_l3_trading_state", state="HALTED") == 1.0
    assert sample("himari_l3_circuit_breaker_timeout_sec") == 60.0
    assert sample("himari_l3_rl_advantage_mean") == 0.01
    assert sample("himari_l3_rl_advantage_ci_low") == 0.0
    assert sample("himari_l3_rl_sharpe") == 1.5
    assert sample("himari_l3_journal_pending") == 7.0
    assert sample("himari_l3_rl_advantage_known") == 1.0
    assert sample("himari_l3_conformal_coverage") == 0.0
    assert sample("himari_l3_conformal_judged_outcomes") == 12.0
    assert sample("himari_l3_journal_refusing") == 1.0
    assert sample("himari_l3_policy_slots") == 32.0
    assert sample("himari_l3_policy_slots_in_use") == 3.0
    assert sample("himari_l3_requests_waiting") == 5.0


def test_an_advantage_of_few_pairs_is_not_known(telemetry: PrometheusTelemetry) -> None:
    few = {"n": 3, "mean_difference": None, "ci_low": None, "ci_high": None}
    telemetry.watch(performance=lambda: {"paired": few})
    generate_latest(REGISTRY)
    assert sample("himari_l3_rl_advantage_known") == 0.0
    assert sample("himari_l3_rl_advantage_pairs") == 3.0


def test_watching_more_forgets_nothing(telemetry: PrometheusTelemetry) -> None:
    telemetry.watch(circuit=lambda: CIRCUIT | {"current_timeout_sec": 120.0})
    telemetry.watch(requests_waiting=lambda: 4)
    generate_latest(REGISTRY)
    assert sample("himari_l3_circuit_breaker_timeout_sec") == 120.0
    assert sample("himari_l3_requests_waiting") == 4.0


def test_watched_totals_count_from_now_on(telemetry: PrometheusTelemetry) -> None:
    total = 40.0
    before = sample("himari_l3_regime_transitions_total")
    telemetry.watch(regime_transitions=lambda: total)
    telemetry.decided(view_of())
    assert sample("himari_l3_regime_transitions_total") == before
    total = 43.0
    telemetry.decided(view_of())
    assert sample("himari_l3_regime_transitions_total") == before + 3


def test_watching_an_unknown_number_is_refused(telemetry: PrometheusTelemetry) -> None:
    with pytest.raises(ValueError, match="was 'typo'"):
        telemetry.watch(typo=lambda: 1.0)


def test_no_value_is_ever_nan(telemetry: PrometheusTelemetry) -> None:
    telemetry.decided(view_of(symbols=0, strategy_weights={}, correlation_penalties={}))
    page = generate_latest(REGISTRY).decode()
    assert [line for line in page.splitlines() if line.startswith("himari") and "NaN" in line] == []


@pytest.mark.parametrize(("symbols", "at_most_us"), [(10, 300.0), (1000, 300.0)])
def test_a_decision_costs_little_however_many_symbols(
    telemetry: PrometheusTelemetry, symbols: int, at_most_us: float
) -> None:
    view = view_of(symbols=symbols, strategies=symbols)
    times = []
    for _ in range(200):
        started = time.perf_counter()
        telemetry.decided(view)
        times.append(time.perf_counter() - started)
    assert 1e6 * min(times) < at_most_us


def test_the_clock_is_the_system_s() -> None:
    clock = SystemClock()
    assert abs(clock.now_ns() - time.time_ns()) < 10**9
    assert clock.monotonic() <= clock.monotonic()


@pytest.fixture
def log_stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_all_logging_is_json_lines(log_stream: io.StringIO) -> None:
    configure_logging("INFO", log_stream)
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger("app").warning("empty_batch", dry_run=False)
        structlog.get_logger("app").debug("not shown")
        logging.getLogger("uvicorn.error").info("started")
    first, second = map(json.loads, log_stream.getvalue().splitlines())
    assert (first["event"], first["request_id"], first["level"]) == ("empty_batch", "r1", "warning")
    assert (second["event"], second["logger"]) == ("started", "uvicorn.error")


def fail_with(password: str) -> None:
    raise RuntimeError(f"{len(password)} characters")


def test_a_logged_error_shows_no_local_values(log_stream: io.StringIO) -> None:
    configure_logging("INFO", log_stream)
    word = "hush"
    try:
        fail_with(word)
    except RuntimeError:
        structlog.get_logger("app").exception("failed")
    line = json.loads(log_stream.getvalue())
    assert "RuntimeError: 4 characters" in line["exception"]
    assert word not in log_stream.getvalue()
