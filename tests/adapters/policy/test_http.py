"""The HTTP policy client with a server that behaves: what is sent, comes back, and is reported."""

from typing import Any

import numpy as np
import pytest
import structlog

from app.adapters.policy.options import HttpPolicyOptions
from app.core.types import Prediction
from tests.adapters.policy.policy_asking import (
    INVALID,
    NEUTRAL,
    batch,
    client_for,
    closed_port,
    failure_of,
    signal,
)
from tests.adapters.policy.policy_server import (
    Behaviour,
    PolicyServer,
    answering,
    good_row,
    reset_on_accept,
    speak_batch,
)


async def test_one_batch_call_carries_every_row_as_json_with_a_content_length() -> None:
    async with PolicyServer(speak_batch) as server:
        client = client_for(
            server.endpoint + "?tenant=a", api_key="key-1", headers={"X-Tunnel": "1"}
        )
        rows = [signal(confidence=0.5 + 0.01 * i) for i in range(20)]
        predictions = await client.predict(rows)
        (request,) = server.received
    assert [p.confidence for p in predictions if p] == [row.confidence for row in rows]
    assert (request.method, request.path) == ("POST", "/predict/batch?tenant=a")
    assert request.headers["content-type"] == "application/json"
    assert int(request.headers["content-length"]) == len(request.body)
    assert request.headers["authorization"] == "Bearer key-1"
    assert request.headers["x-tunnel"] == "1"
    assert request.document()["signals"][0] == {
        "symbol": "BTC-USD",
        "action": "BUY",
        "confidence": 0.5,
        "risk_score": 0.25,
        "regime": "TRENDING_UP",
        "expected_return": 0.12,
        "predicted_volatility": 0.04,
        "market_data": {"depth": [1, 2.5]},
        "baseline_pct": 0.08,
        "current_pct": 0.02,
        "returns": [0.01, -0.02, 0.03],
        "interval_sec": 86400.0,
    }


async def test_msgpack_packs_the_last_256_returns_as_little_endian_float32() -> None:
    history = np.linspace(-0.1, 0.1, 300)
    async with PolicyServer(speak_batch) as server:
        client = client_for(server.endpoint, wire="msgpack")
        assert await client.predict([signal(returns=history)])
        (request,) = server.received
    assert request.headers["content-type"] == "application/msgpack"
    assert request.headers["accept"] == "application/json"
    packed = np.frombuffer(request.document()["signals"][0]["returns"], dtype="<f4")
    np.testing.assert_array_equal(packed, history[-256:].astype(np.float32))


async def test_the_version_of_the_batch_serves_rows_without_one() -> None:
    row = {k: v for k, v in good_row().items() if k != "model_version"}
    extra = {"hit_probability": 0.6, "reason": "momentum", "unheard_of": [1, {"deep": None}]}
    reply = answering(batch(row | extra, model_version="v7", took_ms=3))
    async with PolicyServer(reply) as server:
        predictions = await client_for(server.endpoint).predict([signal()])
    assert predictions == (Prediction(0.1, 0.8, 0.05, 0.03, "v7", 0.6, "momentum"),)


@pytest.mark.parametrize("wire", ["json", "msgpack"])
async def test_market_data_that_no_wire_can_carry_is_the_callers_own_fault(wire: str) -> None:
    client = client_for(f"http://127.0.0.1:{closed_port()}/predict", wire=wire)
    failure = await failure_of(client, signal(market_data={"a": object()}))
    assert (failure.reason, failure.blame) == (INVALID, NEUTRAL)


async def test_integers_beyond_64_bits_travel_as_json() -> None:
    async with PolicyServer(speak_batch) as server:
        assert await client_for(server.endpoint).predict([signal(market_data={"a": 10**30})])
        assert server.received[0].document()["signals"][0]["market_data"] == {"a": 10**30}


async def test_statistics_count_rows_and_calls() -> None:
    reply = answering(batch(good_row(), good_row(confidence=2)))
    async with PolicyServer(reply) as server:
        client = client_for(server.endpoint)
        assert client.statistics()["success_rate"] == 1.0
        assert await client.predict([]) == ()
        await client.predict([signal(), signal()])
        assert client.statistics() == {
            "total_predictions": 2,
            "successful_predictions": 1,
            "success_rate": 0.5,
            "upstream_calls": 1,
            "client_errors": 0,
            "in_flight": 0,
            "batch_supported": True,
            "held_for_sec": 0.0,
        }


@pytest.mark.parametrize("behaviour", [answering("{}", 401), reset_on_accept, answering("nope")])
async def test_secrets_are_in_no_log_and_no_error(behaviour: Behaviour) -> None:
    secrets: dict[str, Any] = {"api_key": "s3cr3t-key", "headers": {"x-tunnel": "s3cr3t-header"}}
    async with PolicyServer(behaviour) as server:
        endpoint = f"http://user:s3cr3t-word@127.0.0.1:{server.port}/predict"
        client = client_for(endpoint, **secrets)
        with structlog.testing.capture_logs() as logs:
            failure = await failure_of(client)
    said = f"{failure!r} {failure.detail} {failure.__cause__!r} {logs} {client!r}"
    assert "s3cr3t" not in said
    assert "s3cr3t" not in repr(HttpPolicyOptions(**secrets))


async def test_a_user_in_the_endpoint_becomes_basic_authorization() -> None:
    async with PolicyServer(speak_batch) as server:
        await client_for(f"http://me:p%40ss@127.0.0.1:{server.port}/predict").predict([signal()])
        assert server.received[0].headers["authorization"] == "Basic bWU6cEBzcw=="
        assert server.received[0].headers["host"] == f"127.0.0.1:{server.port}"


@pytest.mark.parametrize("value", ["s3cr3t\r\nx: y", "s3cr3t\u20ac"])
def test_a_header_that_cannot_be_sent_is_refused_without_showing_it(value: str) -> None:
    with pytest.raises(ValueError, match="header 'authorization'") as caught:
        client_for("http://127.0.0.1/predict", api_key=value)
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize("endpoint", ["", "predict", "ftp://host/predict", "http:///predict"])
def test_an_endpoint_that_is_no_http_url_is_refused(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"^endpoint must be"):
        client_for(endpoint)


@pytest.mark.parametrize("timeout_sec", [0.0, -1.0, float("nan"), float("inf")])
def test_a_senseless_deadline_is_refused(timeout_sec: float) -> None:
    with pytest.raises(ValueError, match=r"^timeout_sec must be"):
        client_for("http://127.0.0.1/predict", timeout_sec=timeout_sec)
