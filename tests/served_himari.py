"""A service in a process of its own, and what it said."""

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx


@dataclass(frozen=True)
class Served:
    """Where it answers, and the file of all that it prints and logs."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def serving(*words: str, trust: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Run it on the settings of the environment until the block ends; `trust` for TLS."""
    scheme = "http" if trust is None else "https"
    url = f"{scheme}://127.0.0.1:{os.environ['HIMARI_PORT']}"
    with running(url, "-m", "app.cli", "serve", *words, trust=trust) as served:
        yield served


@contextmanager
def running(url: str, *words: str, trust: ssl.SSLContext | None = None) -> Iterator[Served]:
    """Run Python with these words until the block ends; it answers at this URL.

    We stop calling before we stop it, so it need not go on accepting.
    """
    environment = {"HIMARI_DRAIN_SEC": "0", **os.environ}
    log = Path.cwd() / "served.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, *words], env=environment, stdout=output, stderr=output
        )
    try:
        _wait_until_alive(process, url, trust, log)
        yield Served(url, process, log)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(20.0)


def _wait_until_alive(
    process: subprocess.Popen[bytes], url: str, trust: ssl.SSLContext | None, log: Path
) -> None:
    deadline = time.monotonic() + 90.0
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text("utf-8")
        try:
            with httpx.Client(verify=trust or True, trust_env=False) as client:
                if client.get(f"{url}/health/live").status_code == 200:
                    return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(log.read_text("utf-8"))
