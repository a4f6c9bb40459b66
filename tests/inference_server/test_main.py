"""The composition root, started for real under plain uvicorn."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.inference_server.folders import write_model
from tests.inference_server.signals import batch_signal
from tests.inference_server.signals import signal as flat_signal

UVICORN = ("-m", "uvicorn", "inference_server.main:app", "--port")


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def environment(**settings: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")}
    chosen = settings if "MODEL_DIR" in settings else {"MODEL": "dummy-1"} | settings
    return clean | {f"HIMARI_INFERENCE_{name}": value for name, value in chosen.items()}


@contextmanager
def started(
    folder: Path, *command: str, port: int, **settings: str
) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=environment(**settings),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=10.0) as client:
            wait_until_alive(process, client, folder)
            yield process, client
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)


def wait_until_alive(process: subprocess.Popen[bytes], client: httpx.Client, folder: Path) -> None:
    deadline = time.monotonic() + 30.0
    while time.monotonic() < deadline:
        assert process.poll() is None, (folder / "server.log").read_text()
        try:
            if client.get("/health/live").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    raise AssertionError("the server did not come up")


def test_sigterm_turns_readiness_off_at_once_and_goes_on_accepting(tmp_path: Path) -> None:
    port = free_port()
    with started(tmp_path, *UVICORN, str(port), port=port, DRAIN_SEC="1.5") as (process, client):
        process.send_signal(signal.SIGTERM)
        signalled = time.monotonic()
        while (ready := client.get("/health/ready")).status_code == 200:
            assert time.monotonic() - signalled < 1.0
        assert ready.json()["trouble"] == ["the service is ending"]
        assert client.get("/health/live").status_code == 200
        assert client.post("/predict", json=flat_signal()).status_code == 200
        process.wait(10)
        assert time.monotonic() - signalled > 1.0


def test_requests_accepted_before_the_end_are_all_answered(tmp_path: Path) -> None:
    port, stop = free_port(), threading.Event()
    cut: list[float] = []
    command = (*UVICORN, str(port), "--no-access-log")
    with started(tmp_path, *command, port=port, DRAIN_SEC="0.3") as (process, client):

        def ask_until_refused() -> list[int]:
            statuses: list[int] = []
            while not stop.is_set():
                try:
                    rows = [batch_signal() for _ in range(40)]
                    statuses.append(post_once(client.base_url, rows))
                except httpx.ConnectError:
                    return statuses
                except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                    # connected, but not read before the listener closed: never accepted
                    cut.append(time.monotonic())
                    return statuses
            return statuses

        with ThreadPoolExecutor(4) as callers:
            asked = [callers.submit(ask_until_refused) for _ in range(4)]
            try:
                wait_until_rows(process, client, 400)
                process.send_signal(signal.SIGTERM)
                signalled = time.monotonic()
                process.wait(20)
            finally:
                stop.set()
            statuses = [status for answers in asked for status in answers.result(20)]
    assert set(statuses) == {200}
    assert not [at for at in cut if at < signalled + 0.3]


def wait_until_rows(process: subprocess.Popen[bytes], client: httpx.Client, rows: int) -> None:
    deadline = time.monotonic() + 60.0
    while (served := sum_of_rows(client)) < rows:
        assert process.poll() is None
        assert time.monotonic() < deadline, f"{served:g} rows in a minute"


def post_once(base: httpx.URL, rows: list[dict[str, object]]) -> int:
    # a connection for each call: a kept one may be closed under the next request
    with httpx.Client(base_url=base, timeout=10.0, headers={"connection": "close"}) as client:
        return client.post("/predict/batch", json={"signals": rows}).status_code


def sum_of_rows(client: httpx.Client) -> float:
    lines = client.get("/metrics").text.splitlines()
    return next(
        float(line.split()[1])
        for line in lines
        if line.startswith("himari_inference_batch_rows_sum")
    )


def test_the_package_starts_by_itself_on_the_address_of_the_settings(tmp_path: Path) -> None:
    port = free_port()
    store = tmp_path / "models"
    write_model(store, "mine")
    settings = {"PORT": str(port), "MODEL_DIR": str(store), "API_KEY": "s3cret"}
    with started(tmp_path, "-m", "inference_server", port=port, **settings) as (process, client):
        client.headers["authorization"] = "Bearer s3cret"
        assert client.get("/model").json()["version"] == "mine"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    lines = (tmp_path / "server.log").read_text().splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert "model_loaded" in events
    assert "Finished server process" in " ".join(events)
    assert "s3cret" not in "".join(lines)


def test_a_refused_model_is_logged_with_its_reason(tmp_path: Path) -> None:
    port, store = free_port(), tmp_path / "models"
    folder = write_model(store, "v1")
    (folder / "extra").write_text("")
    command = ("-m", "inference_server")
    settings = {"PORT": str(port), "MODEL_DIR": str(store)}
    with started(tmp_path, *command, port=port, **settings) as (_, client):
        assert client.get("/health/ready").status_code == 503
    lines = (tmp_path / "server.log").read_text().splitlines()
    (refused,) = [entry for entry in map(json.loads, lines) if entry["event"] == "model_refused"]
    assert refused["reason"] == "v1/'extra' is not in SHA256SUMS"


@pytest.mark.parametrize("command", [UVICORN, ("-m", "inference_server")])
def test_an_unknown_setting_refuses_to_start_and_names_the_nearest(
    command: tuple[str, ...],
) -> None:
    arguments = [*command, str(free_port())] if command is UVICORN else list(command)
    refused = subprocess.run(
        [sys.executable, *arguments],
        env=environment(THREADSS="2"),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode != 0
    assert b"HIMARI_INFERENCE_THREADS" in refused.stderr


SERVE_AND_LIST = """
import asyncio, sys
import inference_server.main
app = inference_server.main.app
async def start():
    async with app.router.lifespan_context(app):
        assert app.state.context.switch.loaded
asyncio.run(start())
print(*sorted(sys.modules))
"""


def test_serving_imports_neither_torch_nor_the_allocation_service_nor_training() -> None:
    listed = subprocess.run(
        [sys.executable, "-c", SERVE_AND_LIST],
        env=environment(),
        capture_output=True,
        timeout=60,
        check=True,
    )
    modules = set(listed.stdout.decode().split())
    assert "inference_server.model.dummy" in modules
    for absent in (
        "torch", "app", "inference_server.training", "onnx", "onnxruntime", "pandas", "sklearn",
        "joblib", "dill", "cloudpickle",
    ):  # fmt: skip
        assert absent not in modules


def test_importing_the_package_reads_no_settings() -> None:
    subprocess.run(
        [sys.executable, "-c", "import inference_server.main"],
        env=environment(NO_SUCH_SETTING="1"),
        timeout=60,
        check=True,
    )


def test_no_file_of_the_serving_side_can_unpickle() -> None:
    root = Path(__file__).parents[2] / "inference_server"
    serving = [path for path in root.rglob("*.py") if "training" not in path.parts]
    assert len(serving) > 20
    for path in serving:
        imported = [line for line in path.read_text().splitlines() if "import" in line.split()]
        for module in ("pickle", "torch", "joblib", "shelve", "marshal"):
            assert not any(module in line for line in imported), path
