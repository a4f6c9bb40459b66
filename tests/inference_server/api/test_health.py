"""Readiness tells the truth; metrics are of this application alone."""

import asyncio
import re
import time
from pathlib import Path

import httpx
import pytest

from tests.inference_server.folders import write_model
from tests.inference_server.policies import EchoPolicy
from tests.inference_server.signals import batch_signal, signal
from tests.inference_server.site import build_app, running


async def ready(site: httpx.AsyncClient) -> tuple[int, list[str]]:
    reply = await site.get("/health/ready")
    return reply.status_code, reply.json()["trouble"]


async def test_with_a_model_and_its_thread_it_is_ready(site: httpx.AsyncClient) -> None:
    assert (await site.get("/health/live")).json() == {"status": "alive"}
    reply = await site.get("/health/ready")
    assert reply.status_code == 200
    assert reply.json() == {"status": "ready", "model_version": "dummy-1", "trouble": []}


async def test_without_a_model_it_is_not_ready_until_a_reload_mends_it(store: Path) -> None:
    folder = write_model(store, "v1")
    card = (folder / "card.json").read_bytes()
    (folder / "card.json").write_bytes(card + b" ")
    async with running(build_app(store, log_level="ERROR")) as client:
        assert await ready(client) == (503, ["no model is loaded"])
        assert (await client.get("/health/live")).status_code == 200
        for reply in (
            await client.post("/predict", json=signal()),
            await client.get("/model"),
        ):
            assert reply.status_code == 503
            assert reply.headers["retry-after"] == "1"
        metrics = (await client.get("/metrics")).text
        assert "himari_inference_ready 0.0" in metrics
        assert "himari_inference_model_age_sec NaN" in metrics
        (folder / "card.json").write_bytes(card)
        assert (await client.post("/model/reload")).json()["new_version"] == "v1"
        assert await ready(client) == (200, [])


async def test_a_stuck_model_is_not_ready_and_recovers(store: Path, echo: EchoPolicy) -> None:
    write_model(store, kind="echo")
    async with running(build_app(store, echo, run_limit_sec=0.1)) as client:
        echo.hold.set()
        asked = asyncio.create_task(client.post("/predict", json=signal()))
        assert await asyncio.to_thread(echo.holding.wait, 20.0)
        trouble = await until_status(client, 503)
        assert "the model has run for" in trouble[0]
        assert (await client.post("/predict", json=signal())).status_code == 503
        echo.let_go.set()
        assert (await asked).status_code == 200
        assert await until_status(client, 200) == []


async def until_status(site: httpx.AsyncClient, status: int) -> list[str]:
    """Ask for readiness until it has a status: time passes with each answer."""
    end = time.monotonic() + 20.0
    while (answer := await ready(site))[0] != status:
        assert time.monotonic() < end
    return answer[1]


async def test_every_metric_has_help_with_its_unit(site: httpx.AsyncClient) -> None:
    await site.post("/predict/batch", json={"signals": [batch_signal()] * 3})
    text = (await site.get("/metrics")).text
    helps = re.findall(r"# HELP (himari_inference_\w+|http_\w+) (.*)", text)
    assert len(helps) >= 15
    units = ("(count)", "(seconds)", "(no unit)", "(seconds; NaN without a model)")
    assert [name for name, said in helps if not said.endswith(units)] == []
    for name in (
        "himari_inference_batch_rows_sum 3.0",
        "himari_inference_batch_rows_count 1.0",
        "himari_inference_queue_wait_sec_count 1.0",
        "himari_inference_model_run_sec_count 1.0",
        "himari_inference_queue_rows 0.0",
        "himari_inference_ready 1.0",
        'himari_inference_model_info{kind="dummy",version="dummy-1"} 1.0',
        'http_requests_total{handler="/predict/batch",method="POST",status="2xx"} 1.0',
    ):
        assert name in text


async def test_two_applications_count_apart(store: Path) -> None:
    async with running(build_app(store)) as one, running(build_app(store)) as other:
        await one.post("/predict", json=signal())
        assert "himari_inference_batch_rows_count 1.0" in (await one.get("/metrics")).text
        assert "himari_inference_batch_rows_count 0.0" in (await other.get("/metrics")).text


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_head_answers_where_get_does(site: httpx.AsyncClient, path: str) -> None:
    got, head = await site.get(path), await site.head(path)
    assert head.status_code == got.status_code == 200
    assert head.headers["content-type"] == got.headers["content-type"]
    assert (await site.request("TRACE", path)).status_code in {405, 501}
    document = (await site.get("/openapi.json")).json()
    assert document["paths"][path].keys() == {"get"}


async def test_metrics_speak_openmetrics_where_asked(site: httpx.AsyncClient) -> None:
    reply = await site.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert reply.headers["content-type"].startswith("application/openmetrics-text")
    assert reply.text.endswith("# EOF\n")
