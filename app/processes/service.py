"""The service as a process on a free loopback port, stopped at the end in any case.

Each service runs in a temporary directory with a SQLite journal of its own, removed at the end.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

import app
from app.core.errors import HimariError

LOOPBACK: Final = "127.0.0.1"
APPLICATION: Final = "app.main:app"
READY_SEC: Final = 60.0
STOP_SEC: Final = 15.0
REQUEST_SEC: Final = 30.0
# between asking for a free port and binding it, another program may take it
PORT_ATTEMPTS: Final = 3


class ServiceNotReady(HimariError):
    """The service ended or did not become ready; the message has the end of its log."""


@contextmanager
def running_service(
    settings: Mapping[str, str], application: str = APPLICATION
) -> Iterator[httpx.Client]:
    """Run the service with these settings during the block.

    Parameters
    ----------
    settings : mapping of str to str
        ``HIMARI_`` variables; those of the caller's own environment are not passed on. The SQLite
        journal, host and port are set here.
    application : str
        Application that uvicorn serves.

    Yields
    ------
    httpx.Client
        Keep-alive client with the service's base URL.

    Raises
    ------
    ServiceNotReady
        If ``GET /health/ready`` does not answer 200 in time.
    """
    with TemporaryDirectory(prefix="himari-demo-") as folder:
        process, client = _start_on_free_port(settings, application, Path(folder))
        try:
            yield client
        finally:
            client.close()
            stop_process(process)


@contextmanager
def silent_endpoint() -> Iterator[str]:
    """Listen on loopback without ever answering; yields the URL as that of an RL endpoint.

    The kernel completes connections from the backlog, so a caller connects and then waits.
    """
    with socket.create_server((LOOPBACK, 0), backlog=128) as listener:
        yield f"http://{LOOPBACK}:{listener.getsockname()[1]}/predict"


def stop_process(process: subprocess.Popen[bytes], within_sec: float = STOP_SEC) -> None:
    """End a process by SIGTERM, or by SIGKILL if it has not ended in time, and wait for it."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(within_sec)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _start_on_free_port(
    settings: Mapping[str, str], application: str, folder: Path
) -> tuple[subprocess.Popen[bytes], httpx.Client]:
    for attempt in range(1, PORT_ATTEMPTS + 1):
        port = free_port()
        process = start_uvicorn(
            application, port, folder, service_environment(settings, port, folder)
        )
        # loopback must not go through a proxy of the caller's environment
        client = httpx.Client(
            base_url=f"http://{LOOPBACK}:{port}", timeout=REQUEST_SEC, trust_env=False
        )
        try:
            wait_until_ready(process, client, folder)
        except BaseException as error:
            client.close()
            stop_process(process)
            retry = isinstance(error, ServiceNotReady) and "address already in use" in str(error)
            if not retry or attempt == PORT_ATTEMPTS:
                raise
        else:
            return process, client
    raise ServiceNotReady(f"no free port in {PORT_ATTEMPTS} attempts")


def start_uvicorn(
    application: str, port: int, folder: Path, variables: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    """Start uvicorn on a loopback port; its output goes to ``folder/service.log``."""
    command = [sys.executable, "-m", "uvicorn", application, "--host", LOOPBACK]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    with (folder / "service.log").open("wb") as log:
        # a session of its own, so that Ctrl-C ends the caller alone, which then stops it
        return subprocess.Popen(  # noqa: S603 -- our own interpreter and arguments
            command,
            cwd=folder,
            env=dict(variables),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def service_environment(settings: Mapping[str, str], port: int, folder: Path) -> dict[str, str]:
    """Return the variables of the service: the caller's without ``HIMARI_``, and ``settings``."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("HIMARI_")}
    root = str(Path(app.__file__).resolve().parent.parent)
    paths = [root, inherited.get("PYTHONPATH", "")]
    return inherited | {
        "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        "HIMARI_DATABASE_URL": f"sqlite:///{folder / 'himari.db'}",
        "HIMARI_HOST": LOOPBACK,
        "HIMARI_PORT": str(port),
        # its only caller has stopped calling by then
        "HIMARI_DRAIN_SEC": "0",
        **settings,
    }


def wait_until_ready(process: subprocess.Popen[bytes], client: httpx.Client, folder: Path) -> None:
    """Poll ``GET /health/ready`` until it answers 200.

    Raises
    ------
    ServiceNotReady
        If the process ends first or the time is up.
    """
    deadline = time.monotonic() + READY_SEC
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise ServiceNotReady(f"the service ended before it was ready:\n{_log_end(folder)}")
        if _ready(client):
            return
        time.sleep(0.05)
    raise ServiceNotReady(f"the service was not ready in {READY_SEC:.0f} s:\n{_log_end(folder)}")


def _ready(client: httpx.Client) -> bool:
    try:
        return client.get("/health/ready").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def free_port() -> int:
    """Return a loopback port that is free at the moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Turn SIGTERM into SystemExit(143) during the block, so that servers are stopped."""

    def leave(signum: int, _frame: object) -> None:
        raise SystemExit(128 + signum)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _log_end(folder: Path) -> str:
    text = (folder / "service.log").read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-15:])
