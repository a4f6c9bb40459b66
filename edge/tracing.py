"""Traces by OpenTelemetry, which is imported only where tracing is on.

A request is a span within the caller's trace (``traceparent``); its stages are child spans. The
SDK reads the standard ``OTEL_*`` variables for where spans go. Spans hold paths, statuses and
ids, neither bodies nor headers.
"""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edge.access import is_operational
from edge.json_log import TRACE_ID

_STOP_SEC: Final = 3.0
_CARRIED: Final = frozenset({b"traceparent", b"tracestate"})


class TracingMissing(Exception):
    """Tracing is on, but its packages are not installed."""

    def __init__(self) -> None:
        super().__init__(
            "OTEL_ENABLED needs the extra otel, which is not installed: "
            "pip install 'himari-layer3[otel]'"
        )


class Tracing:
    """Tracer of one server, with the thread that sends its spans.

    Parameters
    ----------
    name, version : str
        Of the server; ``OTEL_SERVICE_NAME`` wins over the name.
    logger : str
        Name of the logger for whether spans are delivered.

    Raises
    ------
    TracingMissing
        If the extra is not installed.
    """

    def __init__(self, name: str, version: str, logger: str) -> None:
        if not is_installed():
            raise TracingMissing
        from opentelemetry import trace  # noqa: PLC0415 - only where tracing is on
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415
            TraceContextTextMapPropagator,
        )

        self.trace = trace
        self._provider = TracerProvider(resource=_resource(name, version), shutdown_on_exit=False)
        exporter: Any = LoggingExporter(OTLPSpanExporter(), structlog.get_logger(logger))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self.tracer = self._provider.get_tracer(name, version)
        self.propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request_span(self, scope: Scope) -> Iterator[Any]:
        """Run the block in the span of one request, within the caller's trace if it sent one."""
        path = scope["path"][:200]
        carrier = {
            key.decode("latin-1"): value.decode("latin-1")
            for key, value in scope["headers"]
            if key in _CARRIED
        }
        with self.tracer.start_as_current_span(
            f"{scope['method']} {path}",
            context=self.propagator.extract(carrier),
            kind=self.trace.SpanKind.SERVER,
            attributes={"http.request.method": scope["method"], "url.path": path},
            # the text of an exception may quote what was sent
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            yield span

    @contextmanager
    def stage_span(self, name: str) -> Iterator[None]:
        """Run the block in the span of one stage of a request."""
        with self.tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        ):
            yield

    def set_status(self, span: Any, status: int) -> None:
        """Set the status of an answer on its span."""
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            span.set_status(self.trace.StatusCode.ERROR)

    async def stop(self) -> None:
        """Send the remaining spans and stop, within three seconds."""
        # a thread of its own, as the SDK's last attempt may take longer
        ending = threading.Thread(target=self._provider.shutdown, name="traces", daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, _STOP_SEC)


class LoggingExporter:
    """Exporter that logs once when spans are not delivered, and once when they are again.

    The SDK's own log lines quote URLs, which may hold a secret, so its loggers are silenced.

    Parameters
    ----------
    exporter : SpanExporter
    log : structlog logger
    """

    def __init__(self, exporter: Any, log: Any) -> None:
        self._log = log
        self.shutdown = exporter.shutdown
        self.force_flush = exporter.force_flush
        self._exporter = exporter
        self._failing = False

    def export(self, spans: Any) -> Any:
        """Export spans, log a change of success, and return the exporter's result."""
        result = self._exporter.export(spans)
        failing = result.name != "SUCCESS"
        if failing != self._failing:
            self._failing = failing
            self._log.warning("spans_not_sent" if failing else "spans_sent_again")
        return result


class TracedRequests:
    """ASGI middleware: one span per request, and its trace id in every log line of it.

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
        if scope["type"] != "http" or is_operational(scope["path"]):
            await self._app(scope, receive, send)
            return
        with self._tracing.request_span(scope) as span:

            async def noting(message: Message) -> None:
                if message["type"] == "http.response.start":
                    self._tracing.set_status(span, message["status"])
                await send(message)

            token = TRACE_ID.set(format(span.get_span_context().trace_id, "032x"))
            try:
                await self._app(scope, receive, noting)
            finally:
                TRACE_ID.reset(token)
                span.set_attribute("himari.request_id", scope.get("himari.request_id", ""))


def is_installed() -> bool:
    """Return whether the packages of the extra are installed; imports their parents only."""
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http.trace_exporter") is not None
    except ModuleNotFoundError:
        return False


def _resource(name: str, version: str) -> Any:
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - only where tracing is on

    # the environment's name wins, but not the SDK's placeholder
    detected = Resource.create()
    known = str(detected.attributes.get("service.name", "unknown_service"))
    chosen = name if known.startswith("unknown_service") else known
    return detected.merge(Resource({"service.name": chosen, "service.version": version}))
