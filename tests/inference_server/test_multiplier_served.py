"""The learned policy over the wire: both wires, any sharing of runs, history, the flat call."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from inference_server.model.rows import SignalRow
from tests.inference_server.model.books import market
from tests.inference_server.model.graphs import Linear, write_multiplier
from tests.inference_server.signals import HEADERS, as_json, as_msgpack, batch_signal, signal
from tests.inference_server.site import build_app, running

NUMBERS = ("position_pct", "confidence", "predicted_return", "predicted_volatility")


@pytest.fixture
async def learned(store: Path) -> Any:
    """Serve a multiplier that looks at features and path."""
    write_multiplier(store, Linear.drawn(3, path=True))
    async with running(build_app(store)) as client:
        yield client


def sent(rows: Sequence[SignalRow]) -> list[dict[str, Any]]:
    """Spell rows out as the service does."""
    values = [{each.name: getattr(asked, each.name) for each in fields(asked)} for asked in rows]
    return [row | {"returns": row["returns"].astype(np.float64).tolist()} for row in values]


async def ask(
    site: httpx.AsyncClient, rows: list[dict[str, Any]], wire: str = "msgpack"
) -> httpx.Response:
    body = as_json(rows) if wire == "json" else as_msgpack(rows)
    headers = {"content-type": HEADERS[wire]}
    reply = await site.post("/predict/batch", content=body, headers=headers)
    assert reply.status_code == 200
    return reply


async def numbers(site: httpx.AsyncClient, rows: list[dict[str, Any]]) -> Any:
    predictions = (await ask(site, rows)).json()["predictions"]
    columns = (*NUMBERS, "hit_probability")
    return np.array([[row[name] for name in columns] for row in predictions])


def position(reply: httpx.Response) -> float:
    return float(reply.json()["predictions"][0]["position_pct"])


async def callers_of(site: httpx.AsyncClient) -> tuple[float, float]:
    """Count the requests that runs answered, and the runs."""
    lines = (await site.get("/metrics")).text.splitlines()
    found = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    name = "himari_inference_batch_callers"
    return float(found[f"{name}_sum"]), float(found[f"{name}_count"])


async def test_both_wires_get_the_same_bytes(learned: httpx.AsyncClient) -> None:
    rows = sent(market(1, 20, 2))
    replies = [await ask(learned, rows, wire) for wire in ("json", "msgpack")]
    assert replies[0].content == replies[1].content
    positions = [row["position_pct"] for row in replies[0].json()["predictions"]]
    assert len(set(positions)) == 20


async def test_answers_do_not_depend_on_who_shared_the_run(learned: httpx.AsyncClient) -> None:
    # 40 symbols are cut into runs of 32; the others share what is left
    requests = [sent(market(seed, symbols, 2)) for seed, symbols in enumerate((1, 2, 5, 9, 40))]
    requests += [sent(market(seed, 1 + seed % 4)) for seed in range(10, 22)]
    alone = [await numbers(learned, rows) for rows in requests]
    callers, runs = await callers_of(learned)
    together = await asyncio.gather(*(numbers(learned, rows) for rows in requests))
    callers, runs = np.subtract(await callers_of(learned), (callers, runs))
    assert callers > runs
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(other, one, rtol=0, atol=1e-6)


async def test_only_the_last_256_returns_count(learned: httpx.AsyncClient) -> None:
    (row,) = sent(market(2, 1))
    past = np.random.default_rng(0).normal(0.0, 0.02, 44).tolist()
    bare = await ask(learned, [row], "json")
    led = await ask(learned, [row | {"returns": past + row["returns"]}], "json")
    assert led.content == bare.content
    newest = [*row["returns"][:-1], row["returns"][-1] + 0.01]
    moved = await ask(learned, [row | {"returns": newest}], "json")
    assert position(moved) != position(bare)


async def test_a_row_without_a_history_abstains_beside_one_that_speaks(
    learned: httpx.AsyncClient,
) -> None:
    rows = [batch_signal(symbol="YOUNG"), *sent(market(3, 1))]
    young, old = (await ask(learned, rows)).json()["predictions"]
    assert (young["position_pct"], young["confidence"]) == (0.08, 0.0)
    assert young["reason"] == "too little history: 3 of 250 returns"
    assert (old["confidence"], old["reason"]) == (0.75, None)
    metrics = (await learned.get("/metrics")).text
    label = 'himari_inference_rows_total{reason="too little history",result="abstained"}'
    assert f"{label} 1.0" in metrics


async def test_the_guides_flat_call_is_sized_from_the_signal_alone(
    learned: httpx.AsyncClient,
) -> None:
    answer = (await learned.post("/predict", json=signal())).json()
    assert (answer["position_pct"], answer["confidence"]) == (0.15, 0.0)
    assert answer["reason"] == "no baseline: sized from the signal alone"
    assert answer["predicted_volatility"] == 0.03
    assert answer["model_version"] == "v1"


async def test_one_row_without_a_baseline_is_answered_with_its_history(
    learned: httpx.AsyncClient,
) -> None:
    (row,) = sent(market(4, 1))
    answer = (await learned.post("/predict", json=row | {"baseline_pct": None})).json()
    assert (answer["confidence"], answer["hit_probability"]) == (0.0, None)
    full = (await learned.post("/predict", json=row)).json()
    assert (full["confidence"], full["reason"]) == (0.75, None)
    assert full["position_pct"] == pytest.approx(position(await ask(learned, [row])), abs=1e-12)


SERVE_AND_LIST = """
import asyncio, sys
import inference_server.main
app = inference_server.main.app
async def start():
    async with app.router.lifespan_context(app):
        assert app.state.context.switch.current.card.kind == "multiplier"
asyncio.run(start())
print(*sorted(sys.modules))
"""


def test_serving_it_takes_the_runtime_and_nothing_that_trains(store: Path) -> None:
    write_multiplier(store, Linear())
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")}
    listed = subprocess.run(
        [sys.executable, "-c", SERVE_AND_LIST],
        env=clean | {"HIMARI_INFERENCE_MODEL_DIR": str(store)},
        capture_output=True,
        timeout=60,
        check=True,
    )
    modules = set(listed.stdout.decode().split())
    assert "onnxruntime" in modules
    for absent in ("torch", "onnx", "arch", "scipy", "pandas", "app", "inference_server.training"):
        assert absent not in modules
