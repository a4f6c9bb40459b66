"""The journal's disk at fault under a running service, and under one that is to start."""

import asyncio
import contextlib
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from app.adapters.journal.sql import SqlJournal
from app.adapters.journal.sqlite import SqliteStore
from app.core.errors import JournalUnavailable
from app.replay import replay_journal
from tests.adapters.journal.journal_events import event, eventually, opened
from tests.tools.chaos import disk_faults
from tests.tools.chaos.crash_service import Serving, serving
from tests.tools.chaos.disk_cases import FAULTS, Fault, play_fault
from tests.tools.chaos.disk_writer import EVENTS, leave_behind

GARBAGE = b"\xa5\x5a\x13\x37" * 1024


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Path]]:
    folder = tmp_path_factory.mktemp("disk")
    path = folder / "himari.db"
    with serving(folder, f"sqlite:///{path}", {}, plain_user=True) as service:
        yield service, path
    replayed = replay_journal(f"sqlite:///{path}")
    # Each fault: one decision before it, one during it and never another; two to arrange them.
    assert (replayed.differences, replayed.compared) == ([], 2 * len(FAULTS) + 2)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_of_the_disk_is_told_and_survived(
    running: tuple[Serving, Path], fault: Fault
) -> None:
    service, path = running
    run = play_fault(service, fault, path)
    for seen in (run.first, run.later):
        assert (seen.status, seen.problem) == (503, "journal-unavailable")
        assert (seen.retry_after, seen.ready, seen.alive) == ("1", 503, 200)
        assert seen.reads == fault.reads
        assert seen.metrics["journal_refusing"] == 1.0
        assert seen.metrics["journal_pending"] >= 1.0
        assert str(path.parent) not in seen.detail
    errors = [seen.metrics["journal_errors_total"] for seen in (run.first, run.later)]
    # Where the journal can be read, it is the write that is refused and counted.
    assert errors[1] > errors[0] or fault.reads != 200
    assert run.logged
    assert (run.same_bytes, run.decided_once, run.refusing_after) == (True, True, 0.0)


@pytest.fixture
def left(tmp_path: Path) -> Path:
    path = tmp_path / "himari.db"
    leave_behind(f"sqlite:///{path}")
    return path


async def events_of(path: Path, **options: str) -> int:
    async with opened(f"sqlite:///{path}", **options) as journal:
        return len(await journal.events_after(0, 1000))


def beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


async def test_what_a_killed_writer_left_is_all_there(left: Path) -> None:
    assert await events_of(left, synchronous="FULL") == EVENTS


