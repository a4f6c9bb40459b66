"""The journal in memory keeps the last decisions and never suspends."""

import pytest

from app.adapters.journal.memory import MemoryJournal
from app.pipeline.ports import DecisionQuery, Journal
from tests.adapters.journal.journal_events import (
    DAY_NS,
    START_NS,
    answer,
    decision_event,
    event,
)


async def test_the_memory_journal_reads_back_what_it_still_keeps() -> None:
    journal: Journal = MemoryJournal(max_decisions=3)
    await journal.open()
    for seq in range(1, 6):
        kept = answer(f"k{seq}", START_NS)
        pairs = tuple((f"d{seq}", f"S{n}") for n in range(10))
        await journal.append(decision_event(seq, f"d{seq}", outcomes=pairs, answer=kept))
    assert [found.seq for found in await journal.decisions(DecisionQuery())] == [5, 4, 3]
    assert await journal.decision("d2") is None
    assert await journal.known_outcomes([("d5", "S1"), ("d1", "S1")]) == {("d5", "S1")}
    assert await journal.stored_answer("desk", "k5", START_NS) == answer("k5", START_NS)
    assert await journal.stored_answer("desk", "k5", START_NS + 1) is None
    assert await journal.stored_answer("desk", "k1", START_NS) is None
    assert await journal.events_after(0, 10) == []
    journal.save_checkpoint(5, bytes)
    assert await journal.latest_checkpoint() is None
    assert journal.refusing() is None
    await journal.close()


async def test_the_memory_journal_keeps_a_first_answer_for_24_hours() -> None:
    journal = MemoryJournal()
    for seq, at_ns in enumerate((START_NS, START_NS + DAY_NS, START_NS + DAY_NS + 1), start=1):
        journal.append(event(seq, answer=answer("k", at_ns, body_digest=str(seq))))
    found = await journal.stored_answer("desk", "k", START_NS)
    assert found is not None
    assert found.body_digest == "3"
    assert journal.lag() == (0, 0.0)


def test_the_memory_journal_never_suspends_and_makes_no_payload_unread() -> None:
    made: list[int] = []
    journal = MemoryJournal()

    def payload() -> bytes:
        made.append(1)
        return b"{}"

    async def record() -> str:
        for seq in range(1, 4):
            await journal.append(decision_event(seq, f"d{seq}", payload=payload))
        return "done"

    with pytest.raises(StopIteration) as ended:
        record().send(None)
    assert ended.value.value == "done"
    assert made == []
