"""Prometheus telemetry: counters updated with each event, gauges computed at each scrape."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from prometheus_client import REGISTRY

from app.adapters.telemetry import counters, noticed
from app.adapters.telemetry.gauges import GaugeCollector
from app.adapters.telemetry.last_values import LastValues
from app.adapters.telemetry.scalars import SOURCES, TOTALS
from app.pipeline.answer import DecisionView

_LAST: Final = LastValues()
REGISTRY.register(GaugeCollector(_LAST))


class PrometheusTelemetry:
    """Metrics of the service; all instances in a process share one metric set.

    Parameters
    ----------
    mode : str
        fallback, mock or real.
    version : str
        Shown in ``himari_l3_build_info``.
    """

    def __init__(self, *, mode: str = "fallback", version: str = "unknown") -> None:
        self._state = "closed"
        self._seen: dict[str, float] = {}
        self._watched: dict[str, Callable[[], float]] = {}
        _LAST.mode = mode
        counters.BUILD.info({"version": version, "mode": mode})

    def watch(
        self,
        *,
        trading_state: Callable[[], str] | None = None,
        circuit: Callable[[], Mapping[str, Any]] | None = None,
        performance: Callable[[], Mapping[str, Any]] | None = None,
        model_version: Callable[[], str | None] | None = None,
        **numbers: Callable[[], float | None],
    ) -> None:
        """Register functions to call: views and gauges at each scrape, totals after each decision.

        Parameters
        ----------
        trading_state : callable, optional
            ACTIVE, REDUCING or HALTED.
        circuit, performance : callable, optional
            As of ``GET /circuit`` and ``GET /performance``.
        model_version : callable, optional
            Version that the policy answered with last, None before it did.
        **numbers : callable
            Gauges by the names of :data:`~app.adapters.telemetry.scalars.SOURCES`, in the units
            of their help texts; and growing totals by the names of
            :class:`~app.adapters.telemetry.counters.Event`, counted from now on.

        Raises
        ------
        ValueError
            If a number has another name.
        """
        for name, function in numbers.items():
            if name in SOURCES:
                _LAST.sources[name] = function
            elif name in counters.EVENTS:
                self._watched[name] = lambda function=function: function() or 0.0  # type: ignore[misc]
                self._seen[name] = self._watched[name]()
            else:
                allowed = sorted({*SOURCES, *counters.EVENTS})
                raise ValueError(f"watched numbers must be of {allowed}, was {name!r}")
        _LAST.trading_state = trading_state or _LAST.trading_state
        _LAST.model_version = model_version or _LAST.model_version

        def refresh() -> None:
            if circuit is not None:
                self.circuit_changed(circuit())
            if performance is not None:
                _LAST.performance = performance()

        if circuit is not None or performance is not None:
            _LAST.refresh = refresh

    def decided(self, view: DecisionView) -> None:
        """Count one decision, and keep its view for the next scrape."""
        answer = view.answer
        _LAST.view = view
        _LAST.decided_at_sec = time.time()
        _LAST.decisions += 1
        _LAST.rl_decisions += answer["strategy"] == "rl"
        counters.DECISIONS[answer["strategy"]].inc()
        counters.RECOMMENDED[answer["cascade"]["recommendation"]].inc()
        counters.SYMBOLS.observe(len(answer["allocations"]))
        if answer["fallback_reason"] is not None:
            counters.FALLBACKS[answer["fallback_reason"]].inc()
        if answer["warnings"]:
            counters.WARNINGS.inc(len(answer["warnings"]))
        if answer["rejected_signals"]:
            counters.REJECTED.inc(len(answer["rejected_signals"]))
        _count_limits(answer["binding_limits"])
        noticed.count_notices(answer["notices"])
        noticed.count_abstentions(answer["policy"]["abstained"])
        for stage, milliseconds in view.stage_ms.items():
            if stage in counters.LATENCY:
                counters.LATENCY[stage].observe(milliseconds)
        for name, total in self._watched.items():
            growth = self._growth(name, total())
            if growth > 0:
                counters.EVENTS[name].inc(growth)

    def outcomes_recorded(self, report: Mapping[str, Any]) -> None:
        """Count outcomes by ``accepted``, ``duplicates`` and ``rejected``."""
        counters.OUTCOMES_ACCEPTED.inc(report["accepted"])
        counters.OUTCOMES_DUPLICATES.inc(report["duplicates"])
        counters.OUTCOMES_REJECTED.inc(len(report["rejected"]))

    def market_observed(self, report: Mapping[str, Any]) -> None:
        """Count prices or returns by ``accepted``, and the ignored ones by their ``reasons``."""
        noticed.count_observations(report)

    def noticed(self, what: str, amount: int = 1) -> None:
        """Count what was noticed outside of a decision, by a word of `noticed.WORDS`."""
        noticed.NOTICED[what].inc(amount)

    def circuit_changed(self, snapshot: Mapping[str, Any]) -> None:
        """Keep a snapshot as of ``GET /circuit``, and add the growth of its totals."""
        _LAST.circuit = snapshot
        for name in TOTALS:
            growth = max(self._growth(name, snapshot[name]), 0.0)
            _LAST.totals[name] = _LAST.totals.get(name, 0.0) + growth
        state = snapshot["state"]
        if state != self._state:
            self._state = state
            counters.TRANSITIONS[state].inc()

    def count(self, name: str, amount: int = 1) -> None:
        """Count a rare event; other names are ignored, as decisions count rejected signals."""
        if name in counters.EVENTS:
            counters.EVENTS[name].inc(amount)

    def _growth(self, name: str, total: float) -> float:
        growth = total - self._seen.get(name, 0.0)
        self._seen[name] = total
        return growth


def _count_limits(binding: list[dict[str, Any]]) -> None:
    for entry in binding:
        level = entry["limit"]
        counters.BINDING[level].inc()
        if entry["requested_usd"] > entry["limit_usd"]:
            counters.VIOLATIONS[level].inc()
