"""Services under test in a process of their own, and the questions that the tests ask them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final

from tests.tools.chaos.caller import Answer, Caller
from tests.tools.chaos.fault import MODEL_VERSION

ROOT: Final = Path(__file__).parents[3]
_STARTED_WITHIN_SEC: Final = 60.0
# Below the ports that the system gives to clients: one left closed on purpose stays closed.
_PORTS: Final = range(20_000, 30_000)


@dataclass(frozen=True, slots=True)
class Service:
    """One service of a host process; its policy is expected at ``upstream_port``."""

    pid: int
    port: int
    upstream_port: int

    def caller(self) -> Caller:
        """Make a caller of it."""
        return Caller(self.port)

    async def operate(self, caller: Caller, mode: str) -> None:
        """Put the breaker into a mode, closed and with nothing held against anybody."""
        await _well(caller.ask("POST", "/circuit/reset"))
        await _well(caller.ask("PUT", "/circuit", json.dumps({"mode": mode}).encode()))

    async def circuit(self, caller: Caller) -> dict[str, Any]:
        """Look at the breaker."""
        return (await _well(caller.ask("GET", "/circuit"))).document()

    async def in_flight(self, caller: Caller) -> int:
        """Count the exchanges with the policy that hold a place."""
        state = (await _well(caller.ask("GET", "/state"))).document()
        count: int = state["policy"]["in_flight"]
        return count


async def _well(asked: Any) -> Answer:
    answer: Answer = await asked
    if answer.status != 200:
        raise RuntimeError(f"the service answered {answer.status}: {answer.body[:500]!r}")
    return answer


def closed_ports(count: int) -> list[int]:
    """Find ports that nobody listens on; far from those that another process finds."""
    found: list[int] = []
    start = os.getpid() * 97 % len(_PORTS)
    for port in (*_PORTS[start:], *_PORTS[:start]):
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise RuntimeError("no port is free")


@contextmanager
def hosted(folder: Path, services: Mapping[str, Mapping[str, Any]]) -> Iterator[dict[str, Service]]:
    """Run services by name, each with its settings; ``endpoint`` has a place for the port.

    The journal of each is a file in ``folder``, and so is the log of the process.
    """
    ports = iter(closed_ports(2 * len(services)))
    addresses = {name: (next(ports), next(ports)) for name in services}
    settings = [
        _settings(folder / f"{name}.db", *addresses[name], chosen)
        for name, chosen in services.items()
    ]
    log = folder / "host.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.tools.chaos.host"],
            cwd=ROOT,
            env={k: v for k, v in os.environ.items() if not k.startswith("HIMARI_")},
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
        )
    try:
        assert process.stdin is not None
        process.stdin.write(json.dumps(settings).encode())
        process.stdin.close()
        for port, _ in addresses.values():
            wait_until_ready(process, port, log)
        yield {name: Service(process.pid, *ports) for name, ports in addresses.items()}
    finally:
        process.terminate()
        try:
            process.wait(15)
        finally:
            process.kill()
            process.wait(5)


def _settings(
    database: Path, port: int, upstream_port: int, chosen: Mapping[str, Any]
) -> dict[str, Any]:
    given = dict(chosen)
    endpoint = given.pop("endpoint", "http://127.0.0.1:{port}/predict").format(port=upstream_port)
    return {
        "enable_rl": True,
        "rl_endpoint": endpoint,
        "rl_model_version": MODEL_VERSION,
        "database_url": f"sqlite:///{database}",
        "log_level": "ERROR",
        "drain_sec": 0.0,
        "port": port,
    } | given


def wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait for a server of this process; ``log`` is what it writes to.

    Raises
    ------
    RuntimeError
        If it ends or takes too long; with the end of the log.
    """
    deadline = monotonic() + _STARTED_WITHIN_SEC
    while not _is_ready(port):
        if process.poll() is not None or monotonic() > deadline:
            raise RuntimeError(f"the server did not start:\n{log.read_text()[-3000:]}")
        sleep(0.05)


def _is_ready(port: int) -> bool:
    asking = HTTPConnection("127.0.0.1", port, timeout=5.0)
    try:
        asking.request("GET", "/health/ready")
        return asking.getresponse().status == 200
    except OSError:
        return False
    finally:
        asking.close()
