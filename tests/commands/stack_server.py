"""What the production checklist asks beside the service: a policy, Prometheus and its company."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.guide_server import PREDICTION

ROWS = {"data": {"result": [{"value": [0, "0"]}]}}


@dataclass
class StackServer:
    """Answers by path: a status and a document; a path that is not there is 404."""

    port: int = 0
    answers: dict[str, tuple[int, Any]] = field(
        default_factory=lambda: {
            "/predict": (200, PREDICTION),
            "/health/ready": (200, {"status": "ready"}),
            "/health/live": (200, {"status": "alive"}),
            "/api/v1/query": (200, ROWS),
            "/-/ready": (200, {}),
            "/api/health": (200, {"database": "ok"}),
        }
    )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def stack_server() -> Iterator[StackServer]:
    """Serve until the block ends."""
    state = StackServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            status, document = state.answers.get(self.path.partition("?")[0], (404, {}))
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its signature)
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            server.shutdown()
            thread.join(5)
