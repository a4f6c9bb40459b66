"""The writing thread groups entries, settles every loop once, and drops no event."""

import asyncio
import gc
import threading
from collections.abc import Sequence
from typing import Any

import pytest

from app.adapters.journal.writer import MAX_PENDING, Entry, JournalWriter
from app.core.errors import JournalUnavailable
from tests.adapters.journal.journal_events import event, eventually


class FakeStore:
    """A store that keeps groups, fails, or blocks at a gate."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.broken: str | None = None
        self.asked = 0
        self.gate = threading.Event()
        self.gate.set()

    def commit(self, entries: Sequence[Entry]) -> None:
        self.asked += 1
        assert self.gate.wait(10)
        if self.broken is not None:
            raise OSError(self.broken)
        self.groups.append([entry.seq for entry in entries])

    @property
    def written(self) -> list[int]:
        return [seq for group in self.groups for seq in group]


def entry(seq: int) -> Entry:
    return Entry(seq, bytes, event(seq))


def start(store: FakeStore, **waits: float) -> JournalWriter:
    return JournalWriter(store.commit, str, retry_sec=0.01, **waits)


async def test_what_queued_during_a_write_is_one_group() -> None:
    store = FakeStore()
    store.gate.clear()
    writer = start(store)
    writer.put(entry(1))
    await eventually(lambda: store.asked)
    entries = [entry(seq) for seq in range(2, 302)]
    for each in entries:
        writer.put(each)
    store.gate.set()
    await entries[-1]
    assert await asyncio.to_thread(writer.stop)
    assert store.groups == [[1], list(range(2, 258)), list(range(258, 302))]


class CountingLoop(asyncio.SelectorEventLoop):
    """An event loop that counts how often another thread woke it."""

    woken = 0

    def _write_to_self(self) -> None:
        self.woken += 1
        super()._write_to_self()  # type: ignore[misc]


def test_a_group_wakes_each_loop_once() -> None:
    store = FakeStore()
    store.gate.clear()
    writer = start(store)
    writer.put(entry(1))
    entries = [entry(seq) for seq in range(2, 52)]
    for each in entries:
        writer.put(each)
    waiting = threading.Barrier(3)
    loops = [CountingLoop(), CountingLoop()]

    async def wait_for_all() -> None:
        tasks = [asyncio.ensure_future(each) for each in entries]
        await asyncio.sleep(0)
        waiting.wait(10)
        await asyncio.gather(*tasks)

    def run(loop: CountingLoop) -> None:
        loop.run_until_complete(wait_for_all())
        loop.close()

    threads = [threading.Thread(target=run, args=(loop,)) for loop in loops]
    for thread in threads:
        thread.start()
    waiting.wait(10)
    store.gate.set()
    for thread in threads:
        thread.join(10)
    assert writer.stop()
    # The first group may have taken some of the entries with it; there are two at most.
    assert len(store.groups) <= 2
    assert [loop.woken <= len(store.groups) for loop in loops] == [True, True]


async def test_a_failure_is_raised_at_once_for_all_that_wait() -> None:
    store = FakeStore()
    store.broken = "the disk is full"
    writer = start(store)
    entries = [entry(seq) for seq in range(1, 601)]
    for each in entries:
        writer.put(each)
    told = await asyncio.gather(*map(asyncio.ensure_future, entries), return_exceptions=True)
    assert {str(error) for error in told} == {"the disk is full"}
    assert writer.refusing() == "the disk is full"
    store.broken = None
    await eventually(lambda: writer.refusing() is None)
    await eventually(lambda: writer.lag() == (0, 0.0))
    assert store.written == list(range(1, 601))
    await entries[0]
    assert await asyncio.to_thread(writer.stop)


async def test_a_failure_that_is_never_awaited_raises_no_warning() -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
    store = FakeStore()
    store.broken = "down"
    writer = start(store)
    writer.put(entry(1))
    cancelled = entry(2)
    writer.put(cancelled)
    task = asyncio.ensure_future(cancelled)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await eventually(lambda: store.asked > 2)
    store.broken = None
    await eventually(lambda: writer.refusing() is None)
    assert await asyncio.to_thread(writer.stop)
    del task, cancelled
    gc.collect()
    assert complaints == []
    assert store.written == [1, 2]


def test_a_loop_that_closed_meanwhile_stops_no_other() -> None:
    store = FakeStore()
    store.gate.clear()
    writer = start(store)
    first = entry(1)
    writer.put(first)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(first, 0.01)

    asyncio.run(give_up())
    store.gate.set()
    second = entry(2)
    writer.put(second)
    asyncio.run(_await(second))
    assert writer.stop()
    assert store.written == [1, 2]


async def test_no_more_than_ten_thousand_events_wait() -> None:
    store = FakeStore()
    store.broken = "down"
    writer = start(store)
    for seq in range(1, MAX_PENDING + 1):
        writer.put(entry(seq))
    with pytest.raises(JournalUnavailable, match="10000 events wait for the journal"):
        writer.put(entry(MAX_PENDING + 1))
    assert writer.lag()[0] == MAX_PENDING
    store.broken = None
    await eventually(lambda: writer.lag()[0] == 0)
    assert store.written == list(range(1, MAX_PENDING + 1))
    assert await asyncio.to_thread(writer.stop)


async def test_a_store_that_does_not_answer_refuses_new_events() -> None:
    store = FakeStore()
    store.gate.clear()
    writer = start(store, stalled_sec=0.02)
    writer.put(entry(1))
    await eventually(lambda: "has not answered" in (writer.refusing() or ""))
    store.gate.set()
    await eventually(lambda: writer.refusing() is None)
    assert await asyncio.to_thread(writer.stop)


async def test_stopping_ends_in_time_and_logs_what_is_lost(
    caplog: pytest.LogCaptureFixture,
) -> None:
    store = FakeStore()
    store.broken = "down"
    writer = start(store, flush_sec=0.1)
    last = entry(1)
    writer.put(last)
    assert await asyncio.to_thread(writer.stop)
    assert "journal closed with 1 events unwritten: down" in caplog.text
    with pytest.raises(JournalUnavailable, match="down"):
        await last
    with pytest.raises(JournalUnavailable, match="closed"):
        writer.put(entry(2))


async def test_stopping_does_not_wait_for_a_stuck_store() -> None:
    store = FakeStore()
    store.gate.clear()
    writer = start(store, flush_sec=0.02, stuck_sec=0.02)
    stuck = entry(1)
    writer.put(stuck)
    await eventually(lambda: store.asked)
    assert not await asyncio.to_thread(writer.stop)
    with pytest.raises(JournalUnavailable, match="closed"):
        await stuck
    store.gate.set()


async def test_a_store_that_recovers_while_stopping_gets_every_event() -> None:
    store = FakeStore()
    store.broken = "down"
    writer = start(store)
    for seq in range(1, 301):
        writer.put(entry(seq))
    await eventually(lambda: store.asked)
    stopping = asyncio.ensure_future(asyncio.to_thread(writer.stop))
    await eventually(lambda: writer.refusing() and store.asked > 2)
    store.broken = None
    assert await stopping
    assert store.written == list(range(1, 301))


async def _await(receipt: Entry) -> None:
    await receipt
