"""Real faults of real databases: writes are refused at once, and no event is lost."""

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy import event as hooks
from sqlalchemy.pool import Pool

from app.adapters.journal.sql import SqlJournal, iterate_events
from app.core.errors import JournalUnavailable
from app.pipeline.ports import DecisionQuery
from tests.adapters.journal.journal_events import (
    decision_event,
    engine_url,
    event,
    eventually,
    opened,
    seqs,
)
from tests.postgres import PostgresCluster

Fault = Callable[[], object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@contextmanager
def pragma_on_every_connection(pragma: str) -> Iterator[tuple[Fault, Fault]]:
    """Return two functions: one sets a pragma on every SQLite connection, one resets it."""
    known: list[sqlite3.Connection] = []
    on = threading.Event()

    def connected(connection: Any, _record: Any) -> None:
        known.append(connection)
        if on.is_set():
            connection.execute(pragma)

    def break_() -> None:
        on.set()
        for connection in known:
            with suppress(sqlite3.ProgrammingError):  # closed already
                connection.execute(pragma)

    hooks.listen(Pool, "connect", connected)
    try:
        yield break_, on.clear
    finally:
        hooks.remove(Pool, "connect", connected)


async def survives(journal: SqlJournal, break_: Fault, mend: Fault, reason: str) -> None:
    """Check that appends during a fault are refused at once and written in order after it."""
    await journal.append(event(1))
    await asyncio.to_thread(break_)
    failed = journal.append(event(2, payload=lambda: b"x" * 20_000))
    with pytest.raises(JournalUnavailable, match=reason):
        await failed
    refusal = journal.refusing()
    assert refusal is not None
    assert "s3cret" not in refusal
    for seq in range(3, 41):
        journal.append(event(seq))
    with pytest.raises(JournalUnavailable):
        await journal.append(decision_event(41, "late", outcomes=(("d", "A"),)))
    await asyncio.to_thread(mend)
    await eventually(lambda: journal.refusing() is None)
    await journal.append(event(42))
    await failed
    assert await seqs(journal) == list(range(1, 43))
    assert await journal.decision("late") is not None


async def test_a_locked_file_loses_no_event(path: Path) -> None:
    async with opened(f"sqlite:///{path}") as journal:
        other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        await survives(
            journal,
            lambda: other.execute("BEGIN IMMEDIATE"),
            lambda: other.execute("ROLLBACK"),
            "database is locked",
        )
        other.close()


async def test_a_full_disk_loses_no_event(path: Path) -> None:
    with pragma_on_every_connection("PRAGMA max_page_count=1") as (fill, free):
        async with opened(f"sqlite:///{path}") as journal:
            await survives(journal, fill, free, "database or disk is full")


async def test_a_database_that_turned_read_only_loses_no_event(path: Path) -> None:
    with pragma_on_every_connection("PRAGMA query_only=ON") as (seal, unseal):
        async with opened(f"sqlite:///{path}") as journal:
            await survives(journal, seal, unseal, "readonly database")


async def test_a_removed_file_is_not_written_into(path: Path) -> None:
    hidden = path.with_name("hidden.db")
    async with opened(f"sqlite:///{path}") as journal:
        await survives(
            journal,
            lambda: path.rename(hidden),
            lambda: hidden.rename(path),
            "removed or replaced",
        )


async def test_a_corrupt_file_loses_no_event_once_it_is_restored(path: Path) -> None:
    async with opened(f"sqlite:///{path}") as journal:
        await journal.append(event(1))
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        # The lock makes the journal open the file anew, and so read what is in it.
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalUnavailable, match="locked"):
            await journal.append(event(2))
        good = _overwrite(path, None)
        other.execute("ROLLBACK")
        other.close()
        await eventually(lambda: "not a database" in (journal.refusing() or ""))
        with pytest.raises(JournalUnavailable, match="cannot be read"):
            await journal.decisions(DecisionQuery())
        _overwrite(path, good)
        await eventually(lambda: journal.refusing() is None)
        await journal.append(event(3))
        assert await seqs(journal) == [1, 2, 3]


def _overwrite(path: Path, content: bytes | None) -> bytes:
    """Write the content, or as much garbage, in place; return the content before."""
    with path.open("r+b") as file:
        before = file.read()
        file.seek(0)
        file.write(b"\xff" * len(before) if content is None else content)
    return before


