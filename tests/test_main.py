"""The composition root, started for real under plain uvicorn."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

BATCH = {
    "signals": [
        {
            "strategy_id": "momentum",
            "symbol": "BTC-USD",
            "action": "BUY",
            "confidence": 0.8,
            "risk_score": 0.2,
            "regime": "RANGING",
            "timestamp_ns": 1735226000000000000,
            "expected_return": 0.002,
            "predicted_volatility": 0.03,
        }
    ],
    "cascade_indicators": {
        "funding_rate": 0.001,
        "oi_change_pct": 0.05,
        "volume_ratio": 2.0,
        "onchain_whale_pressure": 0.3,
        "exchange_netflow_zscore": 0.5,
    },
    "current_prices": {"BTC-USD": 43500.0},
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def started(
    folder: Path, **settings: str
) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = free_port()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")}
    environment |= {f"HIMARI_{name}": value for name, value in settings.items()}
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(port)]
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10.0) as client:
            wait_until_ready(process, client, folder)
            yield process, client
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def wait_until_ready(process: subprocess.Popen[bytes], client: httpx.Client, folder: Path) -> None:
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "server.log").read_text()
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError("the service did not become ready")


def test_a_killed_service_comes_back_with_its_state_and_its_answers(tmp_path: Path) -> None:
    key = {"Idempotency-Key": "once"}
    with started(tmp_path) as (process, client):
        first = client.post("/allocate", json=BATCH, headers=key)
        client.put("/trading-state", json={"state": "REDUCING", "reason": "test"})
        decision = first.json()["decision_id"]
        outcome = {"decision_id": decision, "symbol": "BTC-USD", "realized_return": 0.01}
        assert client.post("/outcomes", json={"outcomes": [outcome]}).json()["accepted"] == 1
        process.kill()
        process.wait(10)
    with started(tmp_path) as (_, client):
        assert client.get("/trading-state").json()["state"] == "REDUCING"
        assert client.get("/state").json()["strategies"]["momentum"]["outcomes"] == 1
        assert client.post("/allocate", json=BATCH, headers=key).content == first.content
        assert client.get(f"/decisions/{decision}").json()["answer"] == first.json()
        again = client.post("/outcomes", json={"outcomes": [outcome]}).json()
        assert (again["accepted"], again["duplicates"]) == (0, 1)


def test_sigterm_turns_readiness_off_at_once_and_goes_on_accepting(tmp_path: Path) -> None:
    with started(tmp_path, DRAIN_SEC="1.5") as (process, client):
        process.send_signal(signal.SIGTERM)
        signalled = time.monotonic()
        while client.get("/health/ready").status_code == 200:
            assert time.monotonic() - signalled < 1.0
        assert client.get("/health/live").status_code == 200
        assert client.post("/allocate", json=BATCH).status_code == 200
        process.wait(10)
        assert time.monotonic() - signalled > 1.0


@pytest.mark.parametrize(
    ("settings", "mode", "reason"),
    [
        ({}, "fallback", "rl_disabled"),
        ({"USE_MOCK_RL": "true"}, "fallback", "rl_disabled"),
        ({"ENABLE_RL": "true", "USE_MOCK_RL": "true"}, "mock", None),
    ],
)
def test_modes_follow_the_settings(
    tmp_path: Path, settings: dict[str, str], mode: str, reason: str | None
) -> None:
    with started(tmp_path, **settings) as (_, client):
        answer = client.post("/allocate", json=BATCH).json()
        assert (answer["mode"], answer["fallback_reason"]) == (mode, reason)


def test_an_unknown_setting_refuses_to_start_and_names_the_nearest(tmp_path: Path) -> None:
    environment = os.environ | {"HIMARI_MAX_POSITON_PCT": "0.1"}
    command = [sys.executable, "-m", "uvicorn", "app.main:app", "--port", str(free_port())]
    refused = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False
    )
    assert refused.returncode != 0
    assert b"HIMARI_MAX_POSITION_PCT" in refused.stderr
