"""The guide's inference server on loopback: one flat signal in, one prediction out."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_PATIENCE_SEC = 30.0
PREDICTION = {
    "position_pct": 0.05,
    "confidence": 0.8,
    "predicted_return": 0.05,
    "predicted_volatility": 0.03,
    "model_version": "v1.0",
}


@dataclass
class GuideServer:
    """What was asked, and what is answered: a status and a body; ``card`` is its ``/model``.

    A prediction is answered once ``let`` is set, as it is at first.
    """

    status: int = 200
    body: bytes = json.dumps(PREDICTION).encode()
    asked: list[dict[str, Any]] = field(default_factory=list)
    card: Any = None
    card_headers: list[Message] = field(default_factory=list)
    port: int = 0
    scheme: str = "http"
    let: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.let.set()

    @property
    def endpoint(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/predict"


@contextmanager
def guide_server(tls: ssl.SSLContext | None = None) -> Iterator[GuideServer]:
    """Serve ``POST /predict``, and 404 for a batch, until the block ends."""
    state = GuideServer(scheme="https" if tls else "http")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            known = self.path == "/predict"
            if known:
                state.asked.append(json.loads(content))
                state.let.wait(_PATIENCE_SEC)
            self.send_response(state.status if known else 404)
            self.send_header("content-length", str(len(state.body) if known else 0))
            self.end_headers()
            self.wfile.write(state.body if known else b"")

        def do_GET(self) -> None:
            state.card_headers.append(self.headers)
            body = b"" if state.card is None else json.dumps(state.card).encode()
            self.send_response(200 if body and self.path == "/model" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its signature)
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_address[1]
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield state
        finally:
            state.let.set()
            server.shutdown()
            thread.join(5)
