"""Keys, bodies, ids: what is turned away before anything is computed."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.inference_server.folders import write_model
from tests.inference_server.policies import EchoPolicy
from tests.inference_server.signals import as_json, batch_signal, signal
from tests.inference_server.site import build_app, running


@pytest.fixture
async def keyed(store: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Serve with a key, small bodies and little patience."""
    app = build_app(store, api_key="s3cret", max_body_bytes=2000, body_timeout_sec=0.05)
    async with running(app) as client:
        yield client


@pytest.fixture
def opened(keyed: httpx.AsyncClient) -> httpx.AsyncClient:
    """Send the key along."""
    keyed.headers["authorization"] = "Bearer s3cret"
    return keyed


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/predict"),
        ("POST", "/predict/batch"),
        ("GET", "/model"),
        ("POST", "/model/reload"),
        ("GET", "/docs"),
        ("GET", "/openapi.json"),
        ("GET", "/nowhere"),
    ],
)
@pytest.mark.parametrize(
    "header", [None, "Bearer", "Bearer wrong", "Basic s3cret", "s3cret", "Bearer s3crets"]
)
async def test_without_the_key_there_is_no_way_in(
    keyed: httpx.AsyncClient, method: str, path: str, header: str | None
) -> None:
    headers = {} if header is None else {"authorization": header}
    reply = await keyed.request(method, path, headers=headers)
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"].startswith("Bearer")
    assert "s3cret" not in reply.text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_operations_need_no_key(keyed: httpx.AsyncClient, path: str) -> None:
    assert (await keyed.get(path)).status_code == 200


async def test_metrics_can_be_closed(store: Path) -> None:
    async with running(build_app(store, api_key="s3cret", metrics_open=False)) as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/health/ready")).status_code == 200


async def test_with_the_key_all_is_open(opened: httpx.AsyncClient) -> None:
    assert (await opened.post("/predict", json=signal())).status_code == 200
    assert (await opened.get("/model")).status_code == 200


@pytest.mark.parametrize("path", ["/predict", "/predict/batch", "/model/reload"])
async def test_a_body_that_is_announced_too_large_is_not_read(
    opened: httpx.AsyncClient, path: str
) -> None:
    reads = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal reads
        reads += 1
        yield b" " * 2001

    reply = await opened.post(path, content=body(), headers={"content-length": "2001"})
    assert (reply.status_code, reads) == (413, 0)


async def test_a_chunked_body_is_cut_at_the_limit(opened: httpx.AsyncClient) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 500
            yield b" " * 500

    reply = await opened.post("/predict", content=endless())
    assert reply.status_code == 413
    assert sent == 2500


async def test_a_dripping_body_is_given_up(opened: httpx.AsyncClient) -> None:
    async def dripping() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    reply = await opened.post("/predict", content=dripping())
    assert reply.status_code == 408
    assert reply.json()["detail"] == "the body was not complete after 0.05 s"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "identity, gzip"])
async def test_an_encoded_body_is_415(opened: httpx.AsyncClient, encoding: str) -> None:
    headers = {"content-encoding": encoding}
    body = gzip.compress(as_json([batch_signal()]))
    reply = await opened.post("/predict/batch", content=body, headers=headers)
    assert reply.status_code == 415
    assert "Content-Encoding must be identity" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
        ("application/vnd.himari+json", 200),
        (None, 200),
        ("application/json; charset=utf-16", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("application/octet-stream", 415),
    ],
)
async def test_a_body_must_be_called_what_it_is(
    opened: httpx.AsyncClient, kind: str | None, status: int
) -> None:
    headers = {} if kind is None else {"content-type": kind}
    body = as_json([batch_signal()])
    reply = await opened.post("/predict/batch", content=body, headers=headers)
    assert reply.status_code == status


@pytest.mark.parametrize("path", ["/predict", "/health/live", "/model"])
async def test_a_request_keeps_its_sane_id_and_gets_one_otherwise(
    opened: httpx.AsyncClient, path: str
) -> None:
    method = "POST" if path == "/predict" else "GET"
    for given, kept in (("abc-1.x_Y", True), ("two words", False), ("a" * 129, False)):
        reply = await opened.request(method, path, headers={"x-request-id": given})
        assert (reply.headers["x-request-id"] == given) is kept
    assert len((await opened.get(path)).headers["x-request-id"]) == 32


async def test_an_error_names_the_request(opened: httpx.AsyncClient) -> None:
    for path in ("/predict", "/model/reload"):
        reply = await opened.post(path, content=b"{", headers={"x-request-id": "mine"})
        problem = reply.json()
        assert problem["request_id"] == "mine"
        assert problem["instance"] == path
        assert problem["type"] == "urn:himari:problem:invalid-request"


async def test_unknown_paths_and_methods_are_problems(opened: httpx.AsyncClient) -> None:
    for method, path, status in (
        ("GET", "/nowhere", 404),
        ("GET", "/predict", 405),
        ("PUT", "/model", 405),
        ("BREW", "/predict", 501),
        ("POST", "/predict/", 404),
    ):
        reply = await opened.request(method, path)
        assert (reply.status_code, reply.json()["status"]) == (status, status)


async def test_more_than_the_places_there_are_is_503(store: Path, echo: EchoPolicy) -> None:
    write_model(store, kind="echo")
    async with running(build_app(store, echo, max_in_flight=1)) as client:
        echo.hold.set()
        first = asyncio.create_task(client.post("/predict", json=signal()))
        assert await asyncio.to_thread(echo.holding.wait, 20.0)
        for refused in (
            await client.post("/predict", json=signal()),
            await client.get("/model"),
        ):
            assert refused.status_code == 503
            assert refused.headers["retry-after"] == "1"
        assert (await client.get("/health/ready")).status_code == 200
        echo.let_go.set()
        assert (await first).status_code == 200
        assert (await client.get("/model")).status_code == 200


async def test_a_request_that_runs_out_of_time_in_the_queue_is_503(
    store: Path, echo: EchoPolicy
) -> None:
    write_model(store, kind="echo")
    async with running(build_app(store, echo, request_timeout_sec=0.05)) as client:
        echo.hold.set()
        reply = await client.post("/predict", json=signal())
        echo.let_go.set()
    assert reply.status_code == 503
    assert reply.json()["title"] == "Out of time"
    assert reply.headers["retry-after"] == "1"


async def test_behind_a_root_path_the_same_paths_are_open_and_the_same_are_shut(
    store: Path,
) -> None:
    app = build_app(store, api_key="s3cret")
    prefixed = httpx.ASGITransport(app, root_path="/policy")
    async with running(app), httpx.AsyncClient(transport=prefixed, base_url="http://h") as client:
        assert (await client.get("/policy/health/ready")).status_code == 200
        assert (await client.post("/policy/predict", json=signal())).status_code == 401
        known = {"authorization": "Bearer s3cret"}
        reply = await client.post("/policy/predict", json=signal(), headers=known)
        assert reply.status_code == 200
