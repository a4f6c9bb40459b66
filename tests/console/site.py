"""The console on a real service over ASGI: real journal on disk, a clock that stands still."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from app import console
from app.adapters.journal.sql import SqlJournal
from app.api import fixed_keys, install
from app.api.gate.access import KeySource
from app.api.response.problems import kind_of
from app.api.routes.allocate import batch_of
from app.core.access import KeyRing, Role, hashed
from app.core.policy.circuit import BreakerParams
from app.core.types import PolicyInput, Prediction
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.ports import PolicyClient
from app.pipeline.service import SizingService, World
from app.pipeline.shared_breaker import SharedBreaker
from app.settings import Settings
from tests.fakes import FakeClock, FakePolicyClient, FakeTelemetry

KEYS = {
    "reader": "reader-key-reader-key-reader-key-01",
    "trader": "trader-key-trader-key-trader-key-02",
    "risk": "risk-key-risk-key-risk-key-risk-03",
}
RING = KeyRing(
    (
        hashed("reader", [Role.READ], KEYS["reader"]),
        hashed("trader", [Role.TRADE], KEYS["trader"]),
        hashed("risk", [Role.OPERATE], KEYS["risk"]),
    )
)


@dataclass
class Site:
    """Everything of one running application; `keys` can be changed while it runs."""

    app: FastAPI
    service: SizingService
    clock: FakeClock
    telemetry: FakeTelemetry
    client: httpx.AsyncClient
    keys: list[KeyRing]
    context: console.ConsoleContext

    async def sign_in(self, name: str) -> httpx.Response:
        """Open a session of one of the keys."""
        return await self.client.post("/console/login", data={"key": KEYS[name]})

    async def csrf(self, page: str = "/console/operate/halt") -> str:
        """Read the token that forms of this session carry."""
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', (await self.client.get(page)).text)
        assert found is not None
        return found[1]

    async def decide(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Have a batch sized."""
        headers = {"authorization": f"Bearer {KEYS['trader']}"} if self.keys else {}
        response = await self.client.post("/allocate", json=batch, headers=headers)
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer


async def half_of_baseline(inputs: Sequence[PolicyInput]) -> tuple[Prediction, ...]:
    """Predict half of what Phase 2 would hold, surely."""
    return tuple(
        Prediction(
            position_pct=0.5 * row.baseline_pct,
            confidence=0.8,
            predicted_return=0.001,
            predicted_volatility=0.02,
            model_version="half-1",
        )
        for row in inputs
    )


@asynccontextmanager
async def running_site(
    folder: Path, *, keyed: bool = False, policy: PolicyClient | None = None, **settings: Any
) -> AsyncIterator[Site]:
    """Run the application; with `keyed` a reader, a trader and an operator have keys."""
    chosen = Settings(**settings)
    clock, telemetry = FakeClock(), FakeTelemetry()
    gate = PolicyGate(policy, SharedBreaker(BreakerParams()), clock)
    world = World(SqlJournal(f"sqlite:///{folder}/journal.db"), gate, clock, telemetry)
    mode = "fallback" if policy is None else "real"
    service = SizingService(chosen.to_engine_params(), world, mode)
    rings = [RING] if keyed else []
    source: KeySource | None = (lambda: rings[0]) if keyed else fixed_keys(chosen)
    context = console.build_console(clock=clock, keys=source, read_batch=batch_of, kind_of=kind_of)
    app = FastAPI()
    install(
        app,
        settings=chosen,
        clock=clock,
        telemetry=telemetry,
        keys=source,
        page_access=context.access,
    )
    console.install(app, context)
    await service.start()
    app.state.service = service
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        yield Site(app, service, clock, telemetry, client, rings, context)
    await service.stop()


def scripted_policy() -> FakePolicyClient:
    """Make a policy that answers half of the baseline."""
    return FakePolicyClient(script=half_of_baseline)
