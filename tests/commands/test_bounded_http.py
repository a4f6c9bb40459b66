"""What a caller may leave unsent or unread is bounded: real sockets, and a clock set by hand."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState

from app.commands.bounded_http import BoundedHttp, EarlyRefusal, bounded_http

MOST_BYTES = 2_000
MOST_SEC = 0.3
HEAD_SEC, KEEP_ALIVE_SEC, READ_SEC = 10, 5, 30
POST = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\n"
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: %s\r\ncontent-length: 0\r\n\r\n"
)
REFUSAL = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"


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


class Timer:
    """What ``call_later`` gives."""

    def __init__(self, due: float, call: Callable[[], object]) -> None:
        self.due, self.call, self.cancelled = due, call, False

    def cancel(self) -> None:
        self.cancelled = True


class Ran:
    """A task that is over."""

    def add_done_callback(self, call: Callable[[Any], object]) -> None:
        call(self)


class SetLoop:
    """A loop whose seconds pass when set; a task is run as far as it goes, at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []
        self.stopped: list[Coroutine[Any, Any, None]] = []

    def call_later(self, delay: float, call: Callable[..., object], *args: object) -> Timer:
        self.timers.append(Timer(self.now + delay, lambda: call(*args)))
        return self.timers[-1]

    def create_task(self, work: Coroutine[Any, Any, None]) -> Ran:
        self.stopped.append(work)
        self.go_on()
        return Ran()

    def go_on(self) -> None:
        stopped, self.stopped = self.stopped, []
        for work in stopped:
            try:
                work.send(None)
            except StopIteration:
                continue
            self.stopped.append(work)

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while due := [timer for timer in self.timers if not timer.cancelled and timer.due <= end]:
            first = min(due, key=lambda timer: timer.due)
            self.timers.remove(first)
            self.now = first.due
            first.call()
        self.now = end


class Wire(asyncio.Transport):
    """What was written, what of it is unread, and how the connection ended."""

    def __init__(self) -> None:
        super().__init__()
        self.written, self.unread, self.ended = b"", 0, ""
        self.protocol: asyncio.BaseProtocol | None = None

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.ended != ""

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol


class WebSocket(asyncio.Protocol):
    """Takes a connection over."""

    def __init__(self, **given: object) -> None:
        pass


async def hasty(scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG001 - an application
    """Answer before the body."""
    start = {"type": "http.response.start", "status": 401, "headers": [(b"content-length", b"0")]}
    await send(start)
    await send({"type": "http.response.body", "body": b""})


class Later:
    """Awaited until the loop is told to go on."""

    def __await__(self) -> Generator[None, None, None]:
        yield


async def slow(scope: Any, receive: Any, send: Any) -> None:
    """Answer after a while."""
    await Later()
    await hasty(scope, receive, send)


class Line:
    """One connection to an application, without sockets."""

    def __init__(self, application: Any = hasty, early_refusal: EarlyRefusal | None = None) -> None:
        config = uvicorn.Config(
            application, ws=WebSocket, log_config=None, lifespan="off",
            timeout_keep_alive=KEEP_ALIVE_SEC,
        )  # fmt: skip
        bounds: Any = {"read_timeout_sec": READ_SEC, "early_refusal": early_refusal}
        kind = bounded_http(MOST_BYTES, HEAD_SEC, **bounds)
        self.loop, self.wire = SetLoop(), Wire()
        loop: Any = self.loop
        self.http: BoundedHttp = kind(config, ServerState(), {}, loop)
        self.http.connection_made(self.wire)

    def send(self, data: bytes) -> str:
        self.http.data_received(data)
        return self.wire.ended

    def after(self, seconds: float) -> str:
        self.loop.pass_time(seconds)
        return self.wire.ended


def refuse(*_: object) -> bytes:
    return REFUSAL


def test_after_a_body_that_came_behind_its_answer_the_next_head_is_not_waited_for_for_ever() -> (
    None
):
    line = Line()
    line.send(POST)
    assert line.wire.written.startswith(b"HTTP/1.1 401 ")
    line.send(b"b" * 5)
    # its own time is nearly over, and ends in that of the keep-alive
    assert line.after(HEAD_SEC - 1) == ""
    assert line.send(b"b" * 5) == ""
    assert line.after(KEEP_ALIVE_SEC - 1) == ""
    assert line.after(1) == "closed"


def test_a_body_that_drips_behind_its_answer_is_not_waited_for() -> None:
    line = Line()
    line.send(POST)
    for _ in range(HEAD_SEC - 1):
        assert line.send(b"b") == ""
        line.after(1)
    assert line.after(1) == "closed"


def test_a_line_end_behind_an_answer_does_not_keep_the_connection_for_ever() -> None:
    line = Line()
    line.send(POST + b"b" * 10)
    line.send(b"\r\n")
    assert line.after(HEAD_SEC - 1) == ""
    assert line.after(1) == "closed"


@pytest.mark.parametrize("first", [None, REFUSAL], ids=["answered early", "refused"])
def test_a_request_in_the_same_bytes_as_the_end_of_the_last_has_its_own_time(
    first: bytes | None,
) -> None:
    async def slow_second(scope: Any, receive: Any, send: Any) -> None:
        await (slow if scope["path"] == "/second" else hasty)(scope, receive, send)

    refusals = iter([first, None])
    line = Line(slow_second, lambda *_: next(refusals))
    line.send(POST)
    line.send(b"b" * 10 + POST.replace(b"/ ", b"/second ") + b"b" * 10)
    assert line.after(10 * HEAD_SEC) == ""
    line.loop.go_on()
    assert line.wire.written.count(b"HTTP/1.1 ") == 2
    assert line.after(KEEP_ALIVE_SEC) == "closed"


def unread_answer() -> Line:
    """Give an answer whose end is still in the buffer."""
    line = Line()
    line.send(POST + b"b" * 10)
    line.wire.unread = 200_000
    line.http.pause_writing()
    return line


def test_a_slow_and_steady_reader_gets_the_whole_answer() -> None:
    line = unread_answer()
    while line.wire.unread > 20_000:
        line.wire.unread -= 20_000
        assert line.after(READ_SEC) != "aborted"
    line.http.resume_writing()
    assert line.after(10 * READ_SEC) != "aborted"


def test_a_reader_who_never_begins_is_cut() -> None:
    line = unread_answer()
    assert line.after(READ_SEC - 1) != "aborted"
    assert line.after(1) == "aborted"


def test_a_reader_who_stops_is_cut() -> None:
    line = unread_answer()
    line.wire.unread -= 20_000
    assert line.after(2 * READ_SEC - 1) != "aborted"
    assert line.after(1) == "aborted"


def test_a_websocket_is_not_refused_at_its_head() -> None:
    line = Line(early_refusal=refuse)
    assert line.send(HANDSHAKE % b"websocket") == ""
    assert isinstance(line.wire.protocol, WebSocket)
    assert line.wire.written == b""


def test_any_other_upgrade_is_refused_as_what_it_is_without_one() -> None:
    line = Line(early_refusal=refuse)
    assert line.send(HANDSHAKE % b"h2c") == ""
    assert line.wire.written == REFUSAL
    assert line.after(KEEP_ALIVE_SEC) == "closed"


def test_a_websocket_on_a_connection_that_was_used_has_no_timer_of_ours() -> None:
    line = Line()
    line.send(POST + b"b" * 10)
    line.send(HANDSHAKE % b"websocket")
    assert isinstance(line.wire.protocol, WebSocket)
    assert line.after(10 * HEAD_SEC) == ""
