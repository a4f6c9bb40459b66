"""Secrets are nowhere in what a service says or keeps: every output is searched for them."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from app.commands.starter import example_batch
from tests.served_himari import serving
from tests.spoken_himari import Himari, clean_directory, himari

__all__ = ["clean_directory", "himari"]

CANARY = "c4n4ry"
OF_CALLERS, OF_THE_HOP = f"{CANARY}-of-callers", f"{CANARY}-of-the-hop"
SETTINGS = {
    "ENABLE_RL": "true",
    "API_KEYS": f"{OF_CALLERS},reader:read:" + "1" * 64,
    "RL_API_KEY": OF_THE_HOP,
    "RL_HEADERS": json.dumps({"X-Tunnel": f"{CANARY}-of-the-tunnel"}),
    "RL_TIMEOUT_SEC": "2",
    "CIRCUIT_BREAKER__FAILURE_THRESHOLD": "100",
    # receivers that refuse every connection
    "NOTIFY__WEBHOOK_URLS": f"http://me:{CANARY}@127.0.0.1:1/{CANARY}",
    "NOTIFY__WEBHOOK_SECRET": f"whsec_{CANARY * 6}",
    "NOTIFY__APPRISE_URLS": f"json://me:{CANARY}@127.0.0.1:1/{CANARY},nobody://{CANARY}",
    "NOTIFY__FIRST_RETRY_SEC": "0.01",
    "OTEL_ENABLED": "true",
}


@contextmanager
def chattering_policy() -> Iterator[tuple[str, list[int]]]:
    """Send back all that was sent, in headers and body, under the status that stands next."""
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["content-length"]))
            sent = "".join(f"{name}={value};" for name, value in self.headers.items())
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("X-Echo", sent)
            self.send_header("Set-Cookie", f"session={CANARY}-of-the-server")
            body = json.dumps({"error": sent, "asked": content.decode("utf-8")}).encode()
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its signature)
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        user = f"user:{CANARY}-of-the-url"
        yield f"http://{user}@127.0.0.1:{server.server_address[1]}/predict", statuses
        server.shutdown()


def conversation(url: str) -> Iterator[httpx.Response]:
    """Ask for everything, rightly and wrongly."""
    wrong = {"Authorization": f"Bearer {CANARY}-that-is-wrong"}
    basic = {"Authorization": f"Basic {CANARY}-in-basic"}
    batch = example_batch(time.time_ns())
    key = {"Authorization": f"Bearer {OF_CALLERS}"}
    with httpx.Client(base_url=url, headers=key, trust_env=False, timeout=20.0) as client:
        for _ in range(6):
            yield client.post("/allocate", json=batch)
        yield client.post("/allocate", json=batch, headers={"Idempotency-Key": "once"})
        yield client.post("/allocate", json=batch, params={"dry_run": "true"})
        for headers in (wrong, basic, {"Origin": "http://evil.example"}):
            yield client.put("/trading-state", json={"state": "HALTED"}, headers=headers)
        yield client.put("/trading-state", json={"state": "HALTED", "reason": "said aloud"})
        yield client.put("/circuit", json={"mode": "forced_open"})
        yield client.post("/circuit/reset")
        yield client.post("/allocate", content=b"{", headers={"content-type": "text/plain"})
        yield client.post("/allocate", json=batch | {"portfolio_value": -1})
        yield client.request("ODD", "/state")
        for path in ("/state", "/metrics", "/circuit", "/trading-state", "/decisions",
                     "/performance", "/openapi.json", "/docs", "/nothing", "/health/ready",
                     "/portfolio/weights.csv", "/portfolio/risk-budget"):  # fmt: skip
            yield client.get(path)


def kept_and_said() -> dict[str, bytes]:
    """Content of every file that the service left in its directory."""
    return {path.name: path.read_bytes() for path in Path().iterdir() if path.is_file()}


@pytest.mark.parametrize("level", ["DEBUG", "INFO"])
def test_no_secret_is_in_logs_journal_answers_state_or_metrics(
    himari: Himari, monkeypatch: pytest.MonkeyPatch, level: str
) -> None:
    made = himari("keys", "new", "desk").out.strip()
    monkeypatch.setenv("HIMARI_KEYS_FILE", "himari.keys")
    monkeypatch.setenv("HIMARI_LOG_LEVEL", level)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:1/{CANARY}")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"x-token={CANARY},{CANARY}")
    for name, value in SETTINGS.items():
        monkeypatch.setenv(f"HIMARI_{name}", value)
    with chattering_policy() as (endpoint, statuses):
        statuses += [500, 401, 429, 302, 200]
        monkeypatch.setenv("HIMARI_RL_ENDPOINT", endpoint)
        with serving() as served:
            answers = list(conversation(served.url))
            answers.append(httpx.get(f"{served.url}/state", headers={"Authorization": made}))
        outputs = [himari("doctor"), himari("replay")]
    assert {200, 400, 401, 403, 404, 415, 422} <= {answer.status_code for answer in answers}
    found = kept_and_said()
    assert b"said aloud" in found["himari.db"]
    assert b"trading_state" in found["served.log"]
    assert b"notice_not_delivered" in found["served.log"]
    found |= {
        f"answer {place}": answer.content + repr(answer.headers.raw).encode()
        for place, answer in enumerate(answers)
    }
    found |= {
        f"words {place}": (said.out + said.err).encode() for place, said in enumerate(outputs)
    }
    secrets: tuple[Any, ...] = (
        CANARY.encode(),
        made.encode(),
        made.removeprefix("himari_").encode(),
    )
    for place, content in found.items():
        for secret in secrets:
            start = content.find(secret)
            assert start < 0, (place, content[max(0, start - 200) : start + 50])
