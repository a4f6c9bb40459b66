"""One deadline for all addresses of a name."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from app.client import ClientOptions, HimariClient, Unreachable
from tests.adapters.policy.policy_server import PolicyServer
from tests.client.asking import Ask, ask, saying
from tests.spoken_himari import free_port

__all__ = ["ask"]

NAME = "desk.invalid"
ONCE = ClientOptions(deadline_sec=1.0, attempts=1)
ALIVE = saying(b'{"status": "alive"}')
REAL = socket.getaddrinfo

Resolve = Callable[[], list[Any]]
Name = Callable[[Resolve], None]


@pytest.fixture
def name(monkeypatch: pytest.MonkeyPatch) -> Name:
    """Let a resolver of the test's own answer for one name."""

    def made(resolve: Resolve) -> None:
        def resolved(host: Any, *args: Any, **named: Any) -> list[Any]:
            if host in {NAME, NAME.encode()}:
                return resolve()
            return REAL(host, *args, **named)

        monkeypatch.setattr(socket, "getaddrinfo", resolved)

    return made


def at(*ports: int) -> list[Any]:
    kind = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
    return [(*kind, ("127.0.0.1", port)) for port in ports]


@pytest.fixture
def hung_port() -> Iterator[int]:
    """Listen with a full queue: a further connection is neither taken nor refused."""
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            caller = opened.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


async def blocked(options: ClientOptions = ONCE) -> Any:
    def asked() -> Any:
        with HimariClient(f"http://{NAME}:8000", options=options) as client:
            return client.get_liveness()

    return await asyncio.to_thread(asked)


async def test_an_address_that_hangs_leaves_no_time_for_the_next(
    name: Name, hung_port: int
) -> None:
    async with PolicyServer(ALIVE) as server:
        name(lambda: at(hung_port, server.port))
        with pytest.raises(Unreachable, match="no connection"):
            await blocked()
        assert server.connections == 0


async def test_nothing_is_sent_after_a_resolver_that_outlasts_the_deadline(name: Name) -> None:
    async with PolicyServer(ALIVE) as server:

        def resolve() -> list[Any]:
            time.sleep(ONCE.deadline_sec + 0.1)
            return at(server.port)

        name(resolve)
        with pytest.raises(Unreachable, match="the deadline has passed"):
            await blocked()
        assert server.connections == 0


async def test_an_address_that_refuses_gives_way_to_the_next(ask: Ask, name: Name) -> None:
    async with PolicyServer(ALIVE) as server:
        name(lambda: at(free_port(), server.port))
        url = f"http://{NAME}:{server.port}"
        assert await ask(url, "get_liveness") == {"status": "alive"}


async def test_a_name_that_cannot_be_resolved_is_unreachable(ask: Ask, name: Name) -> None:
    def resolve() -> list[Any]:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    name(resolve)
    with pytest.raises(Unreachable, match="no such name"):
        await ask(f"http://{NAME}:8000", "get_liveness", options=ONCE)


async def test_a_name_without_address_is_unreachable(name: Name) -> None:
    name(list)
    with pytest.raises(Unreachable, match=f"{NAME} has no address"):
        await blocked()
