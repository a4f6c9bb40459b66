"""Prometheus and Alertmanager as Debian ships them, each in a process of its own."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import quote

import yaml

from tests.grafana.rulebook import RULE_FILES

_WITHIN_SEC: Final = 30.0


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that scrapes and judges rules every second."""

    port: int

    def ask(self, expression: str) -> list[dict[str, Any]]:
        """Evaluate an expression now: a list of series, each with its labels and value.

        Raises
        ------
        AssertionError
            If Prometheus refuses it.
        """
        status, body = get(self.port, f"/api/v1/query?query={quote(expression)}")
        assert status == 200, body
        answer = json.loads(body)["data"]
        assert answer["resultType"] == "vector", expression
        series: list[dict[str, Any]] = answer["result"]
        return series

    def wait_for(self, expression: str, within_sec: float = _WITHIN_SEC) -> None:
        """Return when an expression gives something.

        Raises
        ------
        AssertionError
            If it does not in time.
        """
        deadline = monotonic() + within_sec
        while not self.ask(expression):
            assert monotonic() < deadline, f"nothing within {within_sec} s: {expression}"
            sleep(0.1)


def get(port: int, path: str) -> tuple[int, bytes]:
    """Ask a server on loopback."""
    connection = HTTPConnection("127.0.0.1", port, timeout=10.0)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@contextmanager
def prometheus(
    folder: Path, port: int, jobs: Mapping[str, int], alertmanager_port: int
) -> Iterator[Prometheus]:
    """Run Prometheus on the project's rules until the block ends.

    Parameters
    ----------
    folder : Path
        For configuration, data and log.
    port, alertmanager_port : int
    jobs : mapping of a job's name to the port of its one target
    """
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(file) for file in RULE_FILES],
        "alerting": {"alertmanagers": [_targets(alertmanager_port)]},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{target}"]}]}
            for name, target in jobs.items()
        ],
    }
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    command = [f"--config.file={file}", f"--storage.tsdb.path={folder / 'prometheus'}"]
    with _running("prometheus", command, port, folder):
        yield Prometheus(port)


def _targets(port: int) -> dict[str, Any]:
    return {"static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}


@contextmanager
def alertmanager(folder: Path, port: int, webhook_port: int) -> Iterator[None]:
    """Run Alertmanager until the block ends; it posts every alert to the webhook at once."""
    config = {
        "route": {
            "receiver": "webhook",
            "group_by": ["alertname"],
            "group_wait": "0s",
            "group_interval": "1s",
        },
        "receivers": [
            {
                "name": "webhook",
                "webhook_configs": [{"url": f"http://127.0.0.1:{webhook_port}/alerts"}],
            }
        ],
    }
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    command = [
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        "--cluster.listen-address=",
    ]
    with _running("prometheus-alertmanager", command, port, folder):
        yield


@contextmanager
def _running(name: str, words: Sequence[str], port: int, folder: Path) -> Iterator[None]:
    program = shutil.which(name)
    assert program is not None, f"{name} is missing: make system-packages"
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [program, *words, f"--web.listen-address=127.0.0.1:{port}"],
            cwd=folder, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        _wait_until_ready(process, port, log)
        yield
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            process.wait(5)


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = monotonic() + _WITHIN_SEC
    while not _is_ready(port):
        assert process.poll() is None, log.read_text("utf-8")[-3000:]
        assert monotonic() < deadline, log.read_text("utf-8")[-3000:]
        sleep(0.05)


def _is_ready(port: int) -> bool:
    try:
        return get(port, "/-/ready")[0] == 200
    except OSError:
        return False
