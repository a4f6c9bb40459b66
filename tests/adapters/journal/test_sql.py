"""The journal keeps what it acknowledged, in order, in either database."""

import asyncio
import gc
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from app.adapters.journal.schema import VERSION_TABLE, metadata
from app.adapters.journal.sql import SqlJournal, iterate_events
from app.core.errors import JournalUnavailable
from app.pipeline.ports import DecisionQuery
from tests.adapters.journal.journal_events import (
    SECOND_NS,
    START_NS,
    Gate,
    answer,
    decision_event,
    engine_url,
    event,
    eventually,
    opened,
    seqs,
)

ROOT = Path(__file__).parents[3]


async def test_events_are_read_back_in_order_after_reopening(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        for seq in range(1, 21):
            last = journal.append(event(seq))
        await last
    async with opened(journal_url) as journal:
        found = await journal.events_after(5, 10)
        assert [stored.seq for stored in found] == list(range(6, 16))
        assert found[0].kind == "prices"
        assert found[0].at_ns == START_NS + 6 * SECOND_NS
        assert found[0].payload == b'{"n":6}'


async def test_closing_writes_events_that_were_not_awaited(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        for seq in range(1, 1001):
            journal.append(event(seq))
    assert [stored.seq for stored in iterate_events(journal_url)] == list(range(1, 1001))


async def test_a_payload_is_made_once_and_off_the_request_path(journal_url: str) -> None:
    threads: list[int] = []

    def payload() -> bytes:
        threads.append(threading.get_ident())
        return b"{}"

    async with opened(journal_url) as journal:
        await journal.append(event(1, payload=payload))
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


async def test_an_entry_may_be_awaited_twice_and_after_it_was_written(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        receipt = journal.append(event(1))
        await asyncio.gather(*(asyncio.ensure_future(receipt) for _ in range(3)))
        await receipt
        await asyncio.to_thread(lambda: asyncio.run(_await(receipt)))


async def _await(receipt: Any) -> None:
    await receipt


async def test_a_cancelled_waiter_leaves_its_event_queued(journal_url: str) -> None:
    gate = Gate()
    async with opened(journal_url) as journal:
        journal.append(event(1, payload=gate.payload))
        waiting = asyncio.ensure_future(journal.append(event(2)))
        await asyncio.sleep(0)
        waiting.cancel()
        gate.open()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await journal.append(event(3))
        assert await seqs(journal) == [1, 2, 3]


KILLED = """
import asyncio, sys
from tests.adapters.journal.journal_events import event
from app.adapters.journal.sql import SqlJournal

async def main():
    journal = SqlJournal(sys.argv[1], synchronous="NORMAL")
    await journal.open()
    for seq in range(1, 100000):
        receipt = journal.append(event(seq))
        if seq % 3 == 0:
            await receipt
            print(seq, flush=True)

asyncio.run(main())
"""


async def test_no_awaited_event_is_lost_by_kill_9(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/journal.db"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, url), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    awaited = [int(await process.stdout.readline()) for _ in range(200)]
    process.kill()
    awaited += [int(line) async for line in process.stdout if line.endswith(b"\n")]
    await process.wait()
    async with opened(url) as journal:
        assert journal.stream == 0
        found = await seqs(journal)
    assert found == list(range(1, len(found) + 1))
    assert found[-1] >= awaited[-1]


async def test_two_journals_share_a_database_by_streams(postgres_url: str) -> None:
    async with opened(postgres_url) as one, opened(postgres_url) as two:
        assert (one.stream, two.stream) == (0, 1)
        await one.append(decision_event(1, "of-one", outcomes=(("d", "A"),)))
        await two.append(decision_event(1, "of-two", answer=answer("k", START_NS)))
        two.append(event(2))
        two.save_checkpoint(2, lambda: b"two")
        await two.append(event(3))
        assert await seqs(one) == [1]
        assert await seqs(two) == [1, 2, 3]
        assert await one.latest_checkpoint() is None
        assert await two.latest_checkpoint() == (2, b"two")
        assert await one.decision("of-two") is not None
        assert await two.known_outcomes([("d", "A")]) == {("d", "A")}
        assert await one.stored_answer("desk", "k", START_NS) is not None
        assert len(await one.decisions(DecisionQuery())) == 2
    assert [stored.seq for stored in iterate_events(postgres_url, stream=1)] == [1, 2, 3]


async def test_the_ends_of_other_streams_are_their_checkpoint_and_what_follows(
    postgres_url: str,
) -> None:
    kinds = ("trading_state", "breaker")
    async with opened(postgres_url) as one, opened(postgres_url) as two:
        await one.append(event(1, kind="breaker"))
        assert await one.other_streams(kinds) == []
        for seq, kind in enumerate(("trading_state", "prices", "breaker", "prices"), start=1):
            last = two.append(event(seq, kind=kind))
        await last
        (tail,) = await one.other_streams(kinds)
        assert (tail.stream, tail.checkpoint) == (1, None)
        assert [(each.seq, each.kind) for each in tail.events] == [
            (1, "trading_state"),
            (3, "breaker"),
        ]
        two.save_checkpoint(2, lambda: b"{}")
        await two.append(event(5))
        (tail,) = await one.other_streams(kinds)
        assert tail.checkpoint == (2, b"{}")
        assert [each.seq for each in tail.events] == [3]


async def test_a_journal_names_its_place_without_a_password(postgres_url: str) -> None:
    async with opened(postgres_url) as one, opened(postgres_url) as two:
        assert "s3cret" not in one.place()
        assert one.place().endswith("/journal")
        assert two.place().endswith("/journal, stream 1")


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://me:s3cret@db/journal", "postgresql://me:***@db/journal"),
        (
            "postgresql://db/journal?password=s3cret&host=/run/pg",
            "postgresql://db/journal?host=%2Frun%2Fpg",
        ),
        ("postgresql://db/journal?sslpassword=s3cret&sslmode=require", "postgresql://db/journal"),
    ],
)
def test_no_option_of_a_url_that_may_be_a_secret_is_shown(url: str, place: str) -> None:
    assert SqlJournal(url).place() == place


async def test_a_stream_is_free_again_after_close(postgres_url: str) -> None:
    async with opened(postgres_url):
        async with opened(postgres_url) as second:
            assert second.stream == 1
        async with opened(postgres_url) as third:
            assert third.stream == 1


async def test_a_held_stream_refuses_a_second_writer(postgres_url: str) -> None:
    async with opened(postgres_url, stream=3):
        with pytest.raises(JournalUnavailable, match="stream 3 of the journal is held"):
            await SqlJournal(postgres_url, stream=3).open()


async def test_lag_counts_what_is_not_on_disk(journal_url: str) -> None:
    gate = Gate()
    async with opened(journal_url) as journal:
        assert journal.lag() == (0, 0.0)
        journal.append(event(1, payload=gate.payload))
        receipt = journal.append(event(2))
        await eventually(lambda: journal.lag()[1] > 0)
        assert journal.lag()[0] == 2
        gate.open()
        await receipt
        await eventually(lambda: journal.lag() == (0, 0.0))


async def test_the_migrations_make_exactly_the_tables_the_code_uses(journal_url: str) -> None:
    async with opened(journal_url):
        pass
    engine = create_engine(engine_url(journal_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_a_newer_schema_refuses_to_open(journal_url: str) -> None:
    async with opened(journal_url):
        pass
    engine = create_engine(engine_url(journal_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE journal_version SET version_num = '0099'"))
    engine.dispose()
    with pytest.raises(JournalUnavailable, match="schema version 0099, newer than"):
        await SqlJournal(journal_url).open()


OPENED = """
import asyncio, sys
from app.adapters.journal.sql import SqlJournal

async def main():
    journal = SqlJournal(sys.argv[1])
    await journal.open()
    print(journal.stream, flush=True)
    sys.stdin.readline()
    await journal.close()

asyncio.run(main())
"""


async def test_processes_that_start_at_once_migrate_once(postgres_url: str) -> None:
    pipe = asyncio.subprocess.PIPE
    started = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", OPENED, postgres_url),
            cwd=ROOT,
            stdin=pipe,
            stdout=pipe,
            stderr=pipe,
        )
        for _ in range(2)
    ]
    streams = [await process.stdout.readline() for process in started if process.stdout]
    ended = [await process.communicate(b"\n") for process in started]
    assert ended == [(b"", b""), (b"", b"")]
    assert sorted(streams) == [b"0\n", b"1\n"]


async def test_events_are_iterated_beside_a_running_service(journal_url: str) -> None:
    async with opened(journal_url) as journal:
        for seq in range(1, 1201):
            last = journal.append(event(seq))
        await last
        running = iterate_events(journal_url)
        assert next(running).seq == 1
        await journal.append(event(1201))
        assert [stored.seq for stored in running] == list(range(2, 1202))


async def test_a_relative_path_starts_at_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with opened("sqlite:///here and #there.db") as journal:
        await journal.append(event(1))
        assert journal.place() == f"{tmp_path}/here and #there.db"
    assert (tmp_path / "here and #there.db").exists()


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("sqlite:////no/such/place/journal.db", "directory /no/such/place of the journal does not"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("mysql://root:s3cret@db/x", "must be sqlite:///FILE or postgresql://"),
        ("s3cret", "must be sqlite:///FILE or postgresql://"),
        ("postgresql://himari:s3cret@127.0.0.1:1/x", "cannot be opened: .*refused"),
    ],
)
async def test_a_journal_that_cannot_be_opened_says_why(url: str, sentence: str) -> None:
    journal = SqlJournal(url)
    with pytest.raises(JournalUnavailable, match=sentence) as refused:
        await journal.open()
    assert "s3cret" not in str(refused.value)
    assert journal.refusing() == "the journal is not open"


async def test_a_journal_that_is_not_open_refuses_appends_and_reads(journal_url: str) -> None:
    journal = SqlJournal(journal_url)
    with pytest.raises(JournalUnavailable, match="not open"):
        journal.append(event(1))
    with pytest.raises(JournalUnavailable, match="not open"):
        await journal.decision("a")
    await journal.close()
    async with opened(journal_url) as closed:
        pass
    assert closed.refusing() == "the journal is closed"
    with pytest.raises(JournalUnavailable, match="closed"):
        closed.append(event(1))


async def test_an_entry_that_is_never_awaited_raises_no_warning(journal_url: str) -> None:
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: complaints.append(what))
    async with opened(journal_url) as journal:
        journal.append(event(1))
        await journal.append(event(2))
        gc.collect()
    assert complaints == []
