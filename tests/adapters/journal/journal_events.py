"""Events for the journal's tests, and functions to open, wait and read back."""

import asyncio
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

from app.adapters.journal.sql import SqlJournal
from app.pipeline.ports import DecisionIndex, Event, StoredAnswer

START_NS = 1_735_226_000_000_000_000
SECOND_NS = 10**9
DAY_NS = 24 * 3600 * SECOND_NS


def event(seq: int, **changes: Any) -> Event:
    """Return a valid event whose payload is its number."""
    given: dict[str, Any] = {
        "seq": seq,
        "kind": "prices",
        "at_ns": START_NS + seq * SECOND_NS,
        "payload": f'{{"n":{seq}}}'.encode,
    }
    return Event(**(given | changes))


def decision_event(seq: int, decision_id: str, **changes: Any) -> Event:
    """Return a valid event of one decision; changes go to the event or its index by name."""
    given: dict[str, Any] = {
        "strategy": "fallback",
        "fallback_reason": "rl_disabled",
        "mode": "fallback",
        "model_version": None,
        "settings_hash": "5e771465",
        "symbols": ("BTC-USD",),
        "strategies": ("momentum_btc",),
    }
    index = DecisionIndex(
        decision_id, **(given | {k: changes.pop(k) for k in given if k in changes})
    )
    return event(seq, **({"kind": "decision", "decision": index} | changes))


def answer(key: str, at_ns: int, **changes: Any) -> StoredAnswer:
    """Return a valid answer kept for its Idempotency-Key."""
    given: dict[str, Any] = {
        "owner": "desk",
        "body_digest": "d1",
        "status": 200,
        "body": b'{"decision_id":"a"}',
    }
    return StoredAnswer(key=key, at_ns=at_ns, **(given | changes))


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncIterator[SqlJournal]:
    """Open a journal with the least syncing, since no test cuts the power."""
    given: dict[str, Any] = {"synchronous": "NORMAL", "retry_sec": 0.02}
    journal = SqlJournal(url, **(given | options))
    await journal.open()
    try:
        yield journal
    finally:
        await journal.close()


async def eventually(holds: Callable[[], object], within_sec: float = 10.0) -> None:
    """Poll until something holds; fail if it never does."""
    deadline = time.monotonic() + within_sec
    while not holds():
        assert time.monotonic() < deadline, "the condition did not hold in time"
        await asyncio.sleep(0.005)


async def seqs(journal: SqlJournal) -> list[int]:
    """Return every seq of the journal's own stream, as stored."""
    return [stored.seq for stored in await journal.events_after(0, 100_000)]


class Gate:
    """A payload whose encoding blocks until the gate is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.reached = threading.Event()

    def open(self) -> None:
        self._open.set()

    def payload(self) -> bytes:
        self.reached.set()
        assert self._open.wait(10), "the gate was not opened in time"
        return b"{}"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the write lock of the file."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def engine_url(url: str) -> str:
    """Return the URL in the form that SQLAlchemy takes."""
    return url.replace("postgresql://", "postgresql+psycopg://")
