"""Where the journal's rows live: connections to SQLite and PostgreSQL, and the stream's slot.

A SQLite file has one writing process, which holds an exclusive ``flock`` on a file beside it. In
PostgreSQL each process writes a stream of its own, held by an advisory lock of the very session
that writes, so that no process can write a stream it does not hold.
"""

import sqlite3
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import psycopg
from sqlalchemy import URL, Engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.pool import PoolProxiedConnection

from app.adapters.journal.postgres import PostgresStore
from app.adapters.journal.sqlite import SqliteStore, reading_engine
from app.core.errors import JournalUnavailable

STORE_FAULTS = (SQLAlchemyError, sqlite3.Error, psycopg.Error, OSError)
_POSTGRES_NAMES = {"postgres", "postgresql", "postgresql+psycopg"}
# the options of a URL that say where; others may hold secrets, as `password` and `sslpassword` do
_SHOWN_OPTIONS = {"host", "hostaddr", "port", "dbname", "user", "service"}


class Store(Protocol):
    """One database: an engine to read with, and the single session that writes."""

    reading: Engine
    begin: str

    def prepare(self) -> None:
        """Create or migrate the tables."""
        ...

    def connect(self, stream: int | None) -> tuple[PoolProxiedConnection, int]:
        """Open the writing session and hold its stream (None: the first free one)."""
        ...

    def release(self, connection: PoolProxiedConnection) -> None:
        """Close a writing session, broken or not."""
        ...

    def intact(self) -> None:
        """Raise if a write would lose an acknowledged event."""
        ...

    def doubt(self, error: BaseException) -> bool:
        """Record an error of a session; return whether writing is refused for now."""
        ...

    def committed(self, seq: int) -> None:
        """Record the number of the last event that is on disk."""
        ...

    def close(self) -> None:
        """Release the stream and every connection for reading."""
        ...


def open_store(url: str, synchronous: str) -> Store:
    """Return the store of a URL, without connecting to it.

    Raises
    ------
    JournalUnavailable
        If the URL is not of SQLite or PostgreSQL; the sentence never repeats the URL.
    """
    parsed = _parse(url)
    if synchronous not in {"FULL", "NORMAL"}:
        msg = f"synchronous must be FULL or NORMAL, was {synchronous!r}"
        raise JournalUnavailable(msg)
    if parsed.drivername == "sqlite":
        return SqliteStore(_sqlite_path(parsed), synchronous)
    return PostgresStore(parsed, synchronous)


def open_reading(url: str) -> Engine:
    """Return an engine that only reads, also beside a running service."""
    parsed = _parse(url)
    if parsed.drivername == "sqlite":
        return reading_engine(_sqlite_path(parsed))
    return PostgresStore(parsed, "FULL").reading


def place_of_url(url: str) -> str:
    """Return where a journal is: an absolute path, or the URL without its secrets.

    Raises
    ------
    JournalUnavailable
        If it is no URL of a journal.
    """
    parsed = _parse(url)
    if parsed.drivername == "sqlite":
        return str(_sqlite_path(parsed).resolve())
    hidden = parsed.query.keys() - _SHOWN_OPTIONS
    return parsed.difference_update_query(hidden).render_as_string(hide_password=True)


def reason_of(error: BaseException, url: str) -> str:
    """Return in one short line what failed, without the URL's password."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    line = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
    try:
        secret = make_url(url).password
    except (ArgumentError, ValueError):
        return line[:200]
    for form in (secret, quote(secret, safe="")) if secret else ():
        line = line.replace(form, "***")
    return line[:200]


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if parsed is None or parsed.drivername not in _POSTGRES_NAMES | {"sqlite"}:
        msg = "the journal's URL must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE"
        raise JournalUnavailable(msg)
    return parsed


def _sqlite_path(url: URL) -> Path:
    if not url.database or url.database == ":memory:":
        msg = "the journal's URL must name a file, as in sqlite:///himari.db"
        raise JournalUnavailable(msg)
    return Path(url.database)
