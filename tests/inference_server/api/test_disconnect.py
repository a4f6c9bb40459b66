"""Callers that hang up, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.inference_server.folders import write_model
from tests.inference_server.policies import EchoPolicy
from tests.inference_server.signals import as_json, batch_signal, signal
from tests.inference_server.site import build_app, listening


@pytest.fixture
async def address(store: Path, echo: EchoPolicy) -> AsyncIterator[str]:
    """Serve a model that tests steer, on a real port."""
    write_model(store, kind="echo")
    with listening(build_app(store, echo)) as found:
        yield found


async def metric(client: httpx.AsyncClient, line: str) -> float:
    text = (await client.get("/metrics")).text
    found = [each for each in text.splitlines() if each.startswith(line)]
    return float(found[0].rpartition(" ")[2]) if found else 0.0


async def until(client: httpx.AsyncClient, line: str, value: float) -> None:
    """Ask for a metric until it has a value: each time is a turn of the server's loop."""
    async with asyncio.timeout(20.0):
        while await metric(client, line) != value:
            continue


async def send_and_leave(address: str, body: bytes) -> None:
    host, port = address.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /predict/batch HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def test_rows_of_callers_that_hung_up_are_not_run(address: str, echo: EchoPolicy) -> None:
    async with httpx.AsyncClient(base_url=address, timeout=20.0) as client:
        await client.get("/health/ready")
        echo.runs.clear()
        echo.hold.set()
        first = asyncio.create_task(client.post("/predict", json=signal(confidence=0.25)))
        assert await asyncio.to_thread(echo.holding.wait, 20.0)
        echo.hold.clear()
        for _ in range(5):
            await send_and_leave(address, as_json([batch_signal(confidence=0.75)] * 3))
        left = 'himari_inference_rows_total{reason="caller left",result="turned_away"}'
        await until(client, left, 15.0)
        assert await metric(client, "himari_inference_queue_rows") == 0.0
        stays = asyncio.create_task(client.post("/predict", json=signal(confidence=0.5)))
        await until(client, "himari_inference_queue_rows", 1.0)
        echo.let_go.set()
        answers = [(await task).json()["position_pct"] for task in (first, stays)]
    assert answers == [0.25, 0.5]
    assert echo.runs == [[0.25], [0.5]]
