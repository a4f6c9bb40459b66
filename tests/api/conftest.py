"""An application over ASGI, its fake service, and a valid request to vary one thing of."""

from collections.abc import AsyncIterator, Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import httpx
import pytest
import structlog
from fastapi import FastAPI

from app.api import install
from app.api.gate.idempotency import InFlight
from app.api.request import examples
from app.settings import Settings
from tests.api.fake_service import CountedEvents, FakeService
from tests.fakes import FakeClock


@dataclass(frozen=True)
class Site:
    """Everything of one running application."""

    app: FastAPI
    service: FakeService
    events: CountedEvents
    client: httpx.AsyncClient


@cache
def _application(settings: tuple[tuple[str, Any], ...]) -> FastAPI:
    app = FastAPI()
    install(app, settings=Settings(**dict(settings)), clock=FakeClock(), telemetry=CountedEvents())
    return app


def build_site(root_path: str = "", **settings: Any) -> Site:
    """Make an application with these settings, reached without sockets, with a fresh service.

    ``root_path`` is where a proxy has put it, as in ``uvicorn --root-path``.
    """
    app, service, events = _application(tuple(settings.items())), FakeService(), CountedEvents()
    app.state.api = replace(app.state.api, telemetry=events, in_flight=InFlight())
    app.state.service = service
    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app, root_path=root_path),
        # the server puts the root path before the path that a proxy left
        base_url=f"http://himari{root_path}",
        headers={"content-type": "application/json"},
    )
    return Site(app, service, events, client)


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Keep log lines of expected errors out of the test report."""
    structlog.configure(processors=[structlog.testing.LogCapture()])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    built = build_site()
    async with built.client:
        yield built


@pytest.fixture
def site_with() -> Callable[..., Site]:
    return build_site


@pytest.fixture
def valid() -> dict[str, Any]:
    return deepcopy(examples.ALLOCATE)
