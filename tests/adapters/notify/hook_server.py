"""A receiver of webhooks on the loopback that answers, refuses, resets or stays silent."""

import asyncio
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from typing import Any

RESET, SILENCE = "reset", "silence"
_PATIENCE_SEC = 30.0


@dataclass(frozen=True)
class Got:
    """One request that arrived."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Hooks:
    """What arrived; ``script`` has what comes next, a status or RESET or SILENCE, then 200."""

    url: str = ""
    script: list[int | str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    got: list[Got] = field(default_factory=list)
    changed: Condition = field(default_factory=Condition)
    released: Event = field(default_factory=Event)

    def take(self, got: Got) -> int | str:
        """Note a request and say what to do with it."""
        with self.changed:
            self.got.append(got)
            self.changed.notify_all()
            return self.script.pop(0) if self.script else 200

    def wait_for(self, count: int) -> list[Got]:
        """Wait until so many requests arrived."""
        with self.changed:
            arrived = self.changed.wait_for(lambda: len(self.got) >= count, _PATIENCE_SEC)
        assert arrived, f"{len(self.got)} of {count} requests arrived"
        return list(self.got)


@contextmanager
def hook_server() -> Iterator[Hooks]:
    """Listen until the block ends."""
    hooks = Hooks()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            step = hooks.take(Got(self.path, headers, body))
            if step == RESET:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()
                self.close_connection = True
                return
            if step == SILENCE:
                hooks.released.wait(_PATIENCE_SEC)
                self.close_connection = True
                return
            self.send_response(int(step))
            for name, value in hooks.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its signature)
            """Keep quiet."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Keep quiet: callers that go away are part of it."""

    with Server(("127.0.0.1", 0), Handler) as server:
        hooks.url = f"http://127.0.0.1:{server.server_address[1]}"
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield hooks
        hooks.released.set()
        server.shutdown()


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that no event tells."""
    async with asyncio.timeout(_PATIENCE_SEC):
        while not holds():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.001)


def wait_until(holds: Callable[[], bool], what: str) -> None:
    """Wait until something holds, seen from another process or thread."""
    deadline = time.monotonic() + _PATIENCE_SEC
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
