"""Gauges of the current state and of the last decision, computed at each scrape.

A decision only leaves a reference to its view; sums over symbols and strategies are made at the
scrape. A name that disappears goes to 0 and keeps its label.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from app.adapters.telemetry.last_values import MAX_LABEL_VALUES, BoundedLabels, LastValues
from app.adapters.telemetry.model_gauges import ModelGauges
from app.adapters.telemetry.scalars import SCALARS, TOTALS
from app.core.limits import KINDS
from app.core.stages.cascade import WEIGHTS
from app.core.types import Regime, TradingState
from app.pipeline.answer import DecisionView

# names of limits with a label of their own; "other" and the kinds with one limit take the rest
_BUDGET_NAMES: Final = MAX_LABEL_VALUES - 1 - sum(kind.sole for kind in KINDS)


class GaugeCollector:
    """Prometheus collector over :class:`LastValues`."""

    def __init__(self, last: LastValues) -> None:
        self._last = last
        self._budgeted = {kind.level: BoundedLabels(0) for kind in KINDS if not kind.sole}
        self._strategies = BoundedLabels(MAX_LABEL_VALUES - 1)
        self._model = ModelGauges(MAX_LABEL_VALUES - 1)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric family, from the values as they are now."""
        last = self._last
        if last.refresh is not None:
            last.refresh()
        for total, (name, text) in TOTALS.items():
            value = last.totals.get(total, 0.0)
            yield CounterMetricFamily(f"himari_l3_{name}", text, value=value)
        for name, text, gauge in SCALARS:
            yield GaugeMetricFamily(f"himari_l3_{name}", text, value=gauge(last))
        shares = self._strategies.collapse(_shares(last.answer), float.__add__)
        for name, text, label, values in (*_labelled(last), (*_STRATEGY_SHARE, shares)):
            family = GaugeMetricFamily(f"himari_l3_{name}", text, labels=(label,))
            for value_of_label, number in values.items():
                family.add_metric((value_of_label,), number)
            yield family
        yield self._budget(last.view)
        yield from self._model.families(last.model_version() if last.model_version else None)

    def _budget(self, view: DecisionView | None) -> GaugeMetricFamily:
        family = GaugeMetricFamily(
            "himari_l3_risk_budget_utilization_pct",
            "Use of a limit (percent of the limit); of the others the largest",
            labels=("level", "identifier"),
        )
        used: dict[str, dict[str, float]] = {kind.level: {} for kind in KINDS}
        for row in view.details().risk_budget if view else []:
            used[row["level"]][row["identifier"]] = row["utilization_pct"]
        # at least two, so that a batch of one kind does not take the others' names
        sharing = max(2, sum(bool(used[level]) for level in self._budgeted))
        for level, values in used.items():
            labels = self._budgeted.get(level)
            if labels is None:
                family.add_metric((level, level), values.get(level, 0.0))
                continue
            left = _BUDGET_NAMES - sum(map(len, self._budgeted.values()))
            labels.limit = min(_BUDGET_NAMES // sharing, len(labels) + left)
            for name, value in labels.collapse(values.items(), max).items():
                family.add_metric((level, name), value)
        return family


_STRATEGY_SHARE: Final = (
    "ensemble_weight_current",
    "Share of a strategy (fraction)",
    "strategy_id",
)


def _labelled(last: LastValues) -> Iterator[tuple[str, str, str, Mapping[str, float]]]:
    """Yield name, help, label and values of the gauges whose label values are fixed."""
    regimes, answer = tuple(Regime), last.answer
    current = _one_of(regimes, answer.get("regime"))
    yield "current_regime", "Regime of the last batch: 1 the one (code)", "regime", current
    counts = _regime_counts(last.view)
    yield "regime_symbols", "Symbols of the last batch by regime (count)", "regime", counts
    parts = _components(answer)
    yield "cascade_risk_components", "Part of each indicator (score)", "component", parts
    state = _one_of(tuple(TradingState), _state_of(last))
    yield "trading_state", "Kill switch: 1 the state (code)", "state", state
    mode = _one_of(("fallback", "mock", "real"), last.mode)
    yield "mode", "Mode of the service: 1 the one (code)", "mode", mode
    breaker = _one_of(("auto", "forced_open", "disabled"), last.circuit.get("mode", "auto"))
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
    return {name: float(components.get(name, 0.0)) for name in WEIGHTS}


def _shares(answer: Mapping[str, Any]) -> Iterable[tuple[str, float]]:
    shares: Mapping[str, float] = answer.get("strategy_weights", {})
    return shares.items()


def _state_of(last: LastValues) -> str:
    return TradingState.ACTIVE if last.trading_state is None else last.trading_state()
