"""The head of a request is bounded in bytes and in time, on real sockets."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
import uvicorn

from app.commands.bounded_http import bounded_http

MOST_BYTES = 2_000
MOST_SEC = 0.3


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer how long the body was."""
    if scope["type"] != "http":
        return
    length, more = 0, True
    while more:
        message = await receive()
        length += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(length).encode()})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        protocol = bounded_http(MOST_BYTES, MOST_SEC)
        config = uvicorn.Config(echo, http=protocol, log_config=None, lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()[1]
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def connected(port: int) -> closing[socket.socket]:
    return closing(socket.create_connection(("127.0.0.1", port), timeout=10.0))


def everything(connection: socket.socket) -> bytes:
    """Read until the other side closes."""
    answer = b""
    try:
        while part := connection.recv(65_536):
            answer += part
    except ConnectionResetError:
        pass  # it closed with our bytes unread, as it should
    return answer


@pytest.mark.parametrize(
    "endless",
    [b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 1_000, b"GET /" + b"a" * 1_000,
     b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 200, b"GET / HTTP/1.1\r\n" + b"a" * 1_000],
    ids=lambda head: head[-8:].decode(),
)  # fmt: skip
def test_a_head_that_never_ends_is_cut_at_the_limit(port: int, endless: bytes) -> None:
    with connected(port) as connection:
        sent = 0
        try:
            connection.sendall(endless)
            while sent < 5_000_000:
                connection.sendall(b"a" * 1_000)
                sent += 1_000
        except OSError:
            pass
        assert sent < 5_000_000
    assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text == "0"


def test_the_refusal_is_a_431(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nx: " + b"a" * MOST_BYTES)
        assert everything(connection).startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize("first", [b"", b"G", b"GET / HTTP/1.1\r\nhost: a\r\n"])
def test_a_head_that_does_not_come_is_not_waited_for(port: int, first: bytes) -> None:
    with connected(port) as connection:
        connection.sendall(first)
        started = time.monotonic()
        assert everything(connection) == b""
        assert MOST_SEC * 0.8 <= time.monotonic() - started < MOST_SEC + 2.0


def test_a_head_that_drips_is_not_waited_for_either(port: int) -> None:
    with connected(port) as connection:
        connection.settimeout(0.05)
        started = time.monotonic()
        answer = None
        connection.sendall(b"GET / HTTP/1.1\r\nx: ")
        while answer is None and time.monotonic() - started < 5.0:
            try:
                connection.sendall(b"a")
                answer = connection.recv(100)
            except TimeoutError:
                continue
            except OSError:
                answer = b""
        assert answer == b""
        assert time.monotonic() - started < MOST_SEC + 2.0


def test_a_second_head_on_the_same_connection_is_bounded_too(port: int) -> None:
    with connected(port) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\n\r\nGET / HTTP/1.1\r\n")
        assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")
        started = time.monotonic()
        everything(connection)
        assert time.monotonic() - started < MOST_SEC + 2.0


def test_an_idle_connection_is_kept_longer_than_a_head_may_take(port: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        places = []
        for _ in range(2):
            stream = client.get("/").extensions["network_stream"]
            places.append(stream.get_extra_info("client_addr"))
            threading.Event().wait(2.0 * MOST_SEC)
    assert places[0] == places[1]


def test_a_body_may_be_larger_and_slower_than_a_head(port: int) -> None:
    with connected(port) as connection:
        head = b"POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 100000\r\n\r\n"
        connection.sendall(head + b"b" * 50_000)
        threading.Event().wait(2.0 * MOST_SEC)
        connection.sendall(b"b" * 50_000)
        assert b"100000" in everything(connection)
