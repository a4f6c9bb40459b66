"""Gauges: what is true now or was after the last decision, worked out when somebody asks.

A decision leaves a reference to its view and no more; the arithmetic over symbols and strategies
is done at the scrape. A name that disappears goes to 0 and keeps its label.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.core.types import Regime, TradingState
from app.pipeline.decision import DecisionView

MAX_LABEL_VALUES: Final = 50
OTHER: Final = "other"
COMPONENTS: Final = (
    "funding_rate",
    "oi_change_pct",
    "volume_ratio",
    "onchain_whale_pressure",
    "exchange_netflow_zscore",
)
_CODES: Final = {"closed": 0.0, "half_open": 1.0, "open": 2.0}
_NO_ANSWER: Final[Mapping[str, Any]] = {}


@dataclass(slots=True)
class Known:
    """What this process last heard, and whom to ask; shared by all telemetry of the process.

    ``totals`` holds what the breakers of this process counted, by name on the wire.
    """

    view: DecisionView | None = None
    decided_at_sec: float = 0.0
    decisions: int = 0
    rl_decisions: int = 0
    mode: str = "fallback"
    circuit: Mapping[str, Any] = field(default_factory=dict)
    performance: Mapping[str, Any] = field(default_factory=dict)
    numbers: dict[str, Callable[[], float | None]] = field(default_factory=dict)
    trading_state: Callable[[], str] | None = None
    refresh: Callable[[], None] | None = None
    totals: dict[str, float] = field(default_factory=dict)

    @property
    def answer(self) -> Mapping[str, Any]:
        """The last answer; empty before the first."""
        return _NO_ANSWER if self.view is None else self.view.answer


class BoundedLabels:
    """The first names get a label of their own, later ones share ``other``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._names: dict[str, None] = {}

    def collapse(
        self, values: Iterable[tuple[str, float]], join: Callable[[float, float], float]
    ) -> dict[str, float]:
        """Value of every label ever given, 0 where its name is gone, and of ``other``."""
        shown = dict.fromkeys(self._names, 0.0)
        rest = 0.0
        for name, value in values:
            if name not in shown and len(shown) >= self._limit:
                rest = join(rest, value)
            else:
                self._names[name] = None
                shown[name] = value
        shown[OTHER] = join(shown.get(OTHER, 0.0), rest)
        return shown


def _from_answer(name: str) -> Callable[[Known], float]:
    return lambda known: float(known.answer.get(name, 0.0))


def _from_circuit(name: str, idle: float = 0.0) -> Callable[[Known], float]:
    return lambda known: float(known.circuit.get(name, idle))


def _from_performance(room: str, name: str) -> Callable[[Known], float]:
    return lambda known: float(known.performance.get(room, {}).get(name) or 0.0)


def _from_source(name: str) -> Callable[[Known], float]:
    return lambda known: float(known.numbers[name]() or 0.0) if name in known.numbers else 0.0


def _mean_penalty(known: Known) -> float:
    penalties = list(known.answer.get("correlation_penalties", {}).values())
    return math.fsum(penalties) / len(penalties) if penalties else 1.0


def _gross(name: str) -> Callable[[Known], float]:
    return lambda known: math.fsum(map(abs, known.answer.get(name, {}).values()))


def _turnover(known: Known) -> float:
    return math.fsum(abs(entry["trade_usd"]) for entry in known.answer.get("positions", ()))


def _open_positions(known: Known) -> float:
    return float(sum(usd != 0.0 for usd in known.answer.get("allocations", {}).values()))


