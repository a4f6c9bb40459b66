"""What a batch taught is written with its decision, in one group, and is never forgotten."""

import asyncio
import contextlib
from pathlib import Path

import pytest

from app.adapters.clock import SystemClock
from app.adapters.journal.sql import iterate_events
from app.core.errors import JournalUnavailable
from app.pipeline import events
from app.pipeline.answer import Decision
from app.pipeline.event_log import EventLog
from app.pipeline.service import SizingService
from app.replay import replay_journal
from tests.pipeline.builders import (
    LONG_ONLY,
    SLOW_SHORTS,
    WHY,
    FullJournal,
    WaitingPolicy,
    assert_replays,
    batch_of,
    service_on,
)


def kinds(path: Path) -> list[str]:
    return [each.kind for each in iterate_events(f"sqlite:///{path}", 0)]


async def started(path: Path) -> tuple[SizingService, WaitingPolicy, int]:
    """Start a service whose policy waits; how many events are there already."""
    policy = WaitingPolicy()
    service = service_on(path, LONG_ONLY, policy)
    await service.start()
    return service, policy, len(kinds(path))


async def test_nothing_is_written_while_the_policy_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service, policy, before = await started(path)
    waiting = asyncio.create_task(service.allocate(batch_of(0)))
    await policy.asked.wait()
    await asyncio.sleep(0.1)
    assert len(kinds(path)) == before
    policy.let.set()
    await waiting
    assert kinds(path)[before:] == [events.BATCH, events.DECISION]
    await service.stop()
    assert_replays(path, 1)


async def test_what_happens_meanwhile_comes_after_it(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service, policy, before = await started(path)
    waiting = [asyncio.create_task(service.allocate(batch_of(number))) for number in range(2)]
    await policy.asked.wait()
    await asyncio.sleep(0.0)
    await service.operating.change_settings(SLOW_SHORTS, WHY)
    policy.let.set()
    await asyncio.gather(*waiting)
    await service.stop()
    kept = kinds(path)[before:]
    assert kept[:3] == [events.BATCH, events.BATCH, events.SETTINGS]
    assert kept[3:] == [events.DECISION, events.DECISION]
    assert_replays(path, 2)


async def test_a_caller_who_goes_away_leaves_what_its_batch_taught(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service, policy, before = await started(path)
    waiting = asyncio.create_task(service.allocate(batch_of(0)))
    await policy.asked.wait()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0.1)
    # at once, not only when something else happens
    assert kinds(path)[before:] == [events.BATCH]
    policy.let.set()
    await service.allocate(batch_of(1))
    await service.stop()
    assert kinds(path)[before:] == [events.BATCH, events.BATCH, events.DECISION]
    assert_replays(path, 1)


async def test_a_service_that_ends_meanwhile_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service, policy, before = await started(path)
    waiting = asyncio.create_task(service.allocate(batch_of(0)))
    await policy.asked.wait()
    await service.stop()
    assert kinds(path)[before:] == [events.BATCH]
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    assert replay_journal(f"sqlite:///{path}").differences == []


class ClosingPolicy(WaitingPolicy):
    """Is asked once more while it closes."""

    service: SizingService
    last: asyncio.Task[Decision]

    async def close(self) -> None:
        self.last = asyncio.create_task(self.service.allocate(batch_of(0)))
        await self.asked.wait()


async def test_a_batch_that_comes_while_sockets_are_closed_is_written(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    policy = ClosingPolicy()
    policy.service = service_on(path, LONG_ONLY, policy)
    await policy.service.start()
    before = len(kinds(path))
    await policy.service.stop()
    assert kinds(path)[before:] == [events.BATCH]
    policy.last.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await policy.last
    assert replay_journal(f"sqlite:///{path}").differences == []


async def test_prices_known_from_a_held_batch_are_answered_only_once_it_is_queued(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    service, policy, before = await started(path)
    batch = batch_of(0)
    waiting = asyncio.create_task(service.allocate(batch))
    await policy.asked.wait()
    # what is known already is ignored, as the prices of the held batch are
    moment = max(signal.timestamp_ns for signal in batch.signals)
    answer = await service.learning.observe_prices(moment, batch.prices)
    reasons = {"older": 4, "ahead": 0, "no_price": 0, "disbelieved": 0, "no_room": 0}
    assert answer == {"accepted": 0, "ignored": len(batch.prices), "reasons": reasons}
    await asyncio.sleep(0.1)
    assert kinds(path)[before:] == [events.BATCH]
    policy.let.set()
    await waiting
    await service.stop()


async def test_without_room_it_is_held_on_and_keeps_its_place(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    journal = FullJournal(f"sqlite:///{path}")
    await journal.open()
    log = EventLog(journal, SystemClock(), dict)
    log.hold(events.BATCH, b"{}".strip)
    journal.full = True
    with pytest.raises(JournalUnavailable, match="events wait for the journal"):
        log.append(events.OPERATOR, b"{}".strip)
    assert log.seq == 1
    journal.full = False
    await log.append(events.OPERATOR, b"{}".strip)
    assert log.seq == 2
    assert kinds(path) == [events.BATCH, events.OPERATOR]
    log.hold(events.BATCH, b"{}".strip)
    journal.full = True
    # a caller who goes away gets the cancellation, not the journal's error
    assert not log.try_release()
    # no state is left behind that knows of what was never written
    log.checkpoint_if_due(at_end=True)
    assert await journal.latest_checkpoint() is None
    await journal.close()
