"""A SQLite file as the journal's store."""

import contextlib
import fcntl
import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, Pool, PoolProxiedConnection, QueuePool

from app.adapters.journal_schema import MAX_STREAMS, migrate, stream_taken
from app.core.errors import JournalUnavailable

BUSY_SEC = 1.0
OPEN_SEC = 5.0
_OPEN_PAUSE_SEC = 0.02


class SqliteStore:
    """A SQLite file in WAL mode.

    Parameters
    ----------
    path : Path
        The database file; its directory must exist.
    synchronous : str
        FULL syncs each commit; NORMAL survives kill -9 but not power loss.
    """

    begin = "BEGIN IMMEDIATE"

    def __init__(self, path: Path, synchronous: str) -> None:
        self._path = path.resolve()
        self._name = str(self._path)
        self._slot: tuple[int, int] | None = None
        self._file: tuple[int, int] | None = None
        # A checkpoint copies each page once: fewer of them cost less, and 16 MB of log is small.
        tuning = "PRAGMA wal_autocheckpoint=4000", "PRAGMA cache_size=-16000"
        self._writing = _engine(self._path, "rw", f"PRAGMA synchronous={synchronous}", *tuning)
        self.reading = _engine(self._path, "rw", "PRAGMA query_only=ON", pool=QueuePool)

    def prepare(self) -> None:
        """Create or migrate the tables, together with other processes if need be."""
        if not self._path.parent.is_dir():
            msg = f"the directory {self._path.parent} of the journal does not exist"
            raise JournalUnavailable(msg)
        deadline = time.monotonic() + OPEN_SEC
        while True:
            try:
                self._migrate()
            except (DBAPIError, sqlite3.OperationalError) as error:
                # Another process creating the same file locks it in ways no busy timeout waits for.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(_OPEN_PAUSE_SEC)
            else:
                return

    def _migrate(self) -> None:
        creating = _engine(self._path, "rwc", "PRAGMA journal_mode=WAL")
        # The driver would commit before each CREATE; a killed migration must leave nothing.
        event.listen(creating, "begin", lambda begun: begun.exec_driver_sql(self.begin))
        with creating.begin() as connection:
            migrate(connection)

    def connect(self, stream: int | None) -> tuple[PoolProxiedConnection, int]:
        """Open the writing session; the slot, once locked, is kept until close."""
        if self._slot is None:
            self._slot = _lock_slot(self._path, stream)
        connection = self._writing.raw_connection()
        self._file = _identity(self._name)
        return connection, self._slot[1]

    def release(self, connection: PoolProxiedConnection) -> None:
        """Close the writing session; the slot stays held."""
        connection.invalidate()

    def intact(self) -> None:
        """Refuse to write into a file that nobody can find any more."""
        if _identity(self._name) != self._file:
            msg = "the database file was removed or replaced"
            raise JournalUnavailable(msg)

    def close(self) -> None:
        """Release the stream and the connections for reading."""
        self.reading.dispose()
        if self._slot is not None:
            os.close(self._slot[0])
            self._slot = None


def reading_engine(path: Path) -> Engine:
    """Open an engine that cannot write, beside a running service or without one."""
    return _engine(path.resolve(), "ro")


def _engine(path: Path, mode: str, *pragmas: str, pool: type[Pool] = NullPool) -> Engine:
    def creator() -> sqlite3.Connection:
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

    return create_engine("sqlite://", creator=creator, poolclass=pool)


def _lock_slot(path: Path, stream: int | None) -> tuple[int, int]:
    for slot in range(MAX_STREAMS) if stream is None else (stream,):
        held = os.open(f"{path}.lock.{slot}", os.O_RDWR | os.O_CREAT, 0o644)
        with contextlib.suppress(BlockingIOError):  # held by somebody else: try the next
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return held, slot
        os.close(held)
    raise stream_taken(stream)


def _identity(name: str) -> tuple[int, int] | None:
    try:
        found = os.stat(name)  # noqa: PTH116 - on each commit, and a third of Path.stat's cost
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
