"""A start takes the strictest switch of its journal, and refuses what this build cannot read."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.adapters.journal.sql import SqlJournal, iterate_events
from app.core.beliefs import TradingStatus
from app.core.errors import JournalUnavailable
from app.core.types import TradingState
from app.pipeline import events
from app.pipeline.notices import Notices, NullNotices
from app.pipeline.ports import Event
from app.pipeline.service import SizingService
from app.pipeline.starting import is_new_journal
from app.replay import replay_journal
from tests.fakes import FakeClock
from tests.pipeline.builders import LONG_ONLY, SLOW_SHORTS, WHY, batch_of, live, service_on

ANYWHERE = Path("unused")


class Starts(NullNotices):
    """Remembers what it was told of starts."""

    def __init__(self) -> None:
        self.found: list[TradingStatus] = []

    def started(self, status: TradingStatus) -> None:
        self.found.append(status)


@asynccontextmanager
async def serving(
    url: str, at_first: TradingState = TradingState.ACTIVE, notices: Notices | None = None
) -> AsyncIterator[SizingService]:
    journal = SqlJournal(url, synchronous="NORMAL")
    service = service_on(ANYWHERE, LONG_ONLY, journal=journal)
    if notices is not None:
        world = replace(service.world, notices=notices)
        service = SizingService(LONG_ONLY, world, service.mode)
    await service.start(at_first)
    try:
        yield service
    finally:
        await service.stop()


def stored(url: str, kind: str, stream: int = 0) -> list[dict[str, Any]]:
    found = iterate_events(url, stream)
    return [events.read_event(each) for each in found if each.kind == kind]


async def write(url: str, kind: str, data: dict[str, Any]) -> None:
    """Write one event as a start's first, in a journal of its own."""
    journal = SqlJournal(url, synchronous="NORMAL")
    await journal.open()
    known = await journal.events_after(0, 1_000)
    await journal.append(Event(len(known) + 1, kind, 1, lambda: events.encode(data)))
    await journal.close()


# -- rules, kinds and fields ---------------------------------------------------------------------


async def test_a_journal_without_rules_is_refused_with_what_to_do(journal_url: str) -> None:
    settings = {"params": LONG_ONLY.to_json(), "digest": "d", "was": None}
    settings |= {"value": "", "reason": "", "actor": ""}
    await write(journal_url, events.SETTINGS, settings)
    for _ in range(2):  # a refused start releases the journal
        with pytest.raises(JournalUnavailable) as refused:
            async with serving(journal_url):
                pass
        assert "of rules 1" in str(refused.value)
        assert "export its decisions" in str(refused.value)
        assert "HIMARI_DATABASE_URL" in str(refused.value)
    with pytest.raises(JournalUnavailable, match="of rules 1"):
        replay_journal(journal_url)


async def test_a_journal_of_newer_rules_names_the_build_to_run(journal_url: str) -> None:
    settings = {"params": LONG_ONLY.to_json(), "digest": "d", "was": None, "rules": 3}
    settings |= {"value": "", "reason": "", "actor": "", "build": "9.9.9"}
    await write(journal_url, events.SETTINGS, settings)
    with pytest.raises(JournalUnavailable, match=r"rules 3, newer than 2 .*run the build 9\.9\.9"):
        async with serving(journal_url):
            pass


@pytest.mark.parametrize(
    ("kind", "data", "words"),
    [
        ("omen", {"symbol": "A"}, "event 2 .*kind `omen`, is of a kind"),
        ("split", {"symbol": "A"}, "event 2 .*`split`, lacks `actor`, `ratio`, `reason`"),
        ("prices", {"timestamp_ns": 1, "values": {}, "x": 1}, "event 2 .*`prices`, has `x`"),
        ("prices", {"timestamp_ns": 1}, "event 2 .*`prices`, lacks `values`"),
    ],
)
async def test_what_this_build_does_not_know_is_refused_by_kind_seq_and_build(
    tmp_path: Path, kind: str, data: dict[str, Any], words: str
) -> None:
    url = f"sqlite:///{tmp_path}/himari.db"
    async with serving(url):
        pass
    await write(url, kind, data)
    with pytest.raises(JournalUnavailable, match=words) as refused:
        async with serving(url):
            pass
    assert f"({events.BUILD})" in str(refused.value)
    with pytest.raises(JournalUnavailable, match=words):
        replay_journal(url)


