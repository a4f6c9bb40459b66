"""A SQLite file as the journal's store."""

import contextlib
import logging
import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, Pool, PoolProxiedConnection, QueuePool

from app.adapters.journal.file import (
    START_CHECK_SEC,
    FileState,
    file_state,
    forget_acknowledged,
    is_damage,
    last_seq,
    lock_whole_file,
    lost_end,
    note_acknowledged,
    refuse_damage,
    refuse_read_only,
)
from app.adapters.journal.schema import migrate
from app.core.errors import JournalUnavailable

BUSY_SEC = 1.0
OPEN_SEC = 5.0
_OPEN_PAUSE_SEC = 0.02

_logger = logging.getLogger(__name__)


class SqliteStore:
    """A SQLite file in WAL mode.

    Parameters
    ----------
    path : Path
        The database file; its directory must exist.
    synchronous : str
        FULL syncs each commit; NORMAL survives kill -9 but not power loss.
    check_sec : float, seconds
        How long the file may be checked for damage before it is first written.
    """

    begin = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, synchronous: str, *, check_sec: float = START_CHECK_SEC) -> None:
        self._path = path.resolve()
        self._name = str(self._path)
        self._synchronous = synchronous
        self._check_sec = check_sec
        self._held: int | None = None
        self._opened = False
        self._file: FileState | None = None
        self._doubted = False
        self._committed = 0
        # A checkpoint copies each page once: fewer of them cost less, and 16 MB of log is small.
        tuning = "PRAGMA wal_autocheckpoint=4000", "PRAGMA cache_size=-16000"
        self._writing = _engine(self._path, "rw", f"PRAGMA synchronous={synchronous}", *tuning)
        self.reading = _engine(self._path, "rw", "PRAGMA query_only=ON", pool=QueuePool)

    def prepare(self) -> None:
        """Become the process that writes the file; create or migrate the tables.

        Raises
        ------
        JournalHeld
            If another process writes it.
        """
        if not self._path.parent.is_dir():
            msg = f"the directory {self._path.parent} of the journal does not exist"
            raise JournalUnavailable(msg)
        self._held = lock_whole_file(self._path)
        if not self._path.exists():
            forget_acknowledged(self._path)
        deadline = time.monotonic() + OPEN_SEC
        while True:
            try:
                self._look_before()
                self._migrate()
            except (DBAPIError, sqlite3.OperationalError) as error:
                # A reader or a backup may lock the file in ways no busy timeout waits for.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_OPEN_PAUSE_SEC)
            else:
                return

    def _look_before(self) -> None:
        """Raise if the end is lost; read-only, since opening to write clears a broken log."""
        if self._path.exists():
            with contextlib.closing(_connection(self._path, "ro")) as connection:
                self._refuse_lost_end(connection)

    def _migrate(self) -> None:
        creating = _engine(self._path, "rwc", "PRAGMA journal_mode=WAL")
        # The driver would commit before each CREATE; a killed migration must leave nothing.
        event.listen(creating, "begin", lambda begun: begun.exec_driver_sql(self.begin))
        with creating.begin() as connection:
            migrate(connection)

    def connect(self, stream: int | None) -> tuple[PoolProxiedConnection, int]:
        """Open the writing session of stream 0, the only one of a SQLite file."""
        if stream not in {None, 0}:
            raise JournalUnavailable(f"a SQLite journal has stream 0 alone, was {stream}")
        first = not self._opened
        connection = self._writing.raw_connection()
        try:
            self._examine(connection, first=first)
        except BaseException:
            connection.invalidate()
            raise
        self._opened = True
        return connection, 0

    def _examine(self, connection: PoolProxiedConnection, *, first: bool) -> None:
        driver = connection.driver_connection
        self._file = file_state(self._name)
        if not isinstance(driver, sqlite3.Connection) or self._file is None:
            raise _gone()
        if last_seq(driver, 0) < self._committed:
            # The file was replaced by another one since it was written.
            msg = f"the database file lacks event {self._committed}, which was acknowledged"
            raise JournalUnavailable(msg)
        if not first and not self._doubted:
            return
        refuse_read_only(driver)
        if not refuse_damage(driver, self._check_sec if first else None):
            _logger.warning(
                "the journal is too large to be checked within %g s: run PRAGMA quick_check "
                "on a copy of it now and then",
                self._check_sec,
            )
        self._refuse_lost_end(driver)
        self.reading.dispose()  # its sessions may have cached damaged pages
        self._doubted = False

    def _refuse_lost_end(self, connection: sqlite3.Connection) -> None:
        reason = lost_end(connection, self._path)
        if reason is not None and self._synchronous == "FULL":
            raise JournalUnavailable(reason)
        if reason is not None:
            _logger.error("%s", reason)

    def release(self, connection: PoolProxiedConnection) -> None:
        """Close the writing session; the file stays held."""
        connection.invalidate()

    def intact(self) -> None:
        """Refuse to write into a file that is gone, cut or damaged."""
        found, known = file_state(self._name), self._file
        if found is None or known is None:
            raise _gone()
        if (found.device, found.inode) != (known.device, known.inode):
            self._doubted = True  # the log beside it may be another file's
            raise _gone()
        if found.size < known.size:
            self._doubted = True
            msg = f"the database file was cut from {known.size} to {found.size} bytes"
            raise JournalUnavailable(msg)
        if self._doubted:
            raise JournalUnavailable("the database file was found damaged")
        self._file = found

    def doubt(self, error: BaseException) -> bool:
        """Return whether the file is damaged; a full check must be clean before the next write."""
        self._doubted = self._doubted or is_damage(error)
        return self._doubted

    def committed(self, seq: int) -> None:
        """Write the last event that may be acknowledged into the lock file."""
        self._committed = seq
        if self._held is not None and self._file is not None:
            note_acknowledged(self._held, seq, self._file.inode)

    def close(self) -> None:
        """Release the file and the connections for reading."""
        self.reading.dispose()
        if self._held is not None:
            os.close(self._held)
            self._held = None


def reading_engine(path: Path) -> Engine:
    """Open an engine that cannot write, beside a running service or without one."""
    return _engine(path.resolve(), "ro")


def _engine(path: Path, mode: str, *pragmas: str, pool: type[Pool] = NullPool) -> Engine:
    return create_engine(
        "sqlite://", creator=lambda: _connection(path, mode, *pragmas), poolclass=pool
    )


def _connection(path: Path, mode: str, *pragmas: str) -> sqlite3.Connection:
    name = f"file:{quote(str(path))}?mode={mode}"
    connection = sqlite3.connect(
        name, uri=True, timeout=BUSY_SEC, isolation_level=None, check_same_thread=False
    )
    try:
        for pragma in pragmas:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _gone() -> JournalUnavailable:
    return JournalUnavailable("the database file was removed or replaced")
