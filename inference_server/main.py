"""Composition root: settings in, application out; wiring only."""

import gc
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from functools import partial
from importlib.metadata import PackageNotFoundError, version

import structlog
from fastapi import FastAPI

from edge.json_log import configure_logging
from edge.lifecycle import drain_on_sigterm
from edge.tracing import TracedRequests, Tracing
from inference_server.api import install
from inference_server.api.context import ApiContext, Stage
from inference_server.errors import ModelRefused
from inference_server.model.kinds import KINDS, Kinds
from inference_server.model.loading import ServedModel, load_model
from inference_server.serving.batching import Batcher, BatchLimits
from inference_server.serving.model_thread import ModelThread
from inference_server.serving.predictor import Predictor
from inference_server.serving.switch import ModelSwitch
from inference_server.settings import Settings, load_settings
from inference_server.telemetry import Telemetry

DESCRIPTION = """Target positions for trading signals, each with the confidence to blend it by.
One signal as the guide has it, or a batch with history as JSON or msgpack; rows of concurrent
requests share runs of the model, and the answer does not depend on how they were shared."""
_LOG = structlog.get_logger("inference_server")


class Server:
    """Everything that is created at the start and closed at the stop.

    Parameters
    ----------
    settings : Settings
    telemetry : Telemetry
    kinds : mapping of kind to setup
    stage : Stage
        Opens a span of a trace around a part of a request.
    """

    def __init__(
        self, settings: Settings, telemetry: Telemetry, kinds: Kinds, *, stage: Stage = nullcontext
    ) -> None:
        self._telemetry = telemetry
        self._thread = ModelThread(settings.run_limit_sec)
        limits = BatchLimits(settings.max_batch_rows, settings.queue_rows)
        self._batcher = Batcher(self._thread, limits, telemetry)
        self._switch = ModelSwitch(partial(_load, settings, kinds))
        self.draining = False
        self.context = ApiContext(
            settings,
            Predictor(self._switch, self._batcher, settings.request_timeout_sec),
            self._switch,
            telemetry,
            self.trouble,
            stage,
        )

    def trouble(self) -> list[str]:
        """Return what keeps the server from being ready; empty when it is ready."""
        thread = self._thread.trouble()
        return [
            *(["the service is ending"] if self.draining else []),
            *([] if self._switch.loaded else ["no model is loaded"]),
            *([] if thread is None else [thread]),
        ]

    async def start(self) -> None:
        """Start the thread and load the model; one that is refused leaves the server not ready."""
        self._thread.start()
        self._telemetry.bind_gauges(
            queued_rows=lambda: self._batcher.queued_rows,
            busy_sec=self._thread.busy_sec,
            ready=lambda: not self.trouble(),
            model=lambda: self._switch.current if self._switch.loaded else None,
        )
        try:
            await self._switch.reload()
        except ModelRefused as error:
            # a reload can still load a model, and until then callers get 503
            _LOG.error("model_refused", reason=str(error))
            return
        card = self._switch.current.card
        self._telemetry.show_model(self._switch.current)
        _LOG.info("model_loaded", version=card.version, kind=card.kind)

    async def stop(self) -> None:
        """Fail what waits and let the current run end."""
        await self._batcher.close()


def _load(settings: Settings, kinds: Kinds, asked: str | None) -> ServedModel:
    return load_model(
        settings.model_dir,
        asked or settings.model or None,
        threads=settings.threads,
        warm_rows=settings.max_batch_rows,
        kinds=kinds,
    )


def _application(lifespan: Callable[[FastAPI], AbstractAsyncContextManager[None]]) -> FastAPI:
    return FastAPI(
        title="HIMARI inference server",
        version=_version(),
        description=DESCRIPTION,
        lifespan=lifespan,
        # this release looks for OpenTelemetry at each request unless switched off
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )


def create_app(settings: Settings | None = None, *, kinds: Kinds = KINDS) -> FastAPI:
    """Build the application.

    Parameters
    ----------
    settings : Settings, optional
        From the environment when not given.
    kinds : mapping of kind to setup, or to its module and name

    Raises
    ------
    SettingsError
        If a setting is unknown or out of range.
    TracingMissing
        If traces are asked for and their packages are not installed.
    """
    settings = settings or load_settings()
    configure_logging(settings.log_level)
    telemetry = Telemetry(version=_version())

    tracing = _tracing() if settings.otel_enabled else None

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        stage = nullcontext if tracing is None else tracing.stage_span
        server = Server(settings, telemetry, kinds, stage=stage)
        await server.start()
        app.state.context = server.context
        # objects made at the start stay, so the collector need not scan them again
        gc.freeze()

        def announce() -> None:
            server.draining = True

        with drain_on_sigterm(announce, settings.drain_sec):
            yield
        app.state.context = None
        await server.stop()
        if tracing is not None:
            await tracing.stop()

    app = _application(lifespan)
    install(app, settings, telemetry.registry)
    if tracing is not None:
        app.add_middleware(TracedRequests, tracing=tracing)
    return app


def _tracing() -> Tracing:
    return Tracing("himari-inference", _version(), "inference_server.tracing")


def _version() -> str:
    try:
        return version("himari-layer3")
    except PackageNotFoundError:
        return "unknown"


def __getattr__(name: str) -> FastAPI:
    """Build ``app`` when it is first asked for, so that importing this module reads nothing."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    application = create_app()
    globals()["app"] = application
    return application
