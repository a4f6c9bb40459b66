"""The service over ASGI on a clock that tests move."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from app.adapters.telemetry.prometheus import PrometheusTelemetry
from app.api import install
from app.main import build_service
from app.pipeline.service import SizingService
from app.settings import Settings
from tests.fakes import FakeClock

# how long the policy may take in the tests' runs of the matrix
DEADLINE_SEC = 0.2


@asynccontextmanager
async def started(
    settings: Settings, clock: FakeClock
) -> AsyncIterator[tuple[SizingService, httpx.AsyncClient]]:
    telemetry = PrometheusTelemetry(mode=settings.mode)
    app = FastAPI()
    install(app, settings=settings, clock=clock, telemetry=telemetry)
    service = build_service(settings, clock=clock, telemetry=telemetry)
    await service.start()
    app.state.service = service
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield service, client
    await service.stop()
