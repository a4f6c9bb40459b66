"""Traces by OpenTelemetry, where they are asked for: nothing of it is imported otherwise.

A request is a span, the stages of a decision and the calls to the policy are its children, and
``traceparent`` carries the trace on to the policy server. Where spans go is said by the standard
``OTEL_*`` variables, which the SDK reads. Spans hold routes, statuses, counts and ids: neither
bodies nor headers.
"""

import asyncio
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import HimariError
from app.pipeline.answer import DecisionView
from app.pipeline.ports import Telemetry

_STAGES: Final = ("sizing", "policy", "settle", "journal")
_STOP_SEC: Final = 3.0
_LOG = structlog.get_logger(__name__)


class TracingMissing(HimariError):
    """Traces are asked for, and the packages that make them are not installed."""

    def __init__(self) -> None:
        super().__init__(
            "OTEL_ENABLED needs the extra otel, which is not installed: "
            "pip install 'himari-layer3[otel]'"
        )


class Tracing:
    """Spans of one service, and the thread that sends them.

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
        if not is_installed():
            raise TracingMissing
        from opentelemetry import trace  # noqa: PLC0415 - only where it is asked for
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self._trace = trace
        self._provider = TracerProvider(resource=_resource(name, version), shutdown_on_exit=False)
        exporter: Any = ToldExporter(OTLPSpanExporter())
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(name, version)
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def serving(self, scope: Scope) -> Iterator[Any]:
        """Surround one request by its span, within the trace of the caller if it names one."""
        carrier = {
            key.decode("latin-1"): value.decode("latin-1")
            for key, value in scope["headers"]
            if key in {b"traceparent", b"tracestate"}
        }
        with self._tracer.start_as_current_span(
            f"{scope['method']} {scope['path'][:200]}",
            context=self._propagator.extract(carrier),
            kind=self._trace.SpanKind.SERVER,
            attributes={
                "http.request.method": scope["method"],
                "url.path": scope["path"][:200],
            },
            # the text of an exception may quote what was sent
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    @contextmanager
    def asking(self, host: str) -> Iterator[Mapping[str, str]]:
        """Surround one request to the policy by a span; gives the headers that carry it on."""
        with self._tracer.start_as_current_span(
            "POST policy",
            kind=self._trace.SpanKind.CLIENT,
            attributes={"http.request.method": "POST", "server.address": host},
            record_exception=False,
        ):
            carrier: dict[str, str] = {}
            self._propagator.inject(carrier)
            yield carrier

    def decided(self, view: DecisionView) -> None:
        """Put the stages of a decision that has just ended into the trace of its request."""
        span = self._trace.get_current_span()
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
        # stages were timed already: their spans are laid end to end up to now
        begin = time.time_ns() - round(1e6 * sum(view.stage_ms[stage] for stage in _STAGES))
        for stage in _STAGES:
            end = begin + round(1e6 * view.stage_ms[stage])
            self._tracer.start_span(f"decision {stage}", start_time=begin).end(end)
            begin = end

    def note_status(self, span: Any, status: int) -> None:
        """Put the status of an answer into its span."""
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(self._trace.StatusCode.ERROR)

    async def stop(self) -> None:
        """Send what is left, within three seconds whatever the receiver does."""
        # a thread of its own: the SDK's last attempt is not to be waited for
        ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, _STOP_SEC)


class TracedTelemetry:
    """A telemetry that tells the traces of each decision as well.

    Parameters
    ----------
    telemetry : Telemetry
    tracing : Tracing
    """

    def __init__(self, telemetry: Telemetry, tracing: Tracing) -> None:
        self._tracing = tracing
        self._telemetry = telemetry
        self.outcomes_recorded = telemetry.outcomes_recorded
        self.circuit_changed = telemetry.circuit_changed
        self.count = telemetry.count

    def decided(self, view: DecisionView) -> None:
        """Tell both."""
        self._telemetry.decided(view)
        self._tracing.decided(view)


class ToldExporter:
    """An exporter that says once that its spans do not arrive, and once that they do again.

    The SDK's own words quote URLs, and with them what may be a secret; its loggers are silenced.

    Parameters
    ----------
    exporter : SpanExporter
    """

    def __init__(self, exporter: Any) -> None:
        self.shutdown = exporter.shutdown
        self.force_flush = exporter.force_flush
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Any) -> Any:
        """Send spans on and note what came of it."""
        result = self._exporter.export(spans)
        failing = result.name != "SUCCESS"
        if failing != self._failing:
            self._failing = failing
            _LOG.warning("spans_not_sent" if failing else "spans_sent_again")
        return result


class TracedRequests:
    """ASGI middleware: a span a request, and its trace id in every log line of it.

    Parameters
    ----------
    app : ASGIApp
    tracing : Tracing
    """

    def __init__(self, app: ASGIApp, tracing: Tracing) -> None:
        self._app = app
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; see ASGI."""
        if scope["type"] != "http" or _is_operational(scope["path"]):
            await self._app(scope, receive, send)
            return
        with self._tracing.serving(scope) as span:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._tracing.note_status(span, message["status"])
                await send(message)

            trace_id = format(span.get_span_context().trace_id, "032x")
            tokens = structlog.contextvars.bind_contextvars(trace_id=trace_id)
            try:
                await self._app(scope, receive, noting)
            finally:
                structlog.contextvars.reset_contextvars(**tokens)
                span.set_attribute("himari.request_id", scope.get("himari.request_id", ""))


def is_installed() -> bool:
    """Whether the packages of the extra are there; imports none of them but their parents."""
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http.trace_exporter") is not None
    except ModuleNotFoundError:
        return False


def _resource(name: str, version: str) -> Any:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - only where it is asked for

    # what the environment says wins, but not the SDK's own stopgap
    told = Resource.create()
    known = str(told.attributes.get("service.name", "unknown_service"))
    chosen = name if known.startswith("unknown_service") else known
    return told.merge(Resource({"service.name": chosen, "service.version": version}))


def _is_operational(path: str) -> bool:
    return path.startswith("/health/") or path == "/metrics"