def test_a_file_of_garbage_is_not_opened(path: Path) -> None:
    path.write_bytes(os.urandom(8192))
    with pytest.raises(JournalUnavailable, match="file is not a database"):
        asyncio.run(SqlJournal(f"sqlite:///{path}").open())
    with pytest.raises(JournalUnavailable, match="file is not a database"):
        list(iterate_events(f"sqlite:///{path}"))


def test_a_file_that_is_missing_is_not_made_by_reading(path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="unable to open database file"):
        list(iterate_events(f"sqlite:///{path}"))
    assert not path.exists()


async def test_a_lost_session_is_replaced(
    postgres_cluster: PostgresCluster, postgres_url: str
) -> None:
    def cut() -> None:
        postgres_cluster.administer("ALTER DATABASE journal ALLOW_CONNECTIONS false")
        postgres_cluster.end_sessions()

    def heal() -> None:
        postgres_cluster.administer("ALTER DATABASE journal ALLOW_CONNECTIONS true")

    async with opened(postgres_url) as journal:
        await survives(journal, cut, heal, "terminating connection|not currently accepting|closed")
        assert journal.stream == 0


async def test_a_server_that_turned_read_only_loses_no_event(
    postgres_cluster: PostgresCluster, postgres_url: str
) -> None:
    setting = "ALTER DATABASE journal SET default_transaction_read_only"

    def seal() -> None:
        postgres_cluster.administer(f"{setting} = on")
        postgres_cluster.end_sessions()

    def unseal() -> None:
        # Ending the sessions as well would end one that has already written again.
        postgres_cluster.administer(f"{setting} = off")

    async with opened(postgres_url) as journal:
        await survives(journal, seal, unseal, "terminating|read-only|closed")


async def test_a_stream_that_was_taken_over_is_not_written(
    postgres_url: str,
) -> None:
    async with opened(postgres_url) as journal:
        await journal.append(event(1))
        with psycopg.connect(postgres_url, autocommit=True) as usurper:
            found = usurper.execute(
                "SELECT classid::int, objid::int FROM pg_locks WHERE locktype = 'advisory'"
            ).fetchone()
            assert found is not None
            usurper.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = 'journal' AND pid <> pg_backend_pid()"
            )
            usurper.execute("SELECT pg_advisory_lock(%s::int, %s::int)", found)
            journal.append(event(2))
            await eventually(lambda: "stream 0 of the journal is held" in str(journal.refusing()))
        await eventually(lambda: journal.refusing() is None)
        assert await seqs(journal) == [1, 2]


def _write_event(url: str, payload: bytes) -> None:
    engine = create_engine(engine_url(url))
    with engine.begin() as connection:
        connection.execute(
            text("INSERT INTO events VALUES (0, 1, 'prices', :at_ns, :payload)"),
            {"at_ns": event(1).at_ns, "payload": payload},
        )
    engine.dispose()


async def test_a_commit_whose_answer_was_lost_is_not_repeated(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        await asyncio.to_thread(_write_event, journal_url, event(1).payload())
        await journal.append(event(1, outcomes=(("d", "A"),)))
        assert await seqs(journal) == [1]


async def test_an_event_of_a_foreign_writer_in_the_stream_refuses(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        await asyncio.to_thread(_write_event, journal_url, b"other")
        with pytest.raises(JournalUnavailable, match="stream 0 holds another event 1 already"):
            await journal.append(event(1, outcomes=(("d", "A"),)))
        with pytest.raises(JournalUnavailable, match="another event 1"):
            await journal.known_outcomes([("d", "A")])
        engine = create_engine(engine_url(journal_url))
        with engine.begin() as connection:
            assert connection.scalar(text("SELECT count(*) FROM outcomes")) == 0
            connection.execute(text("DELETE FROM events"))
        engine.dispose()
        await eventually(lambda: journal.refusing() is None)


async def test_a_payload_that_cannot_be_made_refuses_by_name(journal_url: str) -> None:
    broken = [True]

    def payload() -> bytes:
        if broken:
            raise TypeError
        return b"{}"

    async with opened(journal_url) as journal:
        with pytest.raises(JournalUnavailable, match=r"event 1 \(prices\) has no payload: TypeErr"):
            await journal.append(event(1, payload=payload))
        broken.clear()
        await eventually(lambda: journal.refusing() is None)
        assert await seqs(journal) == [1]
