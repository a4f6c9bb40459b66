"""Too much load, and callers who take too long, at real servers; in small."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any, Final

import pytest
import uvicorn

from app.commands.bounded_http import bounded_http
from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.caller import Caller
from tests.tools.chaos.crash_service import Serving, serving
from tests.tools.chaos.overload import after_onset, p, play, statuses
from tests.tools.chaos.overload_greedy import drip_a_body, greedy

SETTINGS: Final = {"SYNCHRONOUS": "NORMAL", "LOG_LEVEL": "ERROR"}
IN_FLIGHT: Final = 8
READ_SEC: Final = 0.3


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Serving]:
    chosen = SETTINGS | {"MAX_IN_FLIGHT": str(IN_FLIGHT), "BODY_TIMEOUT_SEC": "0.5"}
    with serving(tmp_path, f"sqlite:///{tmp_path}/himari.db", chosen) as running:
        yield running


def test_ten_times_the_load_is_answered_or_refused_and_nobody_waits_long(tmp_path: Path) -> None:
    with serving(tmp_path, f"sqlite:///{tmp_path}/himari.db", SETTINGS) as running:
        rounds = asyncio.run(play(running, 1, 3.0))
    met = rounds[0].overload
    assert set(statuses(rounds)) == {"200", "503"}
    assert (met.hung, met.lost, met.without_retry_after) == (0, 0, 0)
    # where all of them queue the median is above 2 s
    assert p(after_onset(met).net, 0.5) < 0.5


def test_bodies_that_do_not_come_hold_their_places_only_for_a_while(service: Serving) -> None:
    head = b"POST /allocate HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{"
    with ExitStack() as stack:
        for _ in range(IN_FLIGHT):
            slow = socket.create_connection(("127.0.0.1", service.port), 20.0)
            stack.enter_context(closing(slow)).sendall(head)
        assert asyncio.run(asked_until_answered(service)) == 200


async def asked_until_answered(service: Serving) -> int:
    caller = service.caller()
    try:
        async with asyncio.timeout(20.0):
            while True:
                answer = await caller.ask("POST", "/allocate", BATCH)
                if answer.status != 503:
                    return answer.status
    finally:
        caller.close()


def test_bodies_that_drip_wait_without_a_turn(tmp_path: Path) -> None:
    with serving(tmp_path, f"sqlite:///{tmp_path}/himari.db", SETTINGS) as running:
        assert asyncio.run(beside_dripping(running)) == [200] * 30


async def beside_dripping(service: Serving) -> list[int]:
    caller = Caller(service.port)
    # more than may wait for a turn
    async with greedy(drip_a_body, 150, service.port), asyncio.timeout(20.0):
        answers = [await caller.ask("POST", "/allocate", BATCH) for _ in range(30)]
    caller.close()
    return [answer.status for answer in answers]


def test_an_answer_that_is_not_read_is_given_up() -> None:
    ended = threading.Event()

    async def much(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - an application
        await send({"type": "http.response.start", "status": 200, "headers": []})
        part = {"type": "http.response.body", "body": b"x" * 1_000_000, "more_body": True}
        for _ in range(100):
            await send(part)
        ended.set()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        protocol = bounded_http(2_000, 10.0, read_timeout_sec=READ_SEC)
        config = uvicorn.Config(much, http=protocol, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        with closing(socket.create_connection(listener.getsockname())) as deaf:
            deaf.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
            given_up = ended.wait(20.0)
        server.should_exit = True
        thread.join(20.0)
    assert given_up
    assert not thread.is_alive()
