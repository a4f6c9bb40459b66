"""(c) HTTP: 10 signals, journalled in SQLite with full syncs, against a bare FastAPI echo.

CPU is the server's own, all threads, from ``/proc/PID/stat``; the load comes from this process
over keep-alive connections. Both servers run at once and are loaded in turns.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import create_server
from statistics import median
from typing import Final

import orjson

from tests.tools.bench.batches import wire_batch
from tests.tools.bench.rows import Row

SECTION: Final = "HTTP, 10 signals, journalled"
SIGNALS: Final = 10
REQUESTS: Final = {1: 300, 16: 800}
CPU_TARGET: Final = {1: 3.5, 16: 2.5}
_STARTUP_SEC: Final = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A running server process."""

    pid: int
    port: int

    def cpu_sec(self) -> float:
        """User and system time of the process so far, seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Load:
    """One turn of load: CPU a request and latencies, seconds."""

    cpu: float
    latencies: list[float]


def measure(rounds: int) -> Iterator[Row]:
    """Load both servers in turns, at one and at 16 connections."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        journal = {"HIMARI_DATABASE_URL": f"sqlite:///{folder}/himari.db"}
        ours = stack.enter_context(running("app.main:app", journal))
        echo = stack.enter_context(running("tests.tools.bench.echo_app:app", {}))
        for connections in (1, 16):
            mine: list[Load] = []
            bare: list[Load] = []
            for turn in range(rounds + 1):
                for server, loads in ((ours, mine), (echo, bare)):
                    load = asyncio.run(_load(server, connections))
                    if turn:
                        loads.append(load)
            yield from _rows(connections, mine, bare)


def _rows(connections: int, mine: list[Load], bare: list[Load]) -> Iterator[Row]:
    at = f"{connections} connection{'s' if connections > 1 else ''}"
    ours, echo = (median(load.cpu for load in loads) for loads in (mine, bare))
    yield Row(SECTION, f"{at}: service, CPU a request", 1e3 * ours, "ms")
    yield Row(SECTION, f"{at}: bare echo, CPU a request", 1e3 * echo, "ms")
    limit = CPU_TARGET[connections]
    yield Row(SECTION, f"{at}: CPU against echo", ours / echo, "times", at_most=limit)
    for name, loads in (("service", mine), ("bare echo", bare)):
        seconds = sorted(second for load in loads for second in load.latencies)
        p50, p99 = (seconds[int(share * (len(seconds) - 1))] for share in (0.50, 0.99))
        yield Row(SECTION, f"{at}: {name}, p50", 1e3 * p50, "ms")
        yield Row(SECTION, f"{at}: {name}, p99", 1e3 * p99, "ms")
        if name == "service" and connections == 16:
            yield Row(SECTION, f"{at}: service, p99 against p50", p99 / p50, "times", at_most=3.0)


@contextmanager
def running(application: str, settings: dict[str, str]) -> Iterator[Server]:
    """Serve an application under plain uvicorn until the block ends."""
    with closing(create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    words = ["--port", str(port), "--log-level", "warning", "--no-access-log"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")} | settings
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", application, *words], env=environment
    )
    try:
        asyncio.run(_until_ready(port, process))
        yield Server(process.pid, port)
    finally:
        process.terminate()
        process.wait(20.0)


async def _until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    request = b"GET /health/ready HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    deadline = time.monotonic() + _STARTUP_SEC
    while time.monotonic() < deadline and process.poll() is None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.05)
            continue
        status, _ = await _exchange(reader, writer, request)
        writer.close()
        if status == 200:
            return
    raise RuntimeError(f"a server did not start: {process.args!r}")


async def _load(server: Server, connections: int) -> Load:
    bodies = [orjson.dumps(wire_batch(SIGNALS, step)) for step in range(8)]
    requests = [_request(body) for body in bodies]
    each = REQUESTS[connections] // connections
    before = server.cpu_sec()
    latencies = await asyncio.gather(
        *(_one_connection(server.port, requests, each) for _ in range(connections))
    )
    spent = server.cpu_sec() - before
    return Load(spent / (each * connections), [one for many in latencies for one in many])


def _request(body: bytes) -> bytes:
    head = (
        "POST /allocate HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _one_connection(port: int, requests: list[bytes], count: int) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    latencies = []
    for place in range(count):
        started = time.perf_counter()
        status, body = await _exchange(reader, writer, requests[place % len(requests)])
        latencies.append(time.perf_counter() - started)
        if status != 200:
            raise RuntimeError(f"answered {status}: {body[:300]!r}")
    writer.close()
    return latencies


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)
