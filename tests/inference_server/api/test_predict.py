"""The two calls, over ASGI: shapes, bad rows in their place, both wires."""

import asyncio
from typing import Any

import httpx
import numpy as np
import pytest

from tests.inference_server.policies import EchoPolicy
from tests.inference_server.signals import HEADERS, as_json, as_msgpack, batch_signal, signal

FIVE = {"position_pct", "confidence", "predicted_return", "predicted_volatility", "model_version"}


async def post(
    site: httpx.AsyncClient, rows: list[dict[str, Any]], wire: str = "json"
) -> httpx.Response:
    body = as_json(rows) if wire == "json" else as_msgpack(rows)
    headers = {"content-type": HEADERS[wire]}
    return await site.post("/predict/batch", content=body, headers=headers)


async def test_a_flat_signal_gets_the_guides_five_fields(site: httpx.AsyncClient) -> None:
    reply = await site.post("/predict", json=signal())
    assert reply.status_code == 200
    answer = reply.json()
    assert answer.keys() >= FIVE
    # 0.25 x 0.8 x 0.002 / 0.03^2 is beyond the cap
    assert (answer["position_pct"], answer["confidence"]) == (0.15, 0.0)
    assert answer["model_version"] == "dummy-1"
    assert answer["reason"] == "no baseline: sized from the signal alone"


async def test_a_batch_is_answered_row_by_row_in_order(site: httpx.AsyncClient) -> None:
    rows = [batch_signal(symbol=f"S{i}", baseline_pct=i / 1000) for i in range(100)]
    answer = (await post(site, rows)).json()
    assert answer["model_version"] == "dummy-1"
    assert [row["position_pct"] for row in answer["predictions"]] == [i / 1000 for i in range(100)]
    assert {row["confidence"] for row in answer["predictions"]} == {0.5}


async def test_msgpack_gets_the_same_bytes_as_json(site: httpx.AsyncClient) -> None:
    rng = np.random.default_rng(0)
    rows = [
        batch_signal(baseline_pct=float(baseline), returns=rng.normal(0, 0.01, 256).tolist())
        for baseline in rng.uniform(-0.1, 0.1, 40)
    ]
    replies = [await post(site, rows, wire) for wire in ("json", "msgpack")]
    assert replies[0].content == replies[1].content
    assert replies[1].headers["content-type"] == "application/json"


async def test_no_signals_get_no_predictions(site: httpx.AsyncClient) -> None:
    answer = (await post(site, [])).json()
    assert answer == {"predictions": [], "model_version": "dummy-1"}


async def test_a_bad_row_is_refused_in_its_place_and_the_rest_answered(
    site: httpx.AsyncClient,
) -> None:
    rows = [batch_signal(), batch_signal(confidence=1.5), batch_signal(baseline_pct=0.01)]
    reply = await post(site, rows)
    assert reply.status_code == 200
    first, bad, last = reply.json()["predictions"]
    assert (first["position_pct"], last["position_pct"]) == (0.08, 0.01)
    assert bad == {
        "error": "signals.1.confidence must be <= 1, was 1.5",
        "path": "signals.1.confidence",
    }
    metrics = (await site.get("/metrics")).text
    assert 'himari_inference_rows_total{reason="confidence",result="refused"} 1.0' in metrics
    assert 'himari_inference_rows_total{reason="",result="sized"} 2.0' in metrics


async def test_only_bad_rows_are_a_bad_request(site: httpx.AsyncClient) -> None:
    reply = await post(site, [batch_signal(action="SHORT"), batch_signal(returns=[1e39])])
    assert reply.status_code == 422
    problem = reply.json()
    assert [entry["path"] for entry in problem["errors"]] == [
        "signals.0.action",
        "signals.1.returns",
    ]
    assert problem["errors"][0]["was"] == "SHORT"


