"""The service killed under load; ``python -m tests.tools.chaos.crash`` is the long run."""

import asyncio
import json
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import pytest
from sqlalchemy import make_url

from app.adapters.journal.postgres import PostgresStore
from app.replay import replay_journal
from tests.adapters.journal.journal_events import event, eventually, opened
from tests.tools.chaos.crash import SETTINGS
from tests.tools.chaos.crash_fold import Fold
from tests.tools.chaos.crash_load import Ledger, Load
from tests.tools.chaos.crash_round import Crashes, Round, ask_again, integrity, lost_of
from tests.tools.chaos.crash_service import Serving, serving

KEEPALIVES = ("idle", "interval", "count")


async def play(service: Serving) -> list[Round]:
    crashes = Crashes(service)
    rounds = [await crashes.play(seed, 0.8) for seed in (1, 2)]
    assert await crashes.ask_all_again() == []
    crashes.fold.close()
    return rounds


def test_kill_9_under_load_loses_nothing_acknowledged(tmp_path: Path, journal_url: str) -> None:
    with serving(tmp_path, journal_url, SETTINGS | {"SYNCHRONOUS": "NORMAL"}) as service:
        rounds = asyncio.run(play(service))
    assert [result for result in rounds if not result.kept] == []
    assert sum(result.decided for result in rounds) > 0
    replayed = replay_journal(journal_url)
    assert replayed.differences == []
    # Each key was decided once, also those whose answer was under way when the service died.
    assert replayed.compared == sum(result.decided + result.in_doubt for result in rounds)


def test_a_machine_that_vanished_gives_its_stream_back_within_seconds(postgres_url: str) -> None:
    store = PostgresStore(make_url(postgres_url), "FULL")
    connection, _ = store.connect(None)
    driver = connection.driver_connection
    assert driver is not None
    shown = [driver.execute(f"SHOW tcp_keepalives_{of}").fetchone()[0] for of in KEEPALIVES]
    store.release(connection)
    store.close()
    idle, interval, count = map(int, shown)
    assert 0 < idle + interval * count < 15


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Serving, Ledger]]:
    """Load a service for a moment and kill it."""
    folder, load = tmp_path_factory.mktemp("used"), Load(1)

    async def busy(service: Serving) -> None:
        loading = asyncio.create_task(load.run(service.port))
        ledger = load.ledger
        await eventually(lambda: ledger.outcomes and ledger.prices and ledger.reasons)
        service.end()
        await loading

    with serving(folder, f"sqlite:///{folder}/himari.db", SETTINGS) as service:
        asyncio.run(busy(service))
        yield service, load.ledger


def folded(service: Serving) -> Fold:
    fold = Fold(service.url)
    fold.advance(2**40)
    fold.close()
    return fold


def test_the_judge_finds_what_was_acknowledged_and_is_missing(
    used: tuple[Serving, Ledger],
) -> None:
    service, ledger = used
    fold = folded(service)
    assert (lost_of(ledger, fold), integrity(service.url)) == ([], "ok")
    assert lost_of(Ledger(outcomes=[("other", "BTC-USD")]), fold) != []
    fold.prices.clear()
    fold.reasons.clear()
    key, body = next(iter(ledger.decided.items()))
    fold.answers[json.loads(body)["decision_id"]]["regime"] = "another"
    lost = lost_of(ledger, fold)
    assert len(lost) == 1 + len(ledger.prices) + len(ledger.reasons)
    assert lost[0] == f"decision of {key}"


def test_the_judge_finds_a_state_that_is_not_the_journals_fold(
    used: tuple[Serving, Ledger],
) -> None:
    service, ledger = used
    service.start()
    fold = folded(service)

    async def look() -> None:
        caller = service.caller()
        state = (await caller.ask("GET", "/state")).document()
        assert fold.believes(state) == []
        # the moment of load may have been too short for an event of the breaker
        fold.circuit = deepcopy(state["circuit"])
        state["strategies"].popitem()
        state["circuit"]["consecutive_failures"] += 1
        state["trading_state"]["state"] = "UNKNOWN"
        assert fold.believes(state) == ["strategies", "trading_state", "circuit"]
        key = next(iter(ledger.decided))
        other = Ledger({key: ledger.asked[key]}, {key: b"other bytes"})
        assert await ask_again(caller, other) == [key]
        caller.close()

    asyncio.run(look())
    service.end()


async def test_the_judge_finds_gaps_and_broken_files(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    async with opened(f"sqlite:///{path}") as journal:
        for seq in (1, 2, 4):
            await journal.append(event(seq, payload=b'{"timestamp_ns": 1, "values": {}}'.strip))
    fold = Fold(f"sqlite:///{path}")
    fold.advance(4)
    fold.close()
    assert (fold.gaps, integrity(f"sqlite:///{path}")) == (1, "ok")
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    assert "malformed" in integrity(f"sqlite:///{path}")
