"""A webhook on loopback that keeps what is posted to it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, SimpleQueue
from threading import Thread
from time import monotonic
from typing import Any


class Inbox:
    """Alerts as Alertmanager posted them, in order."""

    def __init__(self) -> None:
        self._posted: SimpleQueue[dict[str, Any]] = SimpleQueue()

    def put(self, alert: dict[str, Any]) -> None:
        """Keep one."""
        self._posted.put(alert)

    def wait_for(self, name: str, status: str, within_sec: float = 30.0) -> dict[str, Any]:
        """Give the next alert of that name and status; others are passed over.

        Raises
        ------
        AssertionError
            If none comes in time.
        """
        deadline = monotonic() + within_sec
        while True:
            try:
                alert = self._posted.get(timeout=max(0.0, deadline - monotonic()))
            except Empty:
                raise AssertionError(f"no {status} {name} within {within_sec} s") from None
            if (alert["labels"]["alertname"], alert["status"]) == (name, status):
                return alert


@contextmanager
def receiving(port: int) -> Iterator[Inbox]:
    """Listen on a port until the block ends."""
    inbox = Inbox()

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            for alert in json.loads(self.rfile.read(length))["alerts"]:
                inbox.put(alert)
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base's word
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Receiver) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield inbox
        finally:
            server.shutdown()
            thread.join(5.0)