@pytest.mark.parametrize(
    ("path", "body", "where"),
    [
        ("/predict", {"symbol": "A"}, "action"),
        ("/predict", signal(confidence="0.5"), "confidence"),
        ("/predict/batch", {}, "signals"),
        ("/predict/batch", {"signals": {}}, "signals"),
        ("/predict/batch", {"signals": None}, "signals"),
        ("/predict/batch", [], ""),
    ],
)
async def test_a_body_that_breaks_the_schema_is_422_and_says_where(
    site: httpx.AsyncClient, path: str, body: Any, where: str
) -> None:
    reply = await site.post(path, json=body)
    assert reply.status_code == 422
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["errors"][0]["path"] == where


@pytest.mark.parametrize("wire", ["json", "msgpack"])
async def test_a_malformed_body_is_422(site: httpx.AsyncClient, wire: str) -> None:
    headers, body = {"content-type": HEADERS[wire]}, {"json": b"{", "msgpack": b"\xc1"}[wire]
    for path in ("/predict", "/predict/batch"):
        reply = await site.post(path, content=body, headers=headers)
        assert reply.status_code == 422
        assert f"must be valid {'JSON' if wire == 'json' else 'msgpack'}" in reply.json()["detail"]


async def test_an_answer_that_cannot_be_believed_is_refused_by_row(
    echo_site: httpx.AsyncClient, echo: EchoPolicy
) -> None:
    echo.scale = 4.0  # the position is the signal's confidence, times this
    rows = [batch_signal(confidence=0.5), batch_signal(confidence=0.125)]
    mad, good = (await post(echo_site, rows)).json()["predictions"]
    assert good["position_pct"] == 0.5
    assert mad["path"] == "signals.0"
    assert "not finite or out of range" in mad["error"]


async def test_if_no_answer_can_be_believed_the_model_failed(
    echo_site: httpx.AsyncClient, echo: EchoPolicy
) -> None:
    echo.scale = 4.0
    assert (await post(echo_site, [batch_signal(confidence=0.5)])).status_code == 500
    assert (await echo_site.post("/predict", json=signal(confidence=0.5))).status_code == 500


async def test_a_failing_model_is_500_for_its_caller_alone(
    echo_site: httpx.AsyncClient, echo: EchoPolicy
) -> None:
    echo.poison = {float(np.float32(0.125))}
    good, bad = await asyncio.gather(
        post(echo_site, [batch_signal(confidence=0.25)]),
        post(echo_site, [batch_signal(confidence=0.125)]),
    )
    assert good.json()["predictions"][0]["position_pct"] == 0.25
    assert bad.status_code == 500
    assert bad.json()["title"] == "Model failed"
    assert "poisonous" not in bad.text
    assert 'result="failed"} 1.0' in (await echo_site.get("/metrics")).text


async def test_too_many_signals_are_413(echo_site: httpx.AsyncClient) -> None:
    reply = await post(echo_site, [batch_signal()] * 13)
    assert reply.status_code == 413
    assert reply.json()["detail"] == "the request holds more than 12 signals"


async def test_a_full_queue_is_503_with_retry_after(
    echo_site: httpx.AsyncClient, echo: EchoPolicy
) -> None:
    echo.hold.set()
    first = asyncio.create_task(post(echo_site, [batch_signal()] * 4))
    assert await asyncio.to_thread(echo.holding.wait, 20.0)
    echo.hold.clear()
    waiting = [asyncio.create_task(post(echo_site, [batch_signal()] * 8)) for _ in range(3)]
    refused = next(
        reply
        for reply in [await task for task in await _done_first(waiting)]
        if reply.status_code != 200
    )
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["title"] == "Overloaded"
    echo.let_go.set()
    statuses = [(await task).status_code for task in (first, *waiting)]
    assert sorted(statuses) == [200, 200, 200, 503]


async def _done_first(tasks: list["asyncio.Task[httpx.Response]"]) -> Any:
    done, _ = await asyncio.wait(tasks, timeout=20.0, return_when=asyncio.FIRST_COMPLETED)
    return done
