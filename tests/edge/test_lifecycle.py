"""The graceful end: announced at once, handed on to the server after the drain."""

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from edge.lifecycle import drain_on_sigterm, exit_zero_on_sigterm

# Longer than any test: nothing is handed on by time.
LONG_SEC = 600.0


class Server:
    """Handlers as a server has them, and what happened in order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.ended = asyncio.Event()

    def announce(self) -> None:
        self.events.append("announced")

    def end(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.events.append(signal.Signals(number).name)
        self.ended.set()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    before = {each: signal.signal(each, made.end) for each in (signal.SIGTERM, signal.SIGINT)}
    yield made
    for each, handler in before.items():
        signal.signal(each, handler)


async def test_sigterm_is_announced_at_once_and_handed_on_after_the_drain(server: Server) -> None:
    with drain_on_sigterm(server.announce, 0.01):
        signal.raise_signal(signal.SIGTERM)
        assert server.events == ["announced"]
        await asyncio.wait_for(server.ended.wait(), 10.0)
    assert server.events == ["announced", "SIGTERM"]


async def test_a_second_sigterm_does_not_wait(server: Server) -> None:
    with drain_on_sigterm(server.announce, LONG_SEC):
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert server.events[-1] == "SIGTERM"


async def test_without_a_drain_the_end_is_announced_and_handed_on(server: Server) -> None:
    with drain_on_sigterm(server.announce, 0.0):
        signal.raise_signal(signal.SIGTERM)
        assert server.events == ["announced", "SIGTERM"]


async def test_sigint_is_announced_and_handed_on(server: Server) -> None:
    with drain_on_sigterm(server.announce, LONG_SEC):
        signal.raise_signal(signal.SIGINT)
        assert server.events == ["announced", "SIGINT"]


async def test_the_servers_own_handlers_are_put_back(server: Server) -> None:
    with drain_on_sigterm(server.announce, LONG_SEC):
        assert signal.getsignal(signal.SIGTERM) != server.end
    assert signal.getsignal(signal.SIGTERM) == server.end
    assert signal.getsignal(signal.SIGINT) == server.end


def test_sigterm_ends_a_server_that_has_not_started() -> None:
    with exit_zero_on_sigterm(lambda: False), pytest.raises(SystemExit, match="143"):
        signal.raise_signal(signal.SIGTERM)


def test_sigterm_leaves_a_started_server_to_its_own_end() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with exit_zero_on_sigterm(lambda: True):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == before
