"""The one thread that writes queued events to the store, in order and in groups.

A group is what was queued while the last one was written; it is one transaction. A group that
fails stays queued, in order, and is tried again until the store is back.
"""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from itertools import islice
from queue import SimpleQueue
from typing import Any

from app.core.errors import JournalUnavailable
from app.pipeline.ports import Event

MAX_GROUP = 256
MAX_PENDING = 10_000
FLUSH_SEC = 5.0
STALLED_SEC = 5.0
STUCK_SEC = 2.0
_CLOSING_PAUSE_SEC = 0.05
_CLOSED = "the journal is closed"

_logger = logging.getLogger(__name__)
_settling = threading.Lock()

Waiter = asyncio.Future[str | None]


class Entry:
    """One queued event or checkpoint; awaiting it waits until it is on disk.

    No future is made for an entry that is never awaited, so it can be dropped without a warning.
    It may be awaited in any loop, by several tasks, before or after it was written.
    """

    __slots__ = ("_reason", "_waiters", "encode", "event", "payload", "seq", "since", "written")

    def __init__(self, seq: int, encode: Callable[[], bytes], event: Event | None) -> None:
        self.seq = seq
        self.encode = encode
        self.event = event
        self.payload: bytes | None = None
        self.since = time.monotonic()
        self.written = False
        self._reason: str | None = None
        self._waiters: list[Waiter] = []

    def __await__(self) -> Generator[Any, None, None]:
        waiter = self._wait()
        reason = self._reason if waiter is None else (yield from waiter)
        if reason is not None:
            raise JournalUnavailable(reason)

    def _wait(self) -> Waiter | None:
        with _settling:
            if self.written or self._reason is not None:
                return None
            waiter: Waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            return waiter

    def settle(self, reason: str | None) -> list[Waiter]:
        """Set the result of awaiting from now on; return those who wait."""
        self.written = reason is None
        self._reason = reason
        waiters, self._waiters = self._waiters, []
        return waiters


def nothing() -> bytes:
    """Encode an entry without rows, which only tests whether the store can be written."""
    return b""


class JournalWriter:
    """Queue, thread and retries around a function that commits one group.

    Parameters
    ----------
    commit : callable
        Writes a group in one transaction, or raises and leaves nothing of it.
    explain : callable
        Gives the short reason of what ``commit`` raised, free of secrets.
    retry_sec : float, seconds
        Pause between attempts while the store fails.
    flush_sec : float, seconds
        How long stopping may go on writing what is queued.
    stuck_sec : float, seconds
        How much longer the last attempt may take before the thread counts as stuck.
    stalled_sec : float, seconds
        A store that takes longer than this for one group counts as down.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Entry]], None],
        explain: Callable[[BaseException], str],
        retry_sec: float,
        *,
        flush_sec: float = FLUSH_SEC,
        stuck_sec: float = STUCK_SEC,
        stalled_sec: float = STALLED_SEC,
    ) -> None:
        self._commit = commit
        self._explain = explain
        self._retry_sec = retry_sec
        self._flush_sec = flush_sec
        self._stuck_sec = stuck_sec
        self._stalled_sec = stalled_sec
        self._queue: SimpleQueue[Entry | None] = SimpleQueue()
        self._backlog: deque[Entry] = deque()
        self._reason: str | None = None
        self._closing = threading.Event()
        self._deadline = float("inf")
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    def put(self, entry: Entry) -> None:
        """Queue one entry behind the others.

        Raises
        ------
        JournalUnavailable
            If too much is queued already, or the writer was stopped.
        """
        if self._closing.is_set():
            raise JournalUnavailable(_CLOSED)
        if self._queue.qsize() + len(self._backlog) >= MAX_PENDING:
            msg = f"{MAX_PENDING} events wait for the journal: {self._reason or 'it is too slow'}"
            raise JournalUnavailable(msg)
        self._queue.put(entry)
        if self._ended:  # the thread ended between the two lines
            self._abandon()

    def probe(self) -> None:
        """Queue a test write; while it fails, everything is refused."""
        if self.refusing() is None:
            self.put(Entry(0, nothing, None))

    def refusing(self) -> str | None:
        """Return why the last write failed, or None."""
        if self._reason is not None:
            return self._reason
        if self._closing.is_set():
            return _CLOSED
        oldest = self.lag()[1]
        if oldest > self._stalled_sec:
            return f"the store has not answered for {oldest:.0f} s"
        return None

    def lag(self) -> tuple[int, float]:
        """Return the number of events not yet on disk, and the age of the oldest in seconds."""
        pending = self._queue.qsize() + len(self._backlog)
        try:
            since = self._backlog[0].since
        except IndexError:
            return pending, 0.0
        return pending, time.monotonic() - since

    def stop(self) -> bool:
        """Flush for at most ``flush_sec``; return False if the thread is stuck in the store."""
        self._deadline = time.monotonic() + self._flush_sec
        self._closing.set()
        self._queue.put(None)
        self._thread.join(self._flush_sec + self._stuck_sec)
        if not self._thread.is_alive():
            return True
        _settle(list(self._backlog), _CLOSED)
        return False

    def _run(self) -> None:
        while self._has_work():
            if self._attempt():
                continue
            if time.monotonic() > self._deadline:
                break
            if self._closing.wait(self._retry_sec):
                time.sleep(min(self._retry_sec, _CLOSING_PAUSE_SEC))
        self._ended = True
        self._abandon()

    def _has_work(self) -> bool:
        """Wait for work; return False when none is left and the writer is to stop."""
        self._gather()
        while not self._backlog:
            if self._closing.is_set() and self._queue.empty():
                return False
            entry = self._queue.get()
            if entry is not None:
                self._backlog.append(entry)
            self._gather()
        return True

    def _abandon(self) -> None:
        self._gather()
        if lost := [entry for entry in self._backlog if entry.event is not None]:
            _logger.error("journal closed with %d events unwritten: %s", len(lost), self._reason)
        _settle(list(self._backlog), self._reason or _CLOSED)

    def _gather(self) -> None:
        # Only this thread takes from the queue, so get() does not block here.
        for _ in range(self._queue.qsize()):
            entry = self._queue.get()
            if entry is not None:
                self._backlog.append(entry)

    def _attempt(self) -> bool:
        group = list(islice(self._backlog, MAX_GROUP))
        try:
            self._commit(group)
        except Exception as error:  # noqa: BLE001 - the thread must outlive whatever a store raises
            self._fail(self._explain(error))
            return False
        self._succeed(group)
        return True

    def _fail(self, reason: str) -> None:
        if reason != self._reason:
            _logger.error("journal cannot be written: %s", reason)
        self._reason = reason
        self._gather()
        _settle(list(self._backlog), reason)

    def _succeed(self, group: list[Entry]) -> None:
        if self._reason is not None:
            _logger.warning("journal is written again after: %s", self._reason)
        self._reason = None
        for _ in group:
            self._backlog.popleft()
        _settle(group, None)


def _settle(entries: Sequence[Entry], reason: str | None) -> None:
    """Settle all entries, with one call into each loop that waits for one."""
    by_loop: dict[asyncio.AbstractEventLoop, list[Waiter]] = {}
    with _settling:
        for entry in entries:
            for waiter in entry.settle(reason):
                by_loop.setdefault(waiter.get_loop(), []).append(waiter)
    for loop, waiters in by_loop.items():
        # The loop may have been closed meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_answer, waiters, reason)


def _answer(waiters: Sequence[Waiter], reason: str | None) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(reason)
