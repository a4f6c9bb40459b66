"""A PostgreSQL database as the journal's store."""

import contextlib
from typing import Any

import psycopg
from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool, PoolProxiedConnection

from app.adapters.journal.schema import MAX_STREAMS, migrate, stream_taken
from app.core.errors import JournalUnavailable

# First key of every advisory lock of the journal ("HIMA"), and the second key of a migration.
_LOCK_CLASS = 0x48494D41
_LOCK_MIGRATION = -1
# A peer that vanished is noticed within about ten seconds.
_POSTGRES_ARGUMENTS: dict[str, Any] = {
    "application_name": "himari-journal",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
# The same at the server, which else would hold a dead machine's stream for two hours.
_SERVER_KEEPALIVE = (
    "tcp_keepalives_idle = 5",
    "tcp_keepalives_interval = 2",
    "tcp_keepalives_count = 3",
)


class PostgresStore:
    """A PostgreSQL database, written through one session.

    Parameters
    ----------
    url : URL
        Of any PostgreSQL scheme; the driver is psycopg 3.
    synchronous : str
        FULL waits for the server's disk; NORMAL loses at most moments, and only with the server.
    """

    begin = ""

    def __init__(self, url: URL, synchronous: str) -> None:
        url = url.set(drivername="postgresql+psycopg")
        given = {k: v for k, v in _POSTGRES_ARGUMENTS.items() if k not in url.query}
        self._commit = "on" if synchronous == "FULL" else "off"
        self._writing = create_engine(url, poolclass=NullPool, connect_args=given)
        self.reading = create_engine(url, pool_pre_ping=True, connect_args=given)

    def prepare(self) -> None:
        """Create or migrate the tables, one process at a time."""
        with self._writing.begin() as connection:
            connection.execute(text("SET LOCAL lock_timeout = '10s'"))
            keys = {"class": _LOCK_CLASS, "key": _LOCK_MIGRATION}
            connection.execute(text("SELECT pg_advisory_xact_lock(:class, :key)"), keys)
            migrate(connection)

    def connect(self, stream: int | None) -> tuple[PoolProxiedConnection, int]:
        """Open the writing session, which holds the stream as long as it lives."""
        connection = self._writing.raw_connection()
        driver = connection.driver_connection
        if not isinstance(driver, psycopg.Connection):
            msg = "the PostgreSQL session closed at once"
            raise JournalUnavailable(msg)
        driver.execute(f"SET synchronous_commit TO {self._commit}")
        for setting in _SERVER_KEEPALIVE:
            driver.execute(f"SET {setting}")
        for slot in range(MAX_STREAMS) if stream is None else (stream,):
            cursor = driver.execute(
                "SELECT pg_try_advisory_lock(%s::int, %s::int)", (_LOCK_CLASS, slot)
            )
            if cursor.fetchone() == (True,):
                driver.commit()
                return connection, slot
        self.release(connection)
        raise stream_taken(stream)

    def release(self, connection: PoolProxiedConnection) -> None:
        """Release the stream and close the session; the server alone would take a moment."""
        driver = connection.driver_connection
        if isinstance(driver, psycopg.Connection):
            with contextlib.suppress(psycopg.Error):  # a broken session holds nothing
                driver.rollback()
                driver.execute("SELECT pg_advisory_unlock_all()")
        connection.invalidate()

    def intact(self) -> None:
        """Do nothing: a statement on a lost session fails by itself."""

    def doubt(self, error: BaseException) -> bool:  # noqa: ARG002 - of the protocol
        """Return False: the server checks its own files."""
        return False

    def committed(self, seq: int) -> None:
        """Do nothing: the server never loses a committed event silently."""

    def close(self) -> None:
        """Close the connections for reading; the stream was released with its session."""
        self.reading.dispose()
