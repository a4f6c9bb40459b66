"""Spans of the service: the stages of a decision and the calls to the policy.

``traceparent`` propagates the trace to the policy server. Spans hold routes, statuses, counts and
ids, neither bodies nor headers.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from app.pipeline.answer import DecisionView
from app.pipeline.ports import Telemetry
from edge import tracing

_STAGES: Final = ("sizing", "policy", "settle", "journal")


class Tracing(tracing.Tracing):
    """Tracer of the service; see :class:`edge.tracing.Tracing`.

    Parameters
    ----------
    name, version : str
        Of the service; ``OTEL_SERVICE_NAME`` wins over the name.

    Raises
    ------
    TracingMissing
        If the extra is not installed.
    """

    def __init__(self, name: str, version: str) -> None:
        super().__init__(name, version, __name__)

    @contextmanager
    def policy_span(self, host: str) -> Iterator[Mapping[str, str]]:
        """Run the block in the span of one policy request; yields the headers that propagate it."""
        with self.tracer.start_as_current_span(
            "POST policy",
            kind=self.trace.SpanKind.CLIENT,
            attributes={"http.request.method": "POST", "server.address": host},
            record_exception=False,
        ):
            carrier: dict[str, str] = {}
            self.propagator.inject(carrier)
            yield carrier

    def decided(self, view: DecisionView) -> None:
        """Add the stages of a decision that has just ended to the trace of its request."""
        span = self.trace.get_current_span()
        if not span.is_recording():
            return
        answer = view.answer
        span.set_attributes(
            {
                "himari.decision_id": answer["decision_id"],
                "himari.strategy": answer["strategy"],
                "himari.fallback_reason": answer["fallback_reason"] or "",
                "himari.symbols": len(answer["allocations"]),
            }
        )
        # the stages were timed already, so their spans end to end lead up to now
        begin = time.time_ns() - round(1e6 * sum(view.stage_ms[stage] for stage in _STAGES))
        for stage in _STAGES:
            end = begin + round(1e6 * view.stage_ms[stage])
            self.tracer.start_span(f"decision {stage}", start_time=begin).end(end)
            begin = end


class TracedTelemetry:
    """Telemetry that adds the stages of each decision to its trace as well.

    Parameters
    ----------
    telemetry : Telemetry
    tracing : Tracing
    """

    def __init__(self, telemetry: Telemetry, tracing: Tracing) -> None:
        self._tracing = tracing
        self._telemetry = telemetry
        self.outcomes_recorded = telemetry.outcomes_recorded
        self.market_observed = telemetry.market_observed
        self.noticed = telemetry.noticed
        self.circuit_changed = telemetry.circuit_changed
        self.count = telemetry.count

    def decided(self, view: DecisionView) -> None:
        """Count the decision, and add its stages to the trace."""
        self._telemetry.decided(view)
        self._tracing.decided(view)
