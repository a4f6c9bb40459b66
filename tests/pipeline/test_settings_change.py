"""Settings change while the service decides: at once, whole, journalled, and a replay follows."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.adapters.journal.sql import iterate_events
from app.adapters.policy.mock import MockPolicyClient
from app.core.errors import JournalUnavailable
from app.core.params import (
    ConformalParams,
    EngineParams,
    KellyParams,
    LimitParams,
    MarketParams,
    TradingParams,
)
from app.pipeline import events
from app.pipeline.engine import SettingsChange
from tests.pipeline.builders import (
    LONG_ONLY,
    SLOW_SHORTS,
    WHY,
    FullJournal,
    WaitingPolicy,
    assert_replays,
    batch_of,
    live,
    service_on,
)

SMALLER = replace(LONG_ONLY, kelly=KellyParams(fraction=0.05))
# windows and memories that are shorter than what was learnt
NARROW = EngineParams(
    conformal=ConformalParams(window=10, active_from=5),
    market=MarketParams(history=20, max_symbols=3),
    limits=LimitParams(max_position_pct=0.02),
)
# unlike a limit it holds from the next decision on
NO_TRADES = replace(NARROW, trading=TradingParams(default_min_notional_usd=1e12))


def settings_events(path: Path) -> list[dict[str, Any]]:
    stored = iterate_events(f"sqlite:///{path}", 0)
    return [events.decode(each.payload) for each in stored if each.kind == events.SETTINGS]


async def test_a_change_holds_from_the_next_decision_on_and_is_journalled(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    await service.start()
    before = (await service.allocate(batch_of(0))).answer
    await service.operating.change_settings(SMALLER, WHY)
    after = (await service.allocate(batch_of(0))).answer
    stored = await service.showing.decision(after["decision_id"])
    state = service.showing.state()
    await service.stop()
    assert 0.0 < after["total_allocated_usd"] < before["total_allocated_usd"]
    assert (state["settings_hash"], state["params"]) == (SMALLER.digest(), SMALLER.to_json())
    assert stored["answer"] == after
    change = settings_events(path)[-1]
    assert (change["was"], change["digest"]) == (LONG_ONLY.digest(), SMALLER.digest())
    assert (change["value"], change["reason"], change["actor"]) == (
        "kelly_fraction",
        "the file changed",
        "settings",
    )
    assert_replays(path, 2)


async def test_many_changes_between_decisions_replay_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY, MockPolicyClient(seed=3))
    await service.start()
    for number, params in enumerate((LONG_ONLY, SLOW_SHORTS, NARROW, SMALLER, SLOW_SHORTS)):
        await service.operating.change_settings(params, WHY)
        await live(service, range(number * 12, number * 12 + 12), symbols=6)
    await service.stop()
    assert_replays(path, 60)


async def test_a_decision_that_waits_for_the_policy_takes_smaller_limits_and_nothing_else(
    tmp_path: Path,
) -> None:
    path = tmp_path / "himari.db"
    policy = WaitingPolicy()
    service = service_on(path, LONG_ONLY, policy)
    await service.start()
    waiting = asyncio.create_task(service.allocate(batch_of(0)))
    await policy.asked.wait()
    await service.operating.change_settings(NO_TRADES, WHY)
    policy.let.set()
    old = (await waiting).answer
    new = (await service.allocate(batch_of(2))).answer
    await service.stop()
    largest = max(map(abs, old["allocations"].values()))
    assert largest == pytest.approx(0.02 * old["portfolio_value"])
    assert set(new["allocations"].values()) == {0.0}
    assert settings_hashes(path) == [NO_TRADES.digest(), LONG_ONLY.digest()]
    assert_replays(path, 2)


def settings_hashes(path: Path) -> list[str]:
    """Of the journalled decisions, newest first, as their index has it."""
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT settings_hash FROM decisions ORDER BY seq DESC")
        return [row[0] for row in found]


async def test_a_restart_goes_on_with_what_was_learnt_before_the_change(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    await service.start()
    await live(service, range(20))
    await service.operating.change_settings(SMALLER, WHY)
    await live(service, range(20, 25))
    before = service.beliefs.export()
    await service.stop()
    again = service_on(path, SMALLER)
    await again.start()
    assert again.beliefs.export() == before
    assert len(settings_events(path)) == 2
    await again.stop()


async def test_a_change_of_no_number_is_journalled_as_an_operators_act(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    service = service_on(path, LONG_ONLY)
    await service.start()
    await service.operating.change_settings(
        LONG_ONLY, SettingsChange("log_level", "SIGHUP", "settings")
    )
    await service.stop()
    stored = list(iterate_events(f"sqlite:///{path}", 0))
    assert stored[-1].kind == events.OPERATOR
    assert events.decode(stored[-1].payload)["value"] == "log_level"


async def test_without_a_journal_nothing_changes(tmp_path: Path) -> None:
    service = service_on(tmp_path / "himari.db", LONG_ONLY)
    await service.start()
    beliefs = service.beliefs
    await service.stop()
    with pytest.raises(JournalUnavailable):
        service.operating.change_settings(SMALLER, WHY)
    assert (service.params, service.settings_hash) == (LONG_ONLY, LONG_ONLY.digest())
    assert service.beliefs is beliefs


async def test_a_change_that_finds_no_room_in_the_journal_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "himari.db"
    journal = FullJournal(f"sqlite:///{path}")
    service = service_on(path, LONG_ONLY, journal=journal)
    await service.start()
    beliefs, journal.full = service.beliefs, True
    with pytest.raises(JournalUnavailable):
        service.operating.change_settings(SMALLER, WHY)
    assert (service.params, service.settings_hash) == (LONG_ONLY, LONG_ONLY.digest())
    assert service.beliefs is beliefs
    journal.full = False
    await service.allocate(batch_of(0))
    await service.stop()
    assert_replays(path, 1)