SCALARS: Final[Sequence[tuple[str, str, Callable[[Known], float]]]] = (
    ("circuit_breaker_state", "State: 0 closed, 1 half_open, 2 open (code)",
     lambda known: _CODES.get(known.circuit.get("state", "closed"), 0.0)),
    ("circuit_breaker_timeout_sec", "Current wait before a probe (seconds)",
     _from_circuit("current_timeout_sec")),
    ("circuit_breaker_retry_in_sec", "Time until the next probe (seconds)",
     _from_circuit("time_until_retry_sec")),
    ("circuit_breaker_success_rate", "Share of calls that succeeded (fraction)",
     _from_circuit("success_rate", 1.0)),
    ("circuit_breaker_consecutive_failures", "Failures in a row (count)",
     _from_circuit("consecutive_failures")),
    ("kelly_fraction", "Mean Kelly size of directional signals (fraction of portfolio)",
     lambda known: known.view.details().kelly_fraction if known.view else 0.0),
    ("conformal_scale_factor", "Mean conformal scale (factor, 1 unscaled)",
     lambda known: known.view.details().conformal_scale if known.view else 1.0),
    ("conformal_coverage", "Share of outcomes within their interval (fraction)",
     _from_source("conformal_coverage")),
    ("cascade_risk_score", "Cascade risk, 0 calm to 1 (score)",
     lambda known: float(known.answer.get("cascade", {}).get("risk_score", 0.0))),
    ("ensemble_weight_total_usd", "Gross allocation (USD)", _from_answer("total_allocated_usd")),
    ("ensemble_utilization_pct", "Gross over portfolio value (percent)",
     _from_answer("utilization_pct")),
    ("ensemble_strategies", "Strategies with a share (count)",
     lambda known: float(len(known.answer.get("strategy_weights", ())))),
    ("ensemble_weight_drift_pct", "Largest drift of a strategy's share (percent)",
     _from_answer("max_drift_pct")),
    ("ensemble_drifted_strategies", "Strategies whose drift is an alert (count)",
     lambda known: float(len(known.answer.get("drifted_strategies", ())))),
    ("net_usd", "Net allocation, longs less shorts (USD)", _from_answer("net_usd")),
    ("baseline_total_usd", "Gross allocation of Phase 2 alone (USD)",
     _gross("baseline_allocations")),
    ("portfolio_value_usd", "Portfolio value of the last batch (USD)",
     _from_answer("portfolio_value")),
    ("turnover_usd", "Absolute trades of the last decision (USD)", _turnover),
    ("open_positions", "Symbols with a target other than zero (count)", _open_positions),
    ("correlation_penalty_mean", "Mean of Phase 2 size over Phase 1 size (factor)", _mean_penalty),
    ("rl_usage_rate", "Share of decisions that used the policy since start (fraction)",
     lambda known: known.rl_decisions / known.decisions if known.decisions else 0.0),
    ("rl_enabled", "Whether the policy is asked: 1 yes, 0 no (code)",
     lambda known: float(known.view.rl_enabled) if known.view else 0.0),
    ("last_decision_timestamp_seconds", "When the last decision was made (seconds since 1970)",
     lambda known: known.decided_at_sec),
    ("rl_advantage_mean", "Paired mean difference to Phase 2, 0 while pairs are few (return)",
     _from_performance("paired", "mean_difference")),
    ("rl_advantage_ci_low", "Lower end of its interval, 0 while pairs are few (return)",
     _from_performance("paired", "ci_low")),
    ("rl_advantage_ci_high", "Upper end of its interval, 0 while pairs are few (return)",
     _from_performance("paired", "ci_high")),
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
)  # fmt: skip
SOURCES: Final = frozenset({"journal_pending", "journal_lag_sec", "conformal_coverage"})
TOTALS: Final[Mapping[str, tuple[str, str]]] = {
    "total_failures": ("circuit_breaker_failures", "Failed calls to the policy (count)"),
    "total_fallbacks": ("circuit_breaker_fallbacks", "Fallbacks to Phase 2 (count)"),
    "total_requests": ("circuit_breaker_requests", "Calls that asked the breaker (count)"),
}


