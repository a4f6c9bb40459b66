"""SIGTERM under load, sent to real processes of both servers."""

import asyncio
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.inference_server.signals import as_json, batch_signal
from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.caller import Caller
from tests.tools.chaos.crash_service import Serving, serving
from tests.tools.chaos.drain import Ending, end_under_load
from tests.tools.chaos.service import ROOT, closed_ports, wait_until_ready

DRAIN_SEC: Final = 1.5
# The drain, the server's own pauses, and a slow machine.
WITHIN_SEC: Final = 25.0


def settings_of(**further: str) -> dict[str, str]:
    return {"DRAIN_SEC": str(DRAIN_SEC), "SYNCHRONOUS": "NORMAL", "LOG_LEVEL": "ERROR"} | further


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path, f"sqlite:///{tmp_path}/himari.db", settings_of()) as running:
        yield running


@contextmanager
def inference(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    port, log = closed_ports(1)[0], folder / "inference.log"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")} | {
        "HIMARI_INFERENCE_MODEL": "dummy-1",
        "HIMARI_INFERENCE_DRAIN_SEC": str(DRAIN_SEC),
    }
    words = [sys.executable, "-m", "app.cli", "inference", "--port", str(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(words, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        wait_until_ready(process, port, log)
        yield process, port
    finally:
        process.kill()
        process.wait(10)


def hold_to_the_promises(ending: Ending) -> None:
    assert ending.unready_sec is not None
    assert ending.unready_sec < 1.0
    assert set(ending.lives) == {200}
    assert {answer.status for answer in ending.answers} == {200}
    assert ending.cut == 0
    assert DRAIN_SEC <= ending.lasted_sec < WITHIN_SEC
    assert ending.exit_code == 0


def decided(folder: Path) -> set[str]:
    with closing(sqlite3.connect(folder / "himari.db")) as journal:
        return {row[0] for row in journal.execute("SELECT decision_id FROM decisions")}


def test_sigterm_under_load_answers_everything_that_was_decided(
    service: Serving, tmp_path: Path
) -> None:
    ending = asyncio.run(end_under_load(service.process, service.port, "/allocate", BATCH))
    hold_to_the_promises(ending)
    assert {answer.document()["decision_id"] for answer in ending.answers} == decided(tmp_path)


def test_sigterm_under_load_lets_the_inference_server_finish(tmp_path: Path) -> None:
    body = as_json([batch_signal()])
    with inference(tmp_path) as (process, port):
        hold_to_the_promises(asyncio.run(end_under_load(process, port, "/predict/batch", body)))


def test_a_request_that_is_half_sent_when_the_service_ends_is_answered(service: Serving) -> None:
    with connected(service) as connection:
        length = b"content-length: %d\r\n\r\n" % len(BATCH)
        head = b"POST /allocate HTTP/1.1\r\nhost: localhost\r\n" + length
        connection.sendall(head + BATCH[:100])
        asyncio.run(ask_live(service.port))
        service.process.send_signal(signal.SIGTERM)
        asyncio.run(until_nobody_listens(service.port))
        connection.sendall(BATCH[100:])
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(b"}")
    assert service.process.wait(WITHIN_SEC) == 0


def connected(service: Serving) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", service.port), 20.0))


async def ask_live(port: int) -> None:
    caller = Caller(port)
    assert (await caller.ask("GET", "/health/live")).status == 200
    caller.close()


async def until_nobody_listens(port: int) -> None:
    async with asyncio.timeout(WITHIN_SEC):
        while True:
            try:
                await ask_live(port)
            except (OSError, EOFError):
                return


def test_a_body_that_never_comes_does_not_hold_up_the_end(tmp_path: Path) -> None:
    url, settings = f"sqlite:///{tmp_path}/himari.db", settings_of(BODY_TIMEOUT_SEC="1")
    with serving(tmp_path, url, settings) as service, connected(service) as connection:
        head = b"POST /allocate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 10\r\n\r\n"
        connection.sendall(head + b"{")
        asyncio.run(ask_live(service.port))
        service.process.send_signal(signal.SIGTERM)
        assert service.process.wait(WITHIN_SEC) == 0
