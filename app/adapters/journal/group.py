"""One group of queued entries as rows, and the one transaction that writes them.

The statements are compiled once by SQLAlchemy and run on the driver's own connection: several
rows in one statement, because each call into the driver gives up the interpreter lock and has to
win it back from the request path.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import chain
from typing import Any, Protocol, cast

import psycopg
from sqlalchemy import Table
from sqlalchemy.pool import PoolProxiedConnection

from app.adapters.journal.rows import Group, Row
from app.adapters.journal.schema import events
from app.adapters.journal.statements import ANSWERS_KEPT_NS, PURGE_ROWS, Statements
from app.adapters.journal.stores import Store
from app.adapters.journal.writer import Entry
from app.core.errors import JournalUnavailable

_PURGE_EVERY_NS = 60 * 10**9


class DriverCursor(Protocol):
    """The methods of both drivers' cursors that are used here."""

    rowcount: int

    def fetchone(self) -> Any:
        """Return the next row, or None."""
        ...


class DriverConnection(Protocol):
    """The methods of both drivers' connections that are used here."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> DriverCursor:
        """Run one statement."""
        ...

    def commit(self) -> None:
        """End the transaction."""
        ...

    def rollback(self) -> None:
        """Undo the transaction."""
        ...


class GroupCommit:
    """Writes groups of entries into one stream of a store.

    Parameters
    ----------
    store : Store
        Prepared.
    stream : int or None
        The stream to hold; None takes the first free one.

    Raises
    ------
    JournalUnavailable
        If the stream is held by another process.
    """

    def __init__(self, store: Store, stream: int | None) -> None:
        self._store = store
        self._sql = Statements(store.reading.dialect.name)
        self._session: PoolProxiedConnection | None
        self._session, self.stream = store.connect(stream)
        self._purged_ns = 0

    def __call__(self, entries: Sequence[Entry]) -> None:
        """Write all entries in one transaction, or none.

        Raises
        ------
        Exception
            From the driver; JournalUnavailable from the journal's own checks.
        """
        group = Group(self.stream, entries)
        if self._session is None:
            self._session = self._store.connect(self.stream)[0]
        try:
            self._write(cast("DriverConnection", self._session.driver_connection), group)
        except BaseException as error:
            self._store.doubt(error)
            # A fresh session for the next attempt: this one may be broken in any way.
            self.close()
            raise

    def close(self) -> None:
        """Close the session; in PostgreSQL this frees the stream."""
        session, self._session = self._session, None
        if session is not None:
            self._store.release(session)

    def _write(self, driver: DriverConnection, group: Group) -> None:
        self._store.intact()
        with _pipelined(driver):
            if self._store.begin:
                driver.execute(self._store.begin)
            written = self._insert(driver, events, group.events)
            for table, rows in group.others():
                self._insert(driver, table, rows)
            purged = self._tidy(driver, group)
        if sum(cursor.rowcount for cursor in written) != len(group.events):
            self._verify(driver, group)
        driver.commit()
        if group.events:
            self._store.committed(group.events[-1][1])
        if purged is not None and purged.rowcount < PURGE_ROWS:
            self._purged_ns = group.newest_ns

    def _insert(
        self, driver: DriverConnection, table: Table, rows: Sequence[Row]
    ) -> list[DriverCursor]:
        cursors = []
        start = 0
        while start < len(rows):
            size = self._sql.rows_at_once(table, len(rows) - start)
            values = list(chain.from_iterable(rows[start : start + size]))
            cursors.append(driver.execute(self._sql.insert(table, size), values))
            start += size
        return cursors

    def _tidy(self, driver: DriverConnection, group: Group) -> DriverCursor | None:
        if group.checkpoints:
            driver.execute(self._sql.old_checkpoints, (self.stream, self.stream))
        if abs(group.newest_ns - self._purged_ns) < _PURGE_EVERY_NS:
            return None
        return driver.execute(
            self._sql.old_answers, (group.newest_ns - ANSWERS_KEPT_NS, PURGE_ROWS)
        )

    def _verify(self, driver: DriverConnection, group: Group) -> None:
        """Raise unless the stored rows equal ours, as when a commit's reply was lost."""
        for row in group.events:
            found = driver.execute(self._sql.event, row[:2]).fetchone()
            if tuple(found) != row[2:]:
                msg = f"stream {self.stream} holds another event {row[1]} already"
                raise JournalUnavailable(msg)


def _pipelined(driver: object) -> AbstractContextManager[object]:
    return driver.pipeline() if isinstance(driver, psycopg.Connection) else nullcontext()
