"""Composition root: settings in, application out; wiring only."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from random import SystemRandom

from fastapi import FastAPI

from app.adapters.clock import SystemClock
from app.adapters.journal_sql import SqlJournal
from app.adapters.key_file import WatchedKeyFile
from app.adapters.logging import configure_logging
from app.adapters.policy_http import HttpPolicyClient, HttpPolicyOptions
from app.adapters.policy_mock import MockPolicyClient
from app.adapters.telemetry import PrometheusTelemetry
from app.api import install
from app.api.security import KeySource
from app.core.breaker import CircuitBreaker
from app.core.circuit import Transition
from app.lifecycle import drain_on_sigterm
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.ports import Clock, PolicyClient, Telemetry
from app.pipeline.service import SizingService, World
from app.settings import Settings, load_settings

VERSION = version("himari-layer3")
DESCRIPTION = """Position sizing as a service: batches of signals in, target positions within hard
limits out; every decision journalled, explained and recomputable."""


def build_service(settings: Settings, *, clock: Clock, telemetry: Telemetry) -> SizingService:
    """Wire the engine as the settings say."""
    service: SizingService

    def moved(transition: Transition) -> None:
        service.circuit_moved(transition)

    draw = SystemRandom().random
    breaker = CircuitBreaker(settings.to_breaker_params(), draw=draw, on_transition=moved)
    gate = PolicyGate(_policy_client(settings, clock), breaker, clock)
    journal = SqlJournal(settings.database_url, synchronous=settings.synchronous)
    world = World(journal=journal, gate=gate, clock=clock, telemetry=telemetry)
    service = SizingService(settings.to_engine_params(), world, settings.mode)
    return service


def watch_service(telemetry: PrometheusTelemetry, service: SizingService) -> None:
    """Let gauges ask the service for what no event tells them."""
    journal = service.world.journal
    telemetry.watch(
        trading_state=lambda: str(service.beliefs.trading.state),
        circuit=service.circuit,
        performance=service.performance,
        journal_pending=lambda: float(journal.lag()[0]),
        journal_lag_sec=lambda: journal.lag()[1],
        conformal_coverage=lambda: service.beliefs.records.coverage(),  # noqa: PLW0108 - replaced
        regime_transitions=lambda: float(service.beliefs.regimes.transitions),
        regime_false_flips=lambda: float(service.beliefs.regimes.false_flips),
    )


def _policy_client(settings: Settings, clock: Clock) -> PolicyClient | None:
    if settings.mode == "fallback":
        return None
    if settings.mode == "mock":
        return MockPolicyClient(seed=settings.mock_seed)
    key = settings.rl_api_key
    options = HttpPolicyOptions(
        api_key=None if key is None else key.get_secret_value(),
        headers={name: value.get_secret_value() for name, value in settings.rl_headers.items()},
        wire=settings.rl_wire,
        max_concurrent=settings.rl_max_concurrent,
        expected_model_version=settings.rl_model_version,
        retry_after_cap_sec=settings.circuit_breaker.initial_timeout_sec,
        ca_file=settings.rl_ca_file,
    )
    return HttpPolicyClient(
        settings.rl_endpoint, settings.rl_timeout_sec, clock=clock, options=options
    )


def _key_source(settings: Settings, clock: Clock) -> KeySource | None:
    """Keys of file and settings together; None where the settings' own are all there are."""
    if settings.keys_file is None:
        return None
    return WatchedKeyFile(Path(settings.keys_file), clock, beside=settings.key_ring())


def create_app(settings: Settings | None = None) -> FastAPI:
    """Build the application; settings come from the environment when not given.

    Raises
    ------
    SettingsError
        If a setting is unknown or out of range.
    KeyFileUnusable
        If the key file cannot be read, or contradicts the keys of the settings.
    """
    settings = settings or load_settings()
    configure_logging(settings.log_level)
    clock = SystemClock()
    telemetry = PrometheusTelemetry(mode=settings.mode, version=VERSION)
    key_source = _key_source(settings, clock)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        service = build_service(settings, clock=clock, telemetry=telemetry)
        await service.start()
        watch_service(telemetry, service)
        app.state.service = service
        # what was made at start stays: the collector need not walk it at every large decision
        gc.freeze()

        def announce() -> None:
            service.draining = True

        with drain_on_sigterm(announce, settings.drain_sec):
            yield
        await service.stop()

    app = FastAPI(
        title="HIMARI Layer 3",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        # this release looks for OpenTelemetry at each request unless told not to
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    install(app, settings=settings, clock=clock, telemetry=telemetry, keys=key_source)
    return app


def __getattr__(name: str) -> FastAPI:
    """Build ``app`` when it is first asked for, so that importing this module reads nothing."""
    if name != "app":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    application = create_app()
    globals()["app"] = application
    return application