@pytest.mark.parametrize(
    "spoil",
    [
        lambda log: log.write_bytes(GARBAGE * (log.stat().st_size // len(GARBAGE) + 1)),
        lambda log: os.truncate(log, 0),
        lambda log: os.truncate(log, log.stat().st_size * 2 // 3),
        lambda log: log.unlink(),
    ],
    ids=["garbage", "emptied", "cut", "removed"],
)
async def test_a_log_that_lost_acknowledged_events_is_not_started_from(
    left: Path, spoil: Callable[[Path], object]
) -> None:
    log = beside(left, "-wal")
    whole = log.read_bytes()
    spoil(log)
    spoilt = log.read_bytes() if log.exists() else b""
    with pytest.raises(JournalUnavailable, match=rf"ends with event \d+, but {EVENTS} were ackno"):
        await events_of(left, synchronous="FULL")
    # Nothing was cleared away that somebody may want to look into, and putting it back helps.
    assert (log.read_bytes() if log.exists() else b"") == spoilt
    log.write_bytes(whole)
    assert await events_of(left, synchronous="FULL") == EVENTS


async def test_to_go_on_without_the_lost_events_is_the_operators_choice(left: Path) -> None:
    os.truncate(beside(left, "-wal"), 0)
    beside(left, ".lock.0").unlink()
    assert await events_of(left, synchronous="FULL") == 0


async def test_without_full_syncs_a_lost_end_is_told_and_taken(
    left: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.truncate(beside(left, "-wal"), 0)
    assert await events_of(left, synchronous="NORMAL") == 0
    assert f"but {EVENTS} were acknowledged" in caplog.text


async def test_a_journal_made_anew_or_put_in_place_has_lost_nothing(left: Path) -> None:
    copy = left.with_name("copy.db")
    with sqlite3.connect(left) as source, sqlite3.connect(copy) as target:
        source.backup(target)
        target.execute("DELETE FROM events WHERE seq > 20")
    source.close()
    target.close()
    copy.rename(left)
    assert await events_of(left, synchronous="FULL") == 20
    for each in left.parent.glob("himari.db*"):
        if ".lock." not in each.name:
            each.unlink()
    assert await events_of(left, synchronous="FULL") == 0


@pytest.mark.parametrize(
    "spoil", [disk_faults.overwrite_middle, disk_faults.cut], ids=["overwritten", "cut"]
)
async def test_a_damaged_file_is_not_started_from(
    left: Path, spoil: Callable[[Path], bytes]
) -> None:
    disk_faults.move_log_into(left)
    before = spoil(left)
    with pytest.raises(JournalUnavailable, match=r"damaged|malformed"):
        await events_of(left)
    disk_faults.put_back(left, before)
    assert await events_of(left) == EVENTS


def test_a_read_only_journal_is_refused_in_a_sentence(left: Path) -> None:
    service = Serving(left.parent.parent, f"sqlite:///{left}", {}, plain_user=True)
    left.chmod(0o444)
    assert service.launch().process.wait(120) == 1
    sentence = "himari: the journal cannot be opened: attempt to write a readonly database"
    assert sentence in service.said()


async def test_a_damaged_event_is_no_event(left: Path) -> None:
    disk_faults.move_log_into(left)
    with sqlite3.connect(left) as database:
        database.execute("UPDATE events SET payload = x'ff00ff' WHERE seq = 7")
    database.close()
    with pytest.raises(JournalUnavailable, match="a journalled event is damaged"):
        await asyncio.to_thread(replay_journal, f"sqlite:///{left}")


@pytest.fixture
async def journal(tmp_path: Path) -> AsyncIterator[tuple[SqlJournal, Path]]:
    path = tmp_path / "himari.db"
    async with opened(f"sqlite:///{path}") as opened_journal:
        await opened_journal.append(event(1))
        yield opened_journal, path


async def test_a_file_that_was_rightly_made_smaller_is_checked_and_written_again(
    journal: tuple[SqlJournal, Path],
) -> None:
    store, path = journal
    for seq in range(2, 60):
        await store.append(event(seq, payload=lambda: b"x" * 8000))
    disk_faults.move_log_into(path)
    await store.append(event(60))
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("DELETE FROM events WHERE seq < 50")
        other.execute("VACUUM")
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    # The first attempt meets the smaller file, the next one finds it sound.
    written = store.append(event(61))
    with pytest.raises(JournalUnavailable, match=r"was cut from \d+ to \d+ bytes"):
        await written
    await eventually(lambda: store.refusing() is None)
    await written
    assert len(await store.events_after(0, 1000)) == 12


async def test_another_file_in_the_place_of_the_one_written_is_not_written(
    journal: tuple[SqlJournal, Path],
) -> None:
    store, path = journal
    async with opened(f"sqlite:///{path.with_name('older.db')}") as older:
        await older.append(event(1))
    await store.append(event(2))
    disk_faults.move_log_into(path)
    hidden = path.rename(path.with_name("hidden.db"))
    path.with_name("older.db").rename(path)
    written = store.append(event(3))
    with pytest.raises(JournalUnavailable, match="removed or replaced"):
        await written
    await eventually(lambda: "lacks event 2, which was ackn" in (store.refusing() or ""))
    hidden.rename(path)
    await eventually(lambda: store.refusing() is None)
    await written
    assert len(await store.events_after(0, 10)) == 3


async def test_a_file_too_large_to_check_at_the_start_is_opened_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "himari.db"
    async with opened(f"sqlite:///{path}") as journal:
        for seq in range(1, 4000):
            written = journal.append(event(seq))
        await written
    store = SqliteStore(path, "FULL", check_sec=0.0)
    connection, _ = store.connect(None)
    with contextlib.closing(store):
        cursor = connection.cursor()
        cursor.execute("SELECT count(*) FROM events")
        assert cursor.fetchone() == (3999,)
        store.release(connection)
    assert "too large to be checked within 0 s" in caplog.text
