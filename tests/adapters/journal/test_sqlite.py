"""A SQLite file is written by one process at a time, and names it to others."""

import asyncio
import os
import re
import stat
import sys
from pathlib import Path

import pytest

from app.adapters.journal.sql import SqlJournal
from app.core.errors import JournalHeld, JournalUnavailable
from tests.adapters.journal.journal_events import event, opened, seqs

ROOT = Path(__file__).parents[3]
HOLDING = """
import asyncio, sys
from app.adapters.journal.sql import SqlJournal
from tests.adapters.journal.journal_events import event

async def main():
    journal = SqlJournal(sys.argv[1])
    await journal.open()
    await journal.append(event(1))
    print("open", flush=True)
    sys.stdin.readline()

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def _move_away(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def _noted(path: Path) -> int:
    return int(path.with_name("journal.db.lock.0").read_bytes().split()[0])


async def test_a_second_writer_is_refused_with_pid_and_start_of_the_first(path: Path) -> None:
    async with opened(f"sqlite:///{path}") as first:
        await first.append(event(1))
        with pytest.raises(JournalHeld) as refused:
            await SqlJournal(f"sqlite:///{path}").open()
        assert re.search(
            rf"{path} is .*\(pid {os.getpid()}, since 2\d{{3}}-.*Z?\)", str(refused.value)
        )
        await first.append(event(2))
        assert await seqs(first) == [1, 2]
    async with opened(f"sqlite:///{path}") as second:
        assert await seqs(second) == [1, 2]


async def test_the_file_is_free_again_after_kill_9(path: Path) -> None:
    url, pipe = f"sqlite:///{path}", asyncio.subprocess.PIPE
    first = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", HOLDING, url), cwd=ROOT, stdin=pipe, stdout=pipe
    )
    assert first.stdout is not None
    assert await first.stdout.readline() == b"open\n"
    with pytest.raises(JournalHeld, match=f"pid {first.pid}, since"):
        await SqlJournal(url).open()
    first.kill()
    await first.wait()
    async with opened(url) as second:
        assert await seqs(second) == [1]


async def test_a_refused_writer_leaves_the_acknowledged_event_noted(path: Path) -> None:
    async with opened(f"sqlite:///{path}") as first:
        await first.append(event(1))
        _move_away(path)
        with pytest.raises(JournalHeld, match=f"pid {os.getpid()}"):
            await SqlJournal(f"sqlite:///{path}").open()
        assert _noted(path) == 1


async def test_the_lock_file_is_readable_by_its_owner_alone(path: Path) -> None:
    lock = path.with_name("journal.db.lock.0")
    lock.touch(mode=0o644)
    async with opened(f"sqlite:///{path}"):
        assert stat.S_IMODE(lock.stat().st_mode) == 0o600


async def test_a_lock_file_without_a_name_refuses_all_the_same(path: Path) -> None:
    async with opened(f"sqlite:///{path}"):
        path.with_name("journal.db.lock.0").write_bytes(b"")
        with pytest.raises(JournalHeld, match="by another process: end that one"):
            await SqlJournal(f"sqlite:///{path}").open()


async def test_a_file_has_stream_0_alone(path: Path) -> None:
    with pytest.raises(JournalUnavailable, match="stream 0 alone, was 3"):
        await SqlJournal(f"sqlite:///{path}", stream=3).open()
    async with opened(f"sqlite:///{path}", stream=0) as journal:
        assert journal.stream == 0
