"""What the journal could not write yet counts once, however often it is sent again."""

import asyncio
import sqlite3
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from app.adapters.journal.sql import SqlJournal, iterate_events
from app.api.gate.idempotency import InFlight
from app.core.errors import JournalUnavailable
from app.core.types import Outcome
from app.pipeline import events
from app.pipeline.ports import Event
from app.pipeline.service import IdempotencyClaim, SizingService
from tests.adapters.journal.journal_events import Gate, eventually, locked
from tests.pipeline.builders import LONG_ONLY, batch_of, service_on

CLAIM = IdempotencyClaim("desk", "k", "digest")


class WaitingJournal(SqlJournal):
    """Has outcomes wait at a gate before they are written."""

    gate: Gate | None = None

    def append(self, event: Event) -> Awaitable[None]:
        gate, payload = self.gate, event.payload
        if event.outcomes and gate is not None:
            event = replace(event, payload=lambda: gate.payload() and payload())
        return super().append(event)


class UnawareJournal(SqlJournal):
    """Says that it takes everything, as it does once the first group of many is written."""

    def refusing(self) -> str | None:
        return None


def outcomes_of(decision_id: str, symbol: str = "SYM0") -> list[Outcome]:
    return [Outcome(symbol, 0.01, decision_id)]


async def decided(service: SizingService) -> str:
    await service.start()
    return str((await service.allocate(batch_of(0))).answer["decision_id"])


def kinds(path: Path) -> list[str]:
    return [stored.kind for stored in iterate_events(f"sqlite:///{path}")]


async def assert_restored(service: SizingService, path: Path) -> None:
    """Stop; what the journal says is what the service believed."""
    before = service.beliefs.export()
    await service.stop()
    again = service_on(path, LONG_ONLY)
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("DELETE FROM checkpoints")
    await again.start()
    assert again.beliefs.export() == before
    await again.stop()


async def test_an_outcome_whose_caller_went_away_counts_once(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    journal = WaitingJournal(f"sqlite:///{path}")
    service = service_on(path, LONG_ONLY, journal=journal)
    decision_id = await decided(service)
    journal.gate = Gate()
    first = asyncio.create_task(service.learning.record_outcomes(outcomes_of(decision_id)))
    await asyncio.to_thread(journal.gate.reached.wait, 10)
    first.cancel()
    await asyncio.wait([first])
    learnt = service.beliefs.export()
    second = asyncio.create_task(service.learning.record_outcomes(outcomes_of(decision_id)))
    # a read of the database itself, begun after the second
    await service.stored_answer("desk", "unknown")
    journal.gate.open()
    assert (await second)["duplicates"] == 1
    assert service.beliefs.export() == learnt
    assert kinds(path).count(events.OUTCOMES) == 1
    await assert_restored(service, path)


async def test_an_outcome_that_comes_twice_while_the_journal_fails_counts_once(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY, journal=UnawareJournal(f"sqlite:///{path}"))
    decision_id = await decided(service)
    with locked(path):
        both = [service.learning.record_outcomes(outcomes_of(decision_id)) for _ in range(2)]
        errors = await asyncio.gather(*both, return_exceptions=True)
        with pytest.raises(JournalUnavailable):
            await service.learning.record_outcomes(outcomes_of(decision_id))
    assert [type(error) for error in errors] == [JournalUnavailable] * 2
    await eventually(lambda: service.world.journal.lag()[0] == 0)
    assert (await service.learning.record_outcomes(outcomes_of(decision_id)))["duplicates"] == 1
    assert kinds(path).count(events.OUTCOMES) == 1
    await assert_restored(service, path)


async def test_an_outcome_whose_turn_comes_after_a_failure_teaches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    decision_id = await decided(service)
    with locked(path):
        both = [
            service.learning.record_outcomes(outcomes_of(decision_id, f"SYM{i}")) for i in range(2)
        ]
        errors = await asyncio.gather(*both, return_exceptions=True)
    assert [type(error) for error in errors] == [JournalUnavailable] * 2
    await eventually(lambda: service.world.journal.refusing() is None)
    assert (await service.learning.record_outcomes(outcomes_of(decision_id, "SYM1")))[
        "accepted"
    ] == 1
    await assert_restored(service, path)


async def test_a_key_whose_answer_could_not_be_written_gives_no_second_decision(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY, journal=UnawareJournal(f"sqlite:///{path}"))
    await service.start()
    in_flight = InFlight()

    async def decide(claim: IdempotencyClaim) -> bytes:
        return (await service.allocate(batch_of(0), claim=claim)).body

    with locked(path):
        for _ in range(2):
            with pytest.raises(JournalUnavailable):
                await in_flight.answer(CLAIM, service.stored_answer, decide)
    await eventually(lambda: service.world.journal.lag()[0] == 0)
    body, replayed = await in_flight.answer(CLAIM, service.stored_answer, decide)
    assert replayed
    assert kinds(path).count(events.DECISION) == 1
    assert service.showing.counts == {"rl": 0, "fallback": 1}
    stored = await service.stored_answer("desk", "k")
    assert stored is not None
    assert stored.body == body
    await assert_restored(service, path)
