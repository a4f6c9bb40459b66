"""API keys: who gets in, what each role may do, whose name is recorded."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from app.api.gate.access import TRADING, AccessMiddleware, role_needed
from app.core.access import KeyRing, Role, hashed, key_from_text
from tests.api.site import Site, build_site

GUARDED = ["/circuit", "/state", "/decisions", "/openapi.json", "/docs", "/nothing", "/health"]
OPEN = ["/health/live", "/health/ready", "/metrics"]
ENTRIES = ",".join(
    hashed(name, [role], f"{name}-secret").entry()
    for name, role in (("screen", Role.READ), ("desk", Role.TRADE), ("risk", Role.OPERATE))
)
WRITES = {
    "/allocate": ("POST", {"desk"}),
    "/outcomes": ("POST", {"desk"}),
    "/market/prices": ("POST", {"desk"}),
    "/market/returns": ("POST", {"desk"}),
    "/market/accept": ("POST", {"risk"}),
    "/market/split": ("POST", {"risk"}),
    "/market/forget": ("POST", {"risk"}),
    "/outcomes/withdraw": ("POST", {"risk"}),
    "/signals/{strategy_id}": ("DELETE", {"desk"}),
    "/trading-state": ("PUT", {"risk"}),
    "/circuit": ("PUT", {"risk"}),
    "/circuit/reset": ("POST", {"risk"}),
    "/of-tomorrow": ("POST", {"risk"}),
}


@pytest.fixture
async def guarded() -> AsyncIterator[Site]:
    site = build_site(api_keys="alpha,beta")
    async with site.client:
        yield site


@pytest.fixture
async def roles() -> AsyncIterator[Site]:
    site = build_site(api_keys=ENTRIES)
    async with site.client:
        yield site


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
async def test_each_plain_key_may_do_everything(
    guarded: Site, valid: dict[str, Any], token: str
) -> None:
    for method, url, body in (
        ("GET", "/circuit", None),
        ("POST", "/allocate", valid),
        ("PUT", "/trading-state", {"state": "ACTIVE"}),
    ):
        answer = await guarded.client.request(method, url, json=body, headers=bearer(token))
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "value",
    ["Bearer", "Bearer ", "Bearer gamma", "Bearer alpha beta", "Basic alpha", "alpha",
     "Bearer ALPHA", "Bearer alpha,beta", "Bearer \xff"],
)  # fmt: skip
async def test_anything_else_does_not_get_in(guarded: Site, value: str) -> None:
    headers = [(b"Authorization", value.encode("latin-1"))]
    assert (await guarded.client.get("/circuit", headers=headers)).status_code == 401


async def test_what_is_kept_of_a_key_is_not_a_key(roles: Site) -> None:
    for entry in ENTRIES.split(","):
        for token in (entry, entry.rsplit(":", 1)[1]):
            assert (await roles.client.get("/state", headers=bearer(token))).status_code == 401


async def test_the_scheme_is_read_in_any_case(guarded: Site) -> None:
    headers = {"Authorization": "bearer alpha"}
    assert (await guarded.client.get("/circuit", headers=headers)).status_code == 200


async def test_two_authorizations_are_none(guarded: Site) -> None:
    headers = [("Authorization", "Bearer alpha"), ("Authorization", "Bearer alpha")]
    assert (await guarded.client.get("/circuit", headers=headers)).status_code == 401


@pytest.mark.parametrize("name", ["screen", "desk", "risk"])
@pytest.mark.parametrize("path", WRITES)
async def test_what_changes_something_needs_its_own_role(roles: Site, path: str, name: str) -> None:
    method, may = WRITES[path]
    answer = await roles.client.request(
        method, path, content=b"{}", headers=bearer(f"{name}-secret")
    )
    if name in may:
        assert answer.status_code in {200, 404, 422}
    else:
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:himari:problem:forbidden"
        assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
        assert roles.service.calls == []


@pytest.mark.parametrize("name", ["screen", "desk", "risk"])
async def test_every_role_reads(roles: Site, name: str) -> None:
    for path in ("/state", "/decisions", "/portfolio/weights.csv", "/docs"):
        assert (await roles.client.get(path, headers=bearer(f"{name}-secret"))).status_code == 200


def test_every_route_that_changes_something_has_been_given_a_role() -> None:
    paths = build_site().app.openapi()["paths"]
    changing = {
        (path, method.upper())
        for path, methods in paths.items()
        for method in methods
        if method != "get"
    }
    given = {(path, method) for path, (method, _) in WRITES.items()}
    assert changing == given - {("/of-tomorrow", "POST")}
    posted = {path for path, (method, may) in WRITES.items() if (method, may) == ("POST", {"desk"})}
    assert posted == TRADING


@pytest.mark.parametrize("name", ["screen", "desk", "risk"])
async def test_standing_signals_are_shown_to_those_who_trade(roles: Site, name: str) -> None:
    answer = await roles.client.get("/signals", headers=bearer(f"{name}-secret"))
    assert answer.status_code == (200 if name == "desk" else 403)
    assert role_needed("HEAD", "/signals") is Role.TRADE
    assert role_needed("DELETE", "/signals/a/b") is Role.TRADE
    for method, path in (("DELETE", "/signals"), ("POST", "/signals/a"), ("PUT", "/signals")):
        assert role_needed(method, path) is Role.OPERATE


@pytest.mark.parametrize("method", ["DELETE", "PATCH", "POST", "PUT"])
def test_what_nobody_thought_of_is_an_operators(method: str) -> None:
    assert role_needed(method, "/anything") is Role.OPERATE
    assert role_needed(method, "/allocate/") is Role.OPERATE


@pytest.mark.parametrize("path", OPEN)
async def test_what_is_open_is_open_below_a_root_path(path: str) -> None:
    below = build_site(root_path="/himari", api_keys=ENTRIES)
    assert (await below.client.get(path)).status_code == 200
    assert (await below.client.get("/state")).status_code == 401


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("root", ["/himari", "/a/b", "/health", "/allocate"])
async def test_roles_are_the_same_below_a_root_path(root: str, path: str) -> None:
    below = build_site(root_path=root, api_keys=ENTRIES)
    method, may = WRITES[path]
    for name in ("screen", "desk", "risk"):
        headers = bearer(f"{name}-secret")
        answer = await below.client.request(method, path, content=b"{}", headers=headers)
        assert (answer.status_code != 403) == (name in may)


async def test_acts_are_recorded_under_the_name_of_the_key(guarded: Site, roles: Site) -> None:
    body = {"state": "HALTED", "reason": "test"}
    await guarded.client.put("/trading-state", json=body, headers=bearer("alpha"))
    name = guarded.service.calls[0][-1]
    assert name == key_from_text("alpha").name
    assert "alpha" not in name
    await roles.client.put("/trading-state", json=body, headers=bearer("risk-secret"))
    assert roles.service.calls[0][-1] == "risk"


async def test_without_keys_everything_is_open_in_process(site: Site) -> None:
    assert (await site.client.get("/circuit")).status_code == 200


async def test_keys_are_those_in_force_at_the_request() -> None:
    ring = KeyRing([hashed("desk", [Role.TRADE], "old")])
    answered: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        answered.append(scope["himari.owner"])

    async def send(message: Any) -> None:
        answered.append(message.get("status"))

    access = AccessMiddleware(app, keys=lambda: ring, limiter=None, metrics_open=True)
    scope = {"type": "http", "method": "GET", "path": "/state"}
    scope["headers"] = [(b"authorization", b"Bearer old")]  # type: ignore[assignment]
    await access(dict(scope), None, send)  # type: ignore[arg-type]
    ring = KeyRing([hashed("desk", [Role.TRADE], "new")])
    await access(dict(scope), None, send)  # type: ignore[arg-type]
    assert answered[:2] == ["desk", 401]


async def test_other_protocols_pass_by() -> None:
    seen: list[Any] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        seen.append(scope["type"])

    access = AccessMiddleware(app, keys=lambda: KeyRing([]), limiter=None, metrics_open=True)
    await access({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


async def test_a_ring_without_keys_lets_nobody_in() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message.get("status"))

    access = AccessMiddleware(None, keys=lambda: KeyRing([]), limiter=None, metrics_open=True)  # type: ignore[arg-type]
    scope = {"type": "http", "method": "GET", "path": "/state", "headers": []}
    await access(scope, None, send)  # type: ignore[arg-type]
    assert sent[0] == 401