class LastKnown:
    """Prometheus collector over :class:`Known`."""

    def __init__(self, known: Known) -> None:
        self._known = known
        # Half of the identifiers for symbols, half for strategies, so that one label keeps to 50.
        self._symbols = BoundedLabels(MAX_LABEL_VALUES // 2 - 1)
        self._budgeted = BoundedLabels(MAX_LABEL_VALUES // 2 - 1)
        self._strategies = BoundedLabels(MAX_LABEL_VALUES - 1)

    def collect(self) -> Iterator[Metric]:
        """One family after the other, from what is known now."""
        known = self._known
        if known.refresh is not None:
            known.refresh()
        for total, (name, text) in TOTALS.items():
            value = known.totals.get(total, 0.0)
            yield CounterMetricFamily(f"himari_l3_{name}", text, value=value)
        for name, text, gauge in SCALARS:
            yield GaugeMetricFamily(f"himari_l3_{name}", text, value=gauge(known))
        shares = self._strategies.collapse(_shares(known.answer), float.__add__)
        for name, text, label, values in (*_labelled(known), (*_STRATEGY_SHARE, shares)):
            family = GaugeMetricFamily(f"himari_l3_{name}", text, labels=(label,))
            for value_of_label, number in values.items():
                family.add_metric((value_of_label,), number)
            yield family
        yield self._budget(known.view)

    def _budget(self, view: DecisionView | None) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "himari_l3_risk_budget_utilization_pct",
            "Use of a limit (percent of the limit); of the others the largest",
            labels=("level", "identifier"),
        )
        rows = view.details().risk_budget if view else []
        for level, labels in (("position", self._symbols), ("strategy", self._budgeted)):
            used = (
                (row["identifier"], row["utilization_pct"]) for row in rows if row["level"] == level
            )
            for name, value in labels.collapse(used, max).items():
                family.add_metric((level, name), value)
        whole = [row["utilization_pct"] for row in rows if row["level"] == "portfolio"]
        family.add_metric(("portfolio", "portfolio"), whole[0] if whole else 0.0)
        return family


_STRATEGY_SHARE: Final = (
    "ensemble_weight_current",
    "Share of a strategy (fraction)",
    "strategy_id",
)


def _labelled(known: Known) -> Iterator[tuple[str, str, str, Mapping[str, float]]]:
    """Name, help, label and values of the gauges with one label of known values."""
    regimes, answer = tuple(Regime), known.answer
    current = _one_of(regimes, answer.get("regime"))
    yield "current_regime", "Regime of the last batch: 1 the one (code)", "regime", current
    counts = _regime_counts(known.view)
    yield "regime_symbols", "Symbols of the last batch by regime (count)", "regime", counts
    parts = _components(answer)
    yield "cascade_risk_components", "Part of each indicator (score)", "component", parts
    state = _one_of(tuple(TradingState), _state_of(known))
    yield "trading_state", "Kill switch: 1 the state (code)", "state", state
    mode = _one_of(("fallback", "mock", "real"), known.mode)
    yield "mode", "Mode of the service: 1 the one (code)", "mode", mode
    breaker = _one_of(("auto", "forced_open", "disabled"), known.circuit.get("mode", "auto"))
    yield "circuit_breaker_mode", "Mode of the breaker: 1 the one (code)", "mode", breaker


def _one_of(names: Sequence[str], current: str | None) -> dict[str, float]:
    return {str(name): float(name == current) for name in names}


def _regime_counts(view: DecisionView | None) -> dict[str, float]:
    counts = dict.fromkeys(map(str, Regime), 0.0)
    for regime in (view.details().regimes if view else {}).values():
        if regime in counts:
            counts[regime] += 1.0
    return counts


def _components(answer: Mapping[str, Any]) -> dict[str, float]:
    components = answer.get("cascade", {}).get("components", {})
    return {name: float(components.get(name, 0.0)) for name in COMPONENTS}


def _shares(answer: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    shares: Mapping[str, float] = answer.get("strategy_weights", {})
    return shares.items()


def _state_of(known: Known) -> str:
    return TradingState.ACTIVE if known.trading_state is None else known.trading_state()
