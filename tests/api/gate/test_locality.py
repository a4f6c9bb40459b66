"""Without a key the service answers this machine and nobody else."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from tests.api.site import build_site

HERE = ("127.0.0.1", 8000)


async def status_of(
    site_app: FastAPI,
    path: str = "/state",
    *,
    server: tuple[str, int | None] | None = HERE,
    client: tuple[str, int] | None = ("127.0.0.1", 5000),
    host: str | None = "127.0.0.1:8000",
) -> tuple[int, dict[str, Any]]:
    scope: dict[str, Any] = {
        "type": "http", "method": "GET", "path": path, "query_string": b"", "root_path": "",
        "headers": [] if host is None else [(b"host", host.encode())],
        "http_version": "1.1", "scheme": "http", "server": server, "client": client,
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await site_app(scope, receive, send)
    headers = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], headers


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
async def test_loopback_is_served_without_a_key(host: str) -> None:
    status, _ = await status_of(build_site().app, server=(host, 8000), client=(host, 5000))
    assert status == 200


@pytest.mark.parametrize("address", ["10.0.0.5", "192.168.1.7", "203.0.113.9", "::ffff:10.0.0.5",
                                     "fe80::1%eth0", "2001:db8::1", "0.0.0.0"])  # fmt: skip
@pytest.mark.parametrize("side", ["server", "client"])
async def test_another_address_gets_503_without_a_key(side: str, address: str) -> None:
    site = build_site()
    status, headers = await status_of(site.app, **{side: (address, 8000)})  # type: ignore[arg-type]
    assert (status, headers["content-type"]) == (503, "application/problem+json")
    assert site.service.calls == []


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
async def test_health_stays_open_to_everybody(path: str) -> None:
    status, _ = await status_of(build_site().app, path, server=("10.0.0.5", 80))
    assert status == 200


async def test_metrics_stay_open_to_a_scraper_elsewhere() -> None:
    elsewhere: dict[str, Any] = {"server": ("10.0.0.5", 80), "client": ("10.0.0.6", 81)}
    status, _ = await status_of(build_site().app, "/metrics", host="service:8000", **elsewhere)
    assert status == 200


async def test_metrics_that_were_closed_are_this_machines_without_a_key() -> None:
    closed = build_site(metrics_open=False)
    assert (await status_of(closed.app, "/metrics", server=("10.0.0.5", 80)))[0] == 503
    assert (await status_of(closed.app, "/metrics"))[0] == 200


async def test_with_a_key_every_address_is_asked_for_it() -> None:
    site = build_site(api_keys="alpha")
    status, _ = await status_of(site.app, server=("10.0.0.5", 80), client=("10.0.0.6", 81))
    assert status == 401


@pytest.mark.parametrize("host", ["evil.example:8000", "localhost.evil.example", "10.0.0.5:8000",
                                  "[2001:db8::1]:8000", "127.0.0.1.evil.example"])  # fmt: skip
async def test_a_name_that_was_pointed_at_this_machine_gets_503(host: str) -> None:
    status, _ = await status_of(build_site().app, host=host)
    assert status == 503


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "LOCALHOST:1", "api.localhost",
                                  "127.0.0.1", "[::1]:8000", "localhost.", None])  # fmt: skip
async def test_the_names_of_this_machine_are_served(host: str | None) -> None:
    status, _ = await status_of(build_site().app, host=host)
    assert status == 200


@pytest.mark.parametrize("server", [("/run/himari.sock", None), None, ("testserver", 80)])
async def test_what_comes_through_no_network_is_served(
    server: tuple[str, int | None] | None,
) -> None:
    status, _ = await status_of(build_site().app, server=server, client=None, host="any.example")
    assert status == 200


async def test_the_refusal_says_what_to_do() -> None:
    transport = httpx.ASGITransport(build_site().app, client=("10.0.0.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        problem = (await client.get("/state")).json()
    assert problem["type"] == "urn:himari:problem:no-key-set"
    assert "HIMARI_API_KEYS" in problem["detail"]
    assert "himari keys new" in problem["detail"]
