"""uvicorn's HTTP with bounds: on bytes and time of a head, and on the time an answer is not read.

The server itself has none, so a head that never ends would be kept in memory for good, and an
answer that nobody reads would keep its place. What is beyond the load is refused here as well,
before anything is made for it.
"""

from asyncio import TimerHandle, Transport
from collections.abc import Callable, Sequence
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


# A refusal comes behind the body; what is longer is refused by the application.
_SHORT_BODY: Final = 65_536

Headers = Sequence[tuple[bytes, bytes]]
EarlyRefusal = Callable[[str, str, Headers], bytes | None]


class BoundedHttp(HttpToolsProtocol):
    """One connection; see the base class, which calls the methods here.

    ``max_head_bytes`` and ``head_timeout_sec`` bound request line and header fields together;
    ``read_timeout_sec`` how long the caller may leave an answer unread. ``early_refusal``
    makes the whole answer to a request that is to be refused, of its method, path and headers.
    """

    max_head_bytes: int = 65_536
    head_timeout_sec: float = 10.0
    read_timeout_sec: float = 30.0
    early_refusal: EarlyRefusal | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._in_head = True
        self._head_bytes = 0
        self._deadline: TimerHandle | None = None
        self._unread: TimerHandle | None = None
        self._refusal: bytes | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        self._read_again()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what belongs to a head that is not complete; wait for whatever is still to come."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing() or not self._is_waiting():
            return
        if self._head_bytes > self.max_head_bytes:
            self.transport.write(_TOO_LARGE)
            self.transport.close()
        elif self._deadline is None:
            self._wait()

    def on_message_begin(self) -> None:
        """Count anew."""
        # what came before it in the same bytes may have set it
        self._unset_keepalive_if_required()
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        """Count and wait no longer; go no further with what is refused."""
        self._in_head = False
        self._head_bytes = 0
        self._stop_waiting()
        self._refusal = self._refused()
        if self._refusal is None:
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Drop the body of what is refused."""
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Answer what is refused; after a body that came behind its answer, wait for the next."""
        if self._refusal is None:
            super().on_message_complete()
        else:
            self.transport.write(self._refusal)
            self._refusal = None
        if self._is_idle() and not self.transport.is_closing():
            self._stop_waiting()
            self._unset_keepalive_if_required()
            self.timeout_keep_alive_task = self.loop.call_later(
                self.timeout_keep_alive, self.timeout_keep_alive_handler
            )

    def pause_writing(self) -> None:
        """Wait for the caller to read."""
        super().pause_writing()
        self._wait_for_reader()

    def resume_writing(self) -> None:
        """Wait no longer."""
        self._read_again()
        super().resume_writing()

    def _refused(self) -> bytes | None:
        if self.early_refusal is None or not self._is_plain():
            return None
        path = self.url.partition(b"?")[0].decode("latin-1")
        return self.early_refusal(self.parser.get_method().decode("ascii"), path, self.headers)

    def _is_plain(self) -> bool:
        """Whether it is alone on a connection that is kept, with a short body of known length."""
        if not self._is_idle() or self.expect_100_continue or not self.parser.should_keep_alive():
            return False
        lengths = [value for name, value in self.headers if name == b"content-length"]
        return len(lengths) == 1 and int(lengths[0]) <= _SHORT_BODY

    def _is_idle(self) -> bool:
        """Whether every answer is given, and the connection was not handed to a WebSocket."""
        if self.parser.should_upgrade() and self._should_upgrade():
            return False
        return self.cycle is None or self.cycle.response_complete

    def _is_waiting(self) -> bool:
        """Whether the caller is to send, with no other timer on that."""
        return self._in_head or (self._is_idle() and self.timeout_keep_alive_task is None)

    def _wait_for_reader(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._unread = self.loop.call_later(self.read_timeout_sec, self._abort_unless_read, left)

    def _abort_unless_read(self, left: int) -> None:
        if self.transport.get_write_buffer_size() < left:
            self._wait_for_reader()
        else:
            self.transport.abort()

    def _read_again(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _wait(self) -> None:
        self._deadline = self.loop.call_later(self.head_timeout_sec, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        self.transport.close()


def bounded_http(
    max_head_bytes: int,
    head_timeout_sec: float,
    *,
    read_timeout_sec: float = 30.0,
    early_refusal: EarlyRefusal | None = None,
) -> type[BoundedHttp]:
    """Make the protocol with these bounds, as uvicorn wants it: a class."""
    bounds = {
        "max_head_bytes": max_head_bytes,
        "head_timeout_sec": head_timeout_sec,
        "read_timeout_sec": read_timeout_sec,
        "early_refusal": None if early_refusal is None else staticmethod(early_refusal),
    }
    return type("BoundedHttp", (BoundedHttp,), bounds)
