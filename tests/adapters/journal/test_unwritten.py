"""A query about a queued entry waits until it is on disk, or is refused."""

import asyncio
import gc
import weakref
from pathlib import Path

import pytest

from app.adapters.journal.sql import SqlJournal
from app.adapters.journal.writer import MAX_GROUP
from app.core.errors import JournalUnavailable
from tests.adapters.journal.journal_events import (
    START_NS,
    Gate,
    answer,
    event,
    eventually,
    locked,
    opened,
)

PAIR = ("d", "A")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


async def assert_written(journal: SqlJournal) -> None:
    await eventually(lambda: journal.lag()[0] == 0)
    assert await journal.known_outcomes([PAIR, ("d", "B")]) == {PAIR}
    assert await journal.stored_answer("desk", "k", START_NS) == answer("k", START_NS)


async def test_a_query_about_an_unwritten_entry_is_refused_until_it_is_written(path: Path) -> None:
    async with opened(f"sqlite:///{path}") as journal:
        with locked(path):
            with pytest.raises(JournalUnavailable, match="locked"):
                await journal.append(event(1, outcomes=(PAIR,), answer=answer("k", START_NS)))
            with pytest.raises(JournalUnavailable, match="locked"):
                await journal.known_outcomes([("d", "B"), PAIR])
            with pytest.raises(JournalUnavailable, match="locked"):
                await journal.stored_answer("desk", "k", START_NS)
            assert await journal.known_outcomes([("d", "B"), ("e", "A")]) == set()
            assert await journal.stored_answer("other", "k", START_NS) is None
        await assert_written(journal)


async def test_a_query_waits_for_an_entry_that_is_being_written(journal_url: str) -> None:
    gate = Gate()
    made = event(1, outcomes=(PAIR,), answer=answer("k", START_NS), payload=gate.payload)
    async with opened(journal_url) as journal:
        journal.append(made)
        await asyncio.to_thread(gate.reached.wait, 10)
        known = asyncio.ensure_future(journal.known_outcomes([PAIR]))
        stored = asyncio.ensure_future(journal.stored_answer("desk", "k", START_NS))
        # reads of the database itself, begun after those two and done before them
        assert await journal.known_outcomes([("d", "B")]) == set()
        assert await journal.stored_answer("desk", "k2", START_NS) is None
        gate.open()
        assert await known == {PAIR}
        assert await stored == answer("k", START_NS)


async def test_the_rest_of_a_backlog_is_not_forgotten_once_its_first_group_is_written(
    path: Path,
) -> None:
    gate = Gate()
    async with opened(f"sqlite:///{path}") as journal:
        with locked(path):
            for seq in range(1, MAX_GROUP + 1):
                journal.append(event(seq))
            kept = {"outcomes": (PAIR,), "answer": answer("k", START_NS)}
            with pytest.raises(JournalUnavailable, match="locked"):
                await journal.append(event(MAX_GROUP + 1, payload=gate.payload, **kept))
        await asyncio.to_thread(gate.reached.wait, 10)
        await eventually(lambda: journal.refusing() is None)
        with pytest.raises(JournalUnavailable):
            await journal.known_outcomes([PAIR])
        with pytest.raises(JournalUnavailable):
            await journal.stored_answer("desk", "k", START_NS)
        gate.open()
        await assert_written(journal)


@pytest.mark.parametrize("name", ["\x00", "\ud800", "x" * 1000])
async def test_names_that_no_database_takes_are_found_in_the_queue(path: Path, name: str) -> None:
    async with opened(f"sqlite:///{path}") as journal:
        with locked(path):
            with pytest.raises(JournalUnavailable):
                await journal.append(event(1, outcomes=((name, name),)))
            with pytest.raises(JournalUnavailable):
                await journal.known_outcomes([(name, name)])


class Payload:
    """A payload that a weak reference can follow."""

    def __call__(self) -> bytes:
        return b"{}"


async def test_entries_on_disk_are_dropped(journal_url: str) -> None:
    payload = Payload()
    held = weakref.ref(payload)
    async with opened(journal_url) as journal:
        await journal.append(event(1, outcomes=(PAIR,), payload=payload))
        del payload
        await journal.append(event(2))
        gc.collect()
        assert held() is None
