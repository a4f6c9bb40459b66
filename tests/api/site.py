"""An application over ASGI with a fake service behind it."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import httpx
from fastapi import FastAPI

from app.api import install
from app.api.gate.idempotency import InFlight
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
