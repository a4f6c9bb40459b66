"""Services as processes: started, reported, always stopped."""

import os
import socket
from pathlib import Path

import pytest

from app.processes import service
from app.processes.service import (
    ServiceNotReady,
    running_service,
    service_environment,
    silent_endpoint,
)
from tests.demo.fake_service import is_listening

FAKE = "tests.demo.fake_service:application"


def test_a_service_answers_while_the_block_runs_and_is_stopped_when_it_breaks() -> None:
    port = None
    with pytest.raises(ZeroDivisionError), running_service({}, FAKE) as client:  # noqa: PT012 -- the block is the fact
        port = client.base_url.port
        assert client.get("/health/ready").status_code == 200
        _ = 1 / 0
    assert port is not None
    assert not is_listening(port)


def test_a_service_that_cannot_start_is_reported_with_the_end_of_its_log() -> None:
    with (
        pytest.raises(ServiceNotReady, match=r"(?s)ended before it was ready.*no_such_module"),
        running_service({}, "no_such_module:app"),
    ):
        pass


def test_a_service_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "stubborn.py"
    script.write_text(
        "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "print('up', flush=True)\nsignal.pause()\n",
        encoding="utf-8",
    )
    variables = {**os.environ, "PYTHONPATH": str(tmp_path)}
    process = service.start_uvicorn("stubborn:app", 9, tmp_path, variables)
    log = tmp_path / "service.log"
    while "up" not in log.read_text(encoding="utf-8"):
        assert process.poll() is None
    service.stop_process(process, within_sec=0.3)
    assert process.returncode == -9


def test_settings_of_the_callers_environment_do_not_reach_the_service(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HIMARI_API_KEYS", "secret")
    variables = service_environment({"HIMARI_REBALANCE_SPAN": "10"}, 8123, tmp_path)
    assert "HIMARI_API_KEYS" not in variables
    assert variables["HIMARI_REBALANCE_SPAN"] == "10"
    assert variables["HIMARI_PORT"] == "8123"
    assert variables["HIMARI_DATABASE_URL"] == f"sqlite:///{tmp_path}/himari.db"


def test_the_silent_endpoint_connects_and_never_answers() -> None:
    with silent_endpoint() as url:
        port = int(url.rsplit(":", 1)[1].split("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=1.0) as caller:
            caller.sendall(b"POST /predict HTTP/1.1\r\n\r\n")
            caller.settimeout(0.1)
            with pytest.raises(TimeoutError):
                caller.recv(1)
    assert not is_listening(port)
