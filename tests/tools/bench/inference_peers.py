"""LitServe and BentoML with the same model, from a virtual environment of their own.

``BENCH_PEERS_VENV`` names it (``pip install -r requirements/peers.txt``); without it, or where a
peer cannot be imported there, the row says so. CPU is that of all processes of a server.
"""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from socket import create_server
from typing import Final
from urllib.error import URLError
from urllib.request import urlopen

from tests.tools.bench.http_cpu import Server
from tests.tools.bench.inference_bodies import single_requests
from tests.tools.bench.inference_load import Target, cpu_ms, load_in_turns, our_server
from tests.tools.bench.inference_naive import STORE
from tests.tools.bench.rows import Row

SECTION: Final = "Inference server: peers, 16 connections"
VENV: Final = "BENCH_PEERS_VENV"
VERSION: Final = "bench-1"
PORT: Final = "HIMARI_BENCH_PORT"
# name: module, command, readiness, the field around a signal
PEERS: Final = {
    "LitServe": ("litserve", ("-m", "tests.tools.bench.inference_litserve_app"), "/health", ""),
    "BentoML": (
        "bentoml",
        ("-m", "bentoml", "serve", "tests.tools.bench.inference_bento_app:Policy"),
        "/readyz",
        "signal",
    ),
}
_STARTUP_SEC: Final = 60.0


def measure_peers(folder: Path, rounds: int) -> Iterator[Row]:
    """Load ours and each peer in turns."""
    for name, (module, *_) in PEERS.items():
        if why := _why_not(module):
            yield Row(SECTION, f"{name} not measured: {why}", 0.0, "rows")
            continue
        with our_server(folder, VERSION) as ours, _peer(name, folder) as (pid, port):
            targets = {
                "ours": Target(ours.port, ours.cpu_sec, single_requests()),
                name: Target(port, partial(tree_cpu_sec, pid), _requests(name)),
            }
            loads = load_in_turns(targets, 16, 8, rounds)
        mine, theirs = (cpu_ms(taken) for taken in loads.values())
        yield Row(SECTION, f"{name}: CPU a request", theirs, "ms")
        yield Row(SECTION, f"CPU against {name}", mine / theirs, "times", at_most=0.5)


def _requests(name: str) -> list[bytes]:
    return single_requests(around=PEERS[name][3])


def _why_not(module: str) -> str:
    venv = os.environ.get(VENV)
    if not venv:
        return f"{VENV} is not set"
    probe = [f"{venv}/bin/python", "-c", f"import {module}"]
    if not Path(probe[0]).exists():
        return f"{VENV} has no bin/python"
    failed = subprocess.run(probe, capture_output=True, check=False).returncode
    return f"no {module} in {VENV}" if failed else ""


@contextmanager
def _peer(name: str, folder: Path) -> Iterator[tuple[int, int]]:
    _, words, ready, _ = PEERS[name]
    with closing(create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    more = ("--port", str(port)) if "serve" in words else ()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")}
    environment |= {STORE: str(folder / VERSION / "model.onnx"), PORT: str(port)}
    process = subprocess.Popen(
        [f"{os.environ[VENV]}/bin/python", *words, *more],
        env=environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait(f"http://127.0.0.1:{port}{ready}", process)
        yield process.pid, port
    finally:
        # its workers are in its session, and outlive it otherwise
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20.0)


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _STARTUP_SEC
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urlopen(url, timeout=1.0):  # noqa: S310 - our own server
                return
        except (URLError, OSError):
            time.sleep(0.1)
    raise RuntimeError(f"a server did not start: {process.args!r}")


def tree_cpu_sec(root: int) -> float:
    """User and system time of a process and all that descend from it, seconds."""
    parents = _parents()
    family, grown = {root}, True
    while grown:
        children = {pid for pid, parent in parents.items() if parent in family} - family
        family, grown = family | children, bool(children)
    return sum(Server(pid, 0).cpu_sec() for pid in family)


def _parents() -> dict[int, int]:
    parents = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text("ascii", "replace").rpartition(")")[2].split()
        except OSError:  # it has ended meanwhile
            continue
        parents[int(entry.parent.name)] = int(fields[1])
    return parents