async def test_notes_of_later_builds_are_passed_over(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/himari.db"
    async with serving(url) as service:
        await service.allocate(batch_of(0))
        before = service.beliefs.export()
    await write(url, "note_of_tomorrow", {"anything": 1})
    async with serving(url) as service:
        assert service.beliefs.export() == before
        await service.allocate(batch_of(1))
    report = replay_journal(url)
    assert (report.compared, report.differences) == (2, [])


async def test_a_checkpoint_of_other_rules_is_not_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/himari.db"
    async with serving(url) as service:
        await service.allocate(batch_of(0))
        before, seq = service.beliefs.export(), 2
        await service.world.journal.append(Event(3, "note_", 1, lambda: b"{}"))
        service.world.journal.save_checkpoint(3, lambda: b'{"rules": 1, "params": null}')
    async with serving(url) as service:
        assert service.beliefs.export() == before
        assert service.showing.state()["state_version"] == seq + 1


async def test_the_first_start_with_another_build_journals_its_settings_anew(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path}/himari.db"
    settings = {"params": LONG_ONLY.to_json(), "digest": "d", "was": None, "rules": events.RULES}
    settings |= {"value": "", "reason": "", "actor": "", "build": "0.0.1"}
    await write(url, events.SETTINGS, settings)
    for _ in range(2):
        async with serving(url):
            pass
    builds = [each["build"] for each in stored(url, events.SETTINGS)]
    assert builds == ["0.0.1", events.BUILD]


# -- the strictest switch of all streams ---------------------------------------------------------


async def halt(service: SizingService, *, flatten: bool = False) -> None:
    halted = TradingState.HALTED
    await service.operating.set_trading_state(halted, "flood", "risk", flatten=flatten)


@pytest.mark.parametrize("flatten", [False, True])
async def test_a_second_process_takes_the_halt_of_a_running_one(
    postgres_url: str,
    flatten: bool,  # noqa: FBT001 - a case
) -> None:
    async with serving(postgres_url) as first:
        await halt(first, flatten=flatten)
        async with serving(postgres_url) as second:
            found = second.operating.trading_state()
            assert (found["state"], found["flatten"]) == ("HALTED", flatten)
            assert found["actor"] == "start"
            assert found["reason"] == "taken from stream 0 of the journal by risk: flood"
            acts = (await second.showing.operations())["operations"]
            assert (acts[0]["what"], acts[0]["value"]) == ("trading_state", "HALTED")
            answer = (await second.allocate(batch_of(0))).answer
            assert any("HALTED" in warning for warning in answer["warnings"])
    assert stored(postgres_url, events.TRADING_STATE, 1)[0]["taken"]["trading_state 0"] > 0
    report = replay_journal(postgres_url, stream=1)
    assert (report.compared, report.differences) == (1, [])


async def test_a_halt_is_found_behind_a_checkpoint_too(postgres_url: str) -> None:
    async with serving(postgres_url), serving(postgres_url) as second:
        await halt(second)
    async with serving(postgres_url) as again:
        assert again.operating.trading_state()["reason"].startswith("taken from stream 1")


async def test_the_strictest_of_several_streams_holds_and_a_laxer_one_changes_nothing(
    postgres_url: str,
) -> None:
    async with serving(postgres_url) as one, serving(postgres_url) as two:
        await one.operating.set_trading_state(TradingState.REDUCING, "calm", "desk")
        await halt(two)
        async with serving(postgres_url) as three:
            assert three.operating.trading_state()["state"] == "HALTED"
            await three.operating.set_trading_state(TradingState.HALTED, "own", "me", flatten=True)
        async with serving(postgres_url) as three:
            assert three.operating.trading_state()["reason"] == "own"


async def test_a_halt_that_was_taken_and_lifted_is_not_taken_again(postgres_url: str) -> None:
    async with serving(postgres_url), serving(postgres_url) as gone:
        await halt(gone)
        await gone.operating.set_circuit_mode("forced_open", "bad model", "risk")
    async with serving(postgres_url) as service:
        assert service.operating.trading_state()["state"] == "HALTED"
        await service.operating.set_trading_state(TradingState.ACTIVE, "over", "risk")
        await service.operating.reset_circuit("over", "risk")
    for _ in range(2):
        async with serving(postgres_url) as service:
            assert service.operating.trading_state()["state"] == "ACTIVE"
            assert service.operating.circuit()["mode"] == "auto"


async def test_a_forced_breaker_is_taken_and_shown_as_an_act(postgres_url: str) -> None:
    async with serving(postgres_url) as first:
        await first.operating.set_circuit_mode("forced_open", "bad model", "risk")
        async with serving(postgres_url) as second:
            assert second.operating.circuit()["mode"] == "forced_open"
            acts = (await second.showing.operations())["operations"]
            assert (acts[0]["what"], acts[0]["value"]) == ("circuit_mode", "forced_open")
            assert acts[0]["reason"].startswith("taken from stream 0 of the journal")
        async with serving(postgres_url) as second:
            assert second.operating.circuit()["mode"] == "forced_open"
    assert len(stored(postgres_url, events.OPERATOR, 1)) == 1


async def test_another_stream_of_other_rules_refuses_the_start(postgres_url: str) -> None:
    settings = {"params": LONG_ONLY.to_json(), "digest": "d", "was": None}
    settings |= {"value": "", "reason": "", "actor": ""}
    journal = SqlJournal(postgres_url, stream=1, synchronous="NORMAL")
    await journal.open()
    await journal.append(Event(1, events.SETTINGS, 1, lambda: events.encode(settings)))
    await journal.close()
    with pytest.raises(JournalUnavailable, match="of rules 1"):
        async with serving(postgres_url):
            pass


async def test_people_are_told_of_a_halt_that_a_start_took_from_another_stream(
    postgres_url: str,
) -> None:
    told = Starts()
    async with serving(postgres_url) as first:
        await halt(first, flatten=True)
        async with serving(postgres_url, notices=told):
            pass
    (status,) = told.found
    assert (status.state, status.flatten, status.actor) == (TradingState.HALTED, True, "start")
    assert status.reason == "taken from stream 0 of the journal by risk: flood"


async def test_people_are_told_of_the_switch_that_every_start_finds(tmp_path: Path) -> None:
    url, told = f"sqlite:///{tmp_path}/himari.db", Starts()
    async with serving(url, TradingState.REDUCING, told) as service:
        await halt(service)
    async with serving(url, notices=told) as service:
        await service.operating.set_trading_state(TradingState.ACTIVE, "over", "risk")
    async with serving(url, notices=told):
        pass
    found = [(status.state.value, status.actor) for status in told.found]
    assert found == [("REDUCING", "start"), ("HALTED", "risk"), ("ACTIVE", "risk")]


# -- a new journal -------------------------------------------------------------------------------


async def test_a_new_journal_begins_in_the_state_of_the_settings(journal_url: str) -> None:
    async with serving(journal_url, TradingState.REDUCING) as service:
        found = service.operating.trading_state()
        assert (found["state"], found["actor"]) == ("REDUCING", "start")
        await service.operating.set_trading_state(TradingState.ACTIVE, "go", "desk")
    async with serving(journal_url, TradingState.HALTED) as service:
        assert service.operating.trading_state()["state"] == "ACTIVE"


async def test_a_start_logs_where_the_journal_is_and_whether_it_is_new(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    for new, events_known in ((True, 1), (False, 1)):
        with capture_logs() as logged:
            async with serving(f"sqlite:///{path}"):
                pass
        (line,) = [each for each in logged if each["event"] == "journal_opened"]
        assert (line["journal"], line["new"]) == (str(path), new)
        assert (line["events"], line["trading_state"]) == (events_known, "ACTIVE")


async def test_reading_a_journal_beforehand_leaves_it_new(journal_url: str) -> None:
    for _ in range(2):
        journal = SqlJournal(journal_url, synchronous="NORMAL")
        assert await is_new_journal(journal, LONG_ONLY, FakeClock())
    async with serving(journal_url):
        pass
    journal = SqlJournal(journal_url, synchronous="NORMAL")
    assert not await is_new_journal(journal, LONG_ONLY, FakeClock())


# -- ids of requests and decisions ---------------------------------------------------------------


async def test_events_carry_the_request_and_the_decision_that_caused_them(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    named = replace(service.world, request_id=lambda: "req-1")
    service = SizingService(LONG_ONLY, named, "fallback")
    await service.start()
    decided = (await service.allocate(batch_of(0))).answer["decision_id"]
    await halt(service)
    assert (await service.showing.decision(decided))["request_id"] == "req-1"
    act = (await service.showing.operations())["operations"][0]
    assert (act["what"], act["request_id"], act["decision_id"]) == ("trading_state", "req-1", None)
    await service.stop()
    (decision,) = stored(f"sqlite:///{path}", events.DECISION)
    assert (decision["request_id"], decision["decision_id"]) == ("req-1", decided)


# -- replay --------------------------------------------------------------------------------------


async def test_a_journal_with_settings_switch_and_breaker_replays_to_the_last_bit(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    await service.start(TradingState.REDUCING)
    await live(service, range(4))
    await service.operating.change_settings(SLOW_SHORTS, WHY)
    await service.operating.set_circuit_mode("forced_open", "drill", "desk")
    await halt(service)
    await live(service, range(4, 8))
    await service.operating.reset_circuit("over", "desk")
    await service.operating.set_trading_state(TradingState.ACTIVE, "over", "desk", rebase=True)
    await live(service, range(8, 12))
    await service.stop()
    report = replay_journal(f"sqlite:///{path}")
    assert (report.compared, report.differences) == (12, [])
