"""Telemetry port on Prometheus: counters as things happen, gauges when they are scraped."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from prometheus_client import REGISTRY

from app.adapters.telemetry import counters
from app.adapters.telemetry.gauges import LastKnown
from app.adapters.telemetry.known import Known
from app.adapters.telemetry.scalars import SOURCES, TOTALS
from app.pipeline.answer import DecisionView

_KNOWN: Final = Known()
REGISTRY.register(LastKnown(_KNOWN))


class PrometheusTelemetry:
    """What the service tells of itself; all instances of a process share one metric set.

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
        _KNOWN.mode = mode
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
        """Name functions to ask: views and gauges at each scrape, totals after each decision.

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
                _KNOWN.numbers[name] = function
            elif name in counters.EVENTS:
                self._watched[name] = lambda function=function: function() or 0.0  # type: ignore[misc]
                self._seen[name] = self._watched[name]()
            else:
                allowed = sorted({*SOURCES, *counters.EVENTS})
                raise ValueError(f"watched numbers must be of {allowed}, was {name!r}")
        _KNOWN.trading_state = trading_state or _KNOWN.trading_state
        _KNOWN.model_version = model_version or _KNOWN.model_version

        def refresh() -> None:
            if circuit is not None:
                self.circuit_changed(circuit())
            if performance is not None:
                _KNOWN.performance = performance()

        if circuit is not None or performance is not None:
            _KNOWN.refresh = refresh

    def decided(self, view: DecisionView) -> None:
        """Count one decision; its numbers are kept for the next scrape."""
        answer = view.answer
        _KNOWN.view = view
        _KNOWN.decided_at_sec = time.time()
        _KNOWN.decisions += 1
        _KNOWN.rl_decisions += answer["strategy"] == "rl"
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
        for stage, milliseconds in view.stage_ms.items():
            if stage in counters.LATENCY:
                counters.LATENCY[stage].observe(milliseconds)
        for name, total in self._watched.items():
            growth = self._growth(name, total())
            if growth > 0:
                counters.EVENTS[name].inc(growth)

    def outcomes_recorded(self, report: Mapping[str, Any]) -> None:
        """Count what became of outcomes: ``accepted``, ``duplicates``, ``rejected``."""
        counters.OUTCOMES_ACCEPTED.inc(report["accepted"])
        counters.OUTCOMES_DUPLICATES.inc(report["duplicates"])
        counters.OUTCOMES_REJECTED.inc(len(report["rejected"]))

    def circuit_changed(self, snapshot: Mapping[str, Any]) -> None:
        """Take a snapshot as of ``GET /circuit``; totals are added by their growth."""
        _KNOWN.circuit = snapshot
        for name in TOTALS:
            growth = max(self._growth(name, snapshot[name]), 0.0)
            _KNOWN.totals[name] = _KNOWN.totals.get(name, 0.0) + growth
        state = snapshot["state"]
        if state != self._state:
            self._state = state
            counters.TRANSITIONS[state].inc()

    def count(self, name: str, amount: int = 1) -> None:
        """Count a rare event; signals rejected by a decision are counted with it, not here."""
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
