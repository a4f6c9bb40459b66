"""The stream of what changes: only what is new, to no more than so many, ended in time."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.console.sessions import COOKIE
from app.core.access import KeyRing
from tests.console.feed import Desk
from tests.console.site import RING, Site
from tests.served_himari import serving

Scope = dict[str, Any]


class Listener:
    """One browser that listens, over ASGI; reads what was sent so far."""

    def __init__(self, site: Site, cookie: str = "") -> None:
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._gone = asyncio.Event()
        self.scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "method": "GET",
            "path": "/console/events",
            "raw_path": b"/console/events",
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": [(b"host", b"localhost"), (b"cookie", cookie.encode())],
            "server": ("localhost", 80),
            "client": ("127.0.0.1", 1),
        }
        self.task = asyncio.create_task(site.app(self.scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        await self.sent.put(dict(message))

    async def status(self) -> int:
        return int((await asyncio.wait_for(self.sent.get(), 20.0))["status"])

    async def event(self) -> dict[str, str]:
        """Wait for an event that holds something."""
        while True:
            body = (await asyncio.wait_for(self.sent.get(), 20.0))["body"].decode()
            if body.startswith("data: "):
                found: dict[str, str] = json.loads(body.removeprefix("data: "))
                return found

    async def leave(self) -> None:
        self._gone.set()
        await asyncio.wait_for(self.task, 20.0)


@asynccontextmanager
async def listening(site: Site, cookie: str = "") -> AsyncIterator[Listener]:
    site.context.streams.tick_sec = 0.01
    listener = Listener(site, cookie)
    try:
        yield listener
    finally:
        await listener.leave()


async def test_all_parts_come_first_and_then_only_what_changed(open_site: Site) -> None:
    async with listening(open_site) as listener:
        assert await listener.status() == 200
        first = await listener.event()
        await open_site.decide(Desk().batch(open_site.clock.now_ns()))
        open_site.clock.advance(1.0)
        second = await listener.event()

    assert first.keys() == {"strip", "figures", "recent"}
    assert second.keys() == {"figures", "recent"}
    assert "1 of 1 decisions" in second["figures"]


async def test_one_more_than_may_listen_is_told_to_come_again(open_site: Site) -> None:
    open_site.context.streams.most = 2
    async with listening(open_site) as one, listening(open_site) as two:
        assert await one.status() == await two.status() == 200
        async with listening(open_site) as three:
            assert await three.status() == 503
    async with listening(open_site) as later:
        assert await later.status() == 200

    assert open_site.context.streams.open == 0


async def test_draining_ends_every_stream(open_site: Site) -> None:
    async with listening(open_site) as listener:
        await listener.status()
        open_site.service.operating.draining = True
        await asyncio.wait_for(listener.task, 20.0)
        bodies = [listener.sent.get_nowait() for _ in range(listener.sent.qsize())]

    assert any(b"event: draining" in message["body"] for message in bodies)


async def test_a_stream_ends_with_its_session(keyed_site: Site) -> None:
    await keyed_site.sign_in("reader")
    cookie = f"{COOKIE}={keyed_site.client.cookies[COOKIE]}"
    async with listening(keyed_site, cookie) as listener:
        assert await listener.status() == 200
        keyed_site.keys[0] = KeyRing(key for key in RING.keys if key.name != "reader")
        await asyncio.wait_for(listener.task, 20.0)


async def test_without_a_session_there_is_no_stream(keyed_site: Site) -> None:
    async with listening(keyed_site) as listener:
        assert await listener.status() in {303, 401}


@pytest.mark.parametrize(("number", "drain_sec"), [(signal.SIGTERM, "0"), (signal.SIGINT, "0.3")])
def test_a_page_that_is_open_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, drain_sec: str, number: signal.Signals
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("HIMARI_")]:
        monkeypatch.delenv(name)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HIMARI_PORT", str(listener.getsockname()[1]))
    monkeypatch.setenv("HIMARI_DRAIN_SEC", drain_sec)
    with serving() as served, httpx.Client(timeout=20.0) as client:
        with client.stream("GET", f"{served.url}/console/events") as stream:
            lines = stream.iter_lines()
            while not next(lines).startswith("data: "):
                pass
            served.process.send_signal(number)
            rest = list(lines)

        assert "event: draining" in rest
        assert served.process.wait(20.0) in {0, -number, 128 + number}
