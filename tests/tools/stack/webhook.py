"""A listener that Alertmanager posts to; GET answers with everything that came. No packages."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

PORT: Final = 9000
RECEIVED: Final[list[Any]] = []


class Listener(BaseHTTPRequestHandler):
    """Keep what is posted."""

    def do_POST(self) -> None:
        """Keep one notification."""
        length = int(self.headers.get("content-length") or 0)
        RECEIVED.append(json.loads(self.rfile.read(length)))
        self._answer([])

    def do_GET(self) -> None:
        """Tell what came so far."""
        self._answer(RECEIVED)

    def _answer(self, content: list[Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("", PORT), Listener).serve_forever()
