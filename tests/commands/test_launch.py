"""``himari inference`` and ``himari train`` become the module they start."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.spoken_himari import free_port


def spoken(*words: str, folder: Path) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")}
    root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", *words],
        cwd=folder,
        env=environment | {"PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_inference_serves_on_the_given_port_until_sigterm(tmp_path: Path) -> None:
    port = free_port()
    process = spoken("inference", "--port", str(port), folder=tmp_path)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
            deadline = time.monotonic() + 30.0
            status = 0
            while status != 200 and process.poll() is None and time.monotonic() < deadline:
                try:
                    status = client.get("/health/ready").status_code
                except httpx.TransportError:
                    time.sleep(0.05)
            assert status == 200
    finally:
        process.send_signal(signal.SIGTERM)
        log, _ = process.communicate(timeout=20.0)
    assert b"Traceback" not in log


@pytest.mark.parametrize("words", [("--help",), ("--no-such-option",)])
def test_train_passes_every_argument_on(tmp_path: Path, words: tuple[str, ...]) -> None:
    process = spoken("train", *words, folder=tmp_path)
    said, _ = process.communicate(timeout=60.0)
    assert b"Traceback" not in said
    assert b"inference_server.training" in said or b"usage:" in said.lower()
