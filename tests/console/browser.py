"""A real browser on a real service: started once, watched for everything that it does wrong."""

import hashlib
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from app.console.sessions import COOKIE
from tests.console.feed import Desk, feed
from tests.served_himari import serving

KEY = "browser-key-browser-key-browser-key-1"
READER_KEY = "reader-key-reader-key-reader-key-0001"


@dataclass
class Watched:
    """A page, all that went wrong on it, and the hosts that it asked."""

    page: Page
    url: str
    problems: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def visit(self, path: str) -> None:
        """Go to a page of the console."""
        self.page.goto(f"{self.url}/console{path}", wait_until="load")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the system's browser until the block ends."""
    found = shutil.which("chromium")
    assert found is not None, "chromium must be installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


def watch(context: BrowserContext, url: str) -> Watched:
    """Open a page and note errors and requests."""
    page = context.new_page()
    page.set_default_timeout(20_000)
    watched = Watched(page, url)
    page.on("console", lambda message: _note(watched, message.type, message.text))
    page.on("pageerror", lambda error: watched.problems.append(str(error)))
    page.on("request", lambda request: watched.hosts.add(request.url.split("/")[2]))
    return watched


def _note(watched: Watched, kind: str, text: str) -> None:
    if kind in {"error", "warning"}:
        watched.problems.append(f"{kind}: {text}")


@contextmanager
def served_console(folder: Path, decisions: int) -> Iterator[str]:
    """Serve with keys and a mock policy, and feed a desk's decisions; gives the URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    given = {name: value for name, value in os.environ.items() if name.startswith("HIMARI_")}
    chosen = {
        "HIMARI_PORT": str(port),
        "HIMARI_ENABLE_RL": "true",
        "HIMARI_USE_MOCK_RL": "true",
        "HIMARI_SYNCHRONOUS": "NORMAL",
        "HIMARI_SIGNALS__STANDING": "true",
        "HIMARI_API_KEYS": ",".join(
            [_entry("risk-desk", "trade+operate", KEY), _entry("analyst", "read", READER_KEY)]
        ),
    }
    before = Path.cwd()
    for name in given:
        del os.environ[name]
    os.environ.update(chosen)
    os.chdir(folder)
    try:
        with serving() as served:
            with _caller(served.url) as client:
                _play(client, decisions)
            yield served.url
    finally:
        os.chdir(before)
        for name in chosen:
            del os.environ[name]
        os.environ.update(given)


def session_cookie(url: str, key: str = KEY) -> Any:
    """Sign in without a browser; gives the cookie that a browser would have."""
    answer = httpx.post(f"{url}/console/login", data={"key": key}, trust_env=False)
    return {"name": COOKIE, "value": answer.cookies[COOKIE], "url": f"{url}/console"}


def _entry(name: str, roles: str, key: str) -> str:
    return f"{name}:{roles}:{hashlib.sha256(key.encode()).hexdigest()}"


def _caller(url: str) -> httpx.Client:
    headers = {"authorization": f"Bearer {KEY}"}
    return httpx.Client(base_url=url, headers=headers, timeout=30.0, trust_env=False)


def _play(client: httpx.Client, decisions: int) -> None:
    """Feed a day of which the policy misses a while in the middle."""
    desk = Desk()
    pause = max(1, decisions // 12)
    feed(client, decisions - 2 * pause, desk)
    _set_mode(client, "forced_open", "model under review")
    feed(client, pause, desk)
    _set_mode(client, "auto", "review is over")
    feed(client, pause, desk)


def _set_mode(client: httpx.Client, mode: str, reason: str) -> None:
    client.put("/circuit", json={"mode": mode, "reason": reason}).raise_for_status()
