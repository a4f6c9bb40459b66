"""API keys: who gets in, what is open, whose name is recorded."""

from typing import Any

import pytest
from pydantic import SecretStr

from app.api.security import BearerKeys, key_name
from tests.api.conftest import Site, build_site

GUARDED = ["/circuit", "/state", "/decisions", "/openapi.json", "/docs", "/nothing", "/health"]
OPEN = ["/health/live", "/health/ready", "/metrics"]


@pytest.fixture
def guarded() -> Site:
    return build_site(api_keys="alpha,beta")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("path", GUARDED)
async def test_without_a_key_nothing_else_answers(guarded: Site, path: str) -> None:
    answer = await guarded.client.get(path)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:himari:problem:unauthorized"
    assert guarded.service.calls == []


@pytest.mark.parametrize("path", OPEN)
async def test_health_and_metrics_are_open(guarded: Site, path: str) -> None:
    assert (await guarded.client.get(path)).status_code == 200


async def test_metrics_can_be_closed() -> None:
    site = build_site(api_keys="alpha", metrics_open=False)
    assert (await site.client.get("/metrics")).status_code == 401
    assert (await site.client.get("/metrics", headers=bearer("alpha"))).status_code == 200
    assert (await site.client.get("/health/live")).status_code == 200


@pytest.mark.parametrize("token", ["alpha", "beta"])
async def test_each_key_lets_in(guarded: Site, token: str) -> None:
    assert (await guarded.client.get("/circuit", headers=bearer(token))).status_code == 200


@pytest.mark.parametrize(
    "value",
    ["Bearer", "Bearer ", "Bearer gamma", "Bearer alpha beta", "Basic alpha", "alpha",
     "Bearer ALPHA", "Bearer alpha,beta", "Bearer \xff"],
)  # fmt: skip
async def test_anything_else_does_not(guarded: Site, value: str) -> None:
    headers = [(b"Authorization", value.encode("latin-1"))]
    assert (await guarded.client.get("/circuit", headers=headers)).status_code == 401


async def test_the_scheme_is_read_in_any_case(guarded: Site) -> None:
    headers = {"Authorization": "bearer alpha"}
    assert (await guarded.client.get("/circuit", headers=headers)).status_code == 200


async def test_two_authorizations_are_none(guarded: Site) -> None:
    headers = [("Authorization", "Bearer alpha"), ("Authorization", "Bearer alpha")]
    assert (await guarded.client.get("/circuit", headers=headers)).status_code == 401


async def test_acts_are_recorded_under_the_name_of_the_key(guarded: Site) -> None:
    body = {"state": "HALTED", "reason": "test"}
    await guarded.client.put("/trading-state", json=body, headers=bearer("alpha"))
    assert guarded.service.calls[0][-1] == key_name("alpha")
    assert "alpha" not in key_name("alpha")


async def test_without_keys_everything_is_open(site: Site) -> None:
    assert (await site.client.get("/circuit")).status_code == 200


async def test_other_protocols_pass_by() -> None:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    guard = BearerKeys(app, [SecretStr("alpha")], metrics_open=True)
    await guard({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]
