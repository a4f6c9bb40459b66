"""The journal in SQLite or PostgreSQL: one writing thread, readers beside it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection

from app.adapters.journal import reads
from app.adapters.journal.group import GroupCommit
from app.adapters.journal.stores import (
    STORE_FAULTS,
    Store,
    open_reading,
    open_store,
    place_of_url,
    reason_of,
)
from app.adapters.journal.unwritten import Unwritten
from app.adapters.journal.writer import Entry, JournalWriter
from app.core.errors import JournalUnavailable
from app.pipeline.ports import DecisionQuery, Event, StoredAnswer, StoredEvent, StreamTail

_NOT_OPEN = "the journal is not open"
_PAGE = 500

_logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class SqlJournal:
    """Journal in a database.

    A SQLite file is written by one process at a time. A PostgreSQL database may be shared by
    several processes, each of which writes a stream of its own.

    What restores the state reads this process's stream; decisions, outcomes and stored answers
    are looked for in all streams. The ``seq`` of a decision read back is ``place_of(stream,
    seq)``, its cursor across streams; in stream 0 that is the seq itself.

    Parameters
    ----------
    url : str
        ``sqlite:///FILE`` (relative to the working directory) or ``postgresql://...``.
    stream : int, optional
        The stream to write; by default the first that no other process holds. A SQLite file has
        stream 0 alone.
    synchronous : str
        FULL: what was awaited survives power loss; NORMAL: it survives kill -9.
    retry_sec : float, seconds
        Pause between attempts to write while the database fails.
    """

    def __init__(
        self,
        url: str,
        *,
        stream: int | None = None,
        synchronous: str = "FULL",
        retry_sec: float = 0.25,
    ) -> None:
        self._url = url
        self._wanted = stream
        self._synchronous = synchronous
        self._retry_sec = retry_sec
        self._store: Store | None = None
        self._commit: GroupCommit | None = None
        self._writer: JournalWriter | None = None
        self._unwritten = Unwritten()
        self._unreadable = False

    @property
    def stream(self) -> int | None:
        """Return the stream this process writes; None unless open."""
        return None if self._commit is None else self._commit.stream

    async def open(self) -> None:
        """Connect, migrate, hold a stream and start writing.

        Raises
        ------
        JournalUnavailable
            If it cannot be opened, or was written by a newer program.
        """
        await asyncio.to_thread(self._open)

    def refusing(self) -> str | None:
        """Return why no decision may be made now, or None."""
        return _NOT_OPEN if self._writer is None else self._writer.refusing()

    def append(self, event: Event) -> Awaitable[None]:
        """Queue an event in order; await the result for durability.

        Raises
        ------
        JournalUnavailable
            At once, if the journal is not open or 10,000 events wait already.
        """
        if self._writer is None:
            raise JournalUnavailable(_NOT_OPEN)
        entry = Entry(event.seq, event.payload, event)
        self._writer.put(entry)
        self._unwritten.add(entry)
        return entry

    def save_checkpoint(self, seq: int, state: Callable[[], bytes]) -> None:
        """Queue the state as it is after event ``seq``; the newest two are kept.

        Skipped while the journal refuses: a checkpoint only shortens a restart.
        """
        if self._writer is None or self._writer.refusing() is not None:
            return
        with contextlib.suppress(JournalUnavailable):  # too much is queued: skipped as well
            self._writer.put(Entry(seq, state, None))

    def lag(self) -> tuple[int, float]:
        """Return the number of events not yet on disk, and the age of the oldest in seconds."""
        return (0, 0.0) if self._writer is None else self._writer.lag()

    def place(self) -> str:
        """Return the absolute path or the URL without its secrets, and any stream beyond 0."""
        where = place_of_url(self._url)
        return f"{where}, stream {self.stream}" if self.stream else where

    async def other_streams(self, kinds: Sequence[str]) -> list[StreamTail]:
        """Read the ends of all streams but this process's own, with the events of these kinds."""
        own = self._own_stream()
        return await self._read(lambda c: reads.other_streams(c, own, kinds))

    async def latest_checkpoint(self) -> tuple[int, bytes] | None:
        """Read the newest checkpoint of this stream, or None."""
        stream = self._own_stream()
        return await self._read(lambda c: reads.latest_checkpoint(c, stream))

    async def events_after(self, seq: int, limit: int) -> list[StoredEvent]:
        """Return the events of this stream with a larger ``seq``, ascending, at most ``limit``."""
        stream = self._own_stream()
        return await self._read(lambda c: reads.events_after(c, stream, seq, limit))

    async def events_of(
        self, kinds: Sequence[str], before_seq: int, window: int
    ) -> list[StoredEvent]:
        """Return this stream's events of these kinds in a window before a ``seq``, newest first."""
        span = (before_seq - window, before_seq)
        stream = self._own_stream()
        return await self._read(lambda c: reads.events_of(c, stream, kinds, span))

    async def decision(self, decision_id: str) -> StoredEvent | None:
        """Find the event that holds one decision, from any stream."""
        return await self._read(lambda c: reads.decision(c, decision_id))

    async def decisions(self, query: DecisionQuery) -> list[StoredEvent]:
        """Return matching decision events of all streams, newest first."""
        return await self._read(lambda c: reads.matching_decisions(c, query))

    async def known_outcomes(self, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which of these (decision_id, symbol) pairs are journalled already.

        Those that are queued are waited for.

        Raises
        ------
        JournalUnavailable
            If one of them is queued and could not be written yet, or nothing can be read.
        """
        await self._unwritten.outcomes_written(pairs)
        return await self._read(lambda c: reads.known_outcomes(c, pairs))

    async def stored_answer(self, owner: str, key: str, not_before_ns: int) -> StoredAnswer | None:
        """Find the answer of an Idempotency-Key that is not older than that.

        One that is queued is waited for.

        Raises
        ------
        JournalUnavailable
            If it is queued and could not be written yet, or nothing can be read.
        """
        await self._unwritten.answer_written(owner, key)
        return await self._read(lambda c: reads.stored_answer(c, owner, key, not_before_ns))

    async def close(self) -> None:
        """Write what is queued, for at most five seconds, and release the stream."""
        await asyncio.to_thread(self._close)

    def _open(self) -> None:
        if self._store is not None:
            raise JournalUnavailable("the journal is open already")
        store = open_store(self._url, self._synchronous)
        try:
            store.prepare()
            self._commit = GroupCommit(store, self._wanted)
        except STORE_FAULTS as error:
            store.close()
            msg = f"the journal cannot be opened: {self._explain(error)}"
            raise JournalUnavailable(msg) from error
        except JournalUnavailable:
            store.close()
            raise
        self._store = store
        self._unwritten = Unwritten()
        self._writer = JournalWriter(self._commit, self._explain, self._retry_sec)

    def _close(self) -> None:
        store, self._store = self._store, None
        if store is None or self._writer is None or self._commit is None:
            return
        # A thread stuck in the store may still write: the stream stays held until the process ends.
        if self._writer.stop():
            self._commit.close()
            store.close()

    def _explain(self, error: BaseException) -> str:
        return reason_of(error, self._url)

    def _own_stream(self) -> int:
        if self._commit is None:
            raise JournalUnavailable(_NOT_OPEN)
        return self._commit.stream

    async def _read(self, question: Callable[[Connection], Answer]) -> Answer:
        return await asyncio.to_thread(self._ask, question)

    def _ask(self, question: Callable[[Connection], Answer]) -> Answer:
        store = self._store
        if store is None:
            raise JournalUnavailable(_NOT_OPEN)
        try:
            with store.reading.connect() as connection:
                answer = question(connection)
        except STORE_FAULTS as error:
            if store.doubt(error) and self._writer is not None:
                with contextlib.suppress(JournalUnavailable):  # closing, or full of events
                    self._writer.probe()
            msg = f"the journal cannot be read: {self._explain(error)}"
            if not self._unreadable:
                _logger.error("%s", msg)  # noqa: TRY400 - the traceback would be of the store
            self._unreadable = True
            raise JournalUnavailable(msg) from error
        if self._unreadable:
            _logger.warning("journal is read again")
        self._unreadable = False
        return answer


def iterate_events(url: str, stream: int = 0) -> Iterator[StoredEvent]:
    """Read one stream from its first event, beside a running service or without one.

    Raises
    ------
    JournalUnavailable
        If the journal cannot be read.
    """
    engine = open_reading(url)
    seq = 0
    try:
        while True:
            with engine.connect() as connection:
                page = reads.events_after(connection, stream, seq, _PAGE)
            if not page:
                return
            seq = page[-1].seq
            yield from page
    except STORE_FAULTS as error:
        msg = f"the journal cannot be read: {reason_of(error, url)}"
        raise JournalUnavailable(msg) from error
    finally:
        engine.dispose()
