"""Counters and histograms, updated as events happen.

One set per process, made at import; several services in a process share it.
"""

from enum import StrEnum
from typing import Final

from prometheus_client import Counter, Histogram, Info, disable_created_metrics

from app.core.limits import KINDS
from app.core.stages.cascade import RECOMMENDATIONS
from app.core.types import FallbackReason

# they would double the series, for a creation time that no panel shows
disable_created_metrics()  # type: ignore[no-untyped-call]

LEVELS: Final = tuple(kind.level for kind in KINDS)
STATES: Final = ("closed", "half_open", "open")
STAGES: Final = ("sizing", "policy", "settle", "journal", "total")
_LATENCY_MS: Final = (
    0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0,
    10_000.0,
)  # fmt: skip
_SIZES: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 5000.0)


class Event(StrEnum):
    """Names of rare events that may be counted, or watched as totals."""

    SOLVER_FALLBACKS = "solver_fallbacks"
    JOURNAL_ERRORS = "journal_errors"
    CONFORMAL_REFUSED = "conformal_refused"
    CORRELATION_ALERTS = "correlation_alerts"
    REGIME_TRANSITIONS = "regime_transitions"
    REGIME_FALSE_FLIPS = "regime_false_flips"
    IDEMPOTENT_REPLAYS = "idempotent_replays"
    POLICY_CALLS = "policy_calls"
    POLICY_CLIENT_ERRORS = "policy_client_errors"
    REQUESTS_REFUSED = "requests_refused"


_EVENT_HELP: Final = {
    Event.SOLVER_FALLBACKS: "Decisions scaled down because the solver had no answer (count)",
    Event.JOURNAL_ERRORS: "Writes that the journal refused (count)",
    Event.CONFORMAL_REFUSED: "Residuals refused as missing, NaN or infinite (count)",
    Event.CORRELATION_ALERTS: "Pairs of symbols found above the alert correlation (count)",
    Event.REGIME_TRANSITIONS: "Confirmed changes of a symbol's regime (count)",
    Event.REGIME_FALSE_FLIPS: "Regime candidates abandoned before confirmation (count)",
    Event.IDEMPOTENT_REPLAYS: "Answers repeated for an Idempotency-Key (count)",
    Event.POLICY_CALLS: "Requests sent to the policy (count)",
    Event.POLICY_CLIENT_ERRORS: "Requests refused by the policy, 4xx but 408 and 429 (count)",
    Event.REQUESTS_REFUSED: "Requests turned away with 503 because too many were there (count)",
}
EVENTS: Final = {
    event.value: Counter(f"himari_l3_{event}_total", text) for event, text in _EVENT_HELP.items()
}

_decisions = Counter(
    "himari_l3_position_decisions_total", "Decisions by who decided (count)", ("strategy_id",)
)
DECISIONS: Final = {name: _decisions.labels(name) for name in ("rl", "fallback")}

_fallbacks = Counter(
    "himari_l3_decision_fallbacks_total", "Decisions of Phase 2 by reason (count)", ("reason",)
)
FALLBACKS: Final = {reason.value: _fallbacks.labels(reason.value) for reason in FallbackReason}

_recommendations = Counter(
    "himari_l3_cascade_recommendations_total",
    "Decisions by cascade recommendation (count)",
    ("recommendation",),
)
RECOMMENDED: Final = {name: _recommendations.labels(name) for name in RECOMMENDATIONS}

_violations = Counter(
    "himari_l3_risk_budget_violations_total",
    "Demands beyond a limit, cut to it, by level of the limit (count)",
    ("level",),
)
VIOLATIONS: Final = {level: _violations.labels(level) for level in LEVELS}

_binding = Counter(
    "himari_l3_binding_limits_total",
    "Limits that held a decision down, by level (count)",
    ("level",),
)
BINDING: Final = {level: _binding.labels(level) for level in LEVELS}

WARNINGS: Final = Counter("himari_l3_warnings_total", "Warnings in answers (count)")
REJECTED: Final = Counter(
    "himari_l3_rejected_signals_total",
    "Signals not sized: no price, too old, from the future (count)",
)

_transitions = Counter(
    "himari_l3_circuit_breaker_transitions_total",
    "Changes of state, by new state (count)",
    ("state",),
)
TRANSITIONS: Final = {state: _transitions.labels(state) for state in STATES}

OUTCOMES_ACCEPTED: Final = Counter("himari_l3_outcomes_accepted_total", "Outcomes counted (count)")
OUTCOMES_DUPLICATES: Final = Counter(
    "himari_l3_outcomes_duplicates_total", "Outcomes known before (count)"
)
OUTCOMES_REJECTED: Final = Counter("himari_l3_outcomes_rejected_total", "Outcomes refused (count)")

_latency = Histogram(
    "himari_l3_decision_latency_ms",
    "Time of a decision by stage (milliseconds)",
    ("stage",),
    buckets=_LATENCY_MS,
)
LATENCY: Final = {stage: _latency.labels(stage) for stage in STAGES}
SYMBOLS: Final = Histogram(
    "himari_l3_decision_symbols", "Symbols in an answer (count)", buckets=_SIZES
)

BUILD: Final = Info("himari_l3_build", "Version of the service (no unit)")
