"""The guide's hybrid in process: its journal, threads, stop and metrics."""

import asyncio
import gc
import sqlite3
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from app.core.types import TradingState
from app.facade import Layer3Phase3Hybrid
from app.facade.journal import BoundedJournal
from app.pipeline.ports import DecisionIndex, Event
from tests.facade.guide import DEAD_ENDPOINT, decide, metric


def test_nothing_is_journalled_to_disk_unless_a_database_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Layer3Phase3Hybrid() as hybrid:
        decide(hybrid)
    assert list(tmp_path.iterdir()) == []


def test_memory_keeps_fewer_decisions_when_they_are_large() -> None:
    journal = BoundedJournal(max_symbols=30)
    symbols = tuple(f"SYM{place}" for place in range(10))

    def decided(number: int, names: tuple[str, ...]) -> Event:
        index = DecisionIndex(str(number), "rl", None, "mock", None, "", names, ())
        return Event(number, "decision", 0, lambda: b"{}", decision=index)

    for number in range(5):
        journal.append(decided(number, symbols))
    assert [asyncio.run(journal.decision(str(n))) is not None for n in range(5)] == [
        False,
        False,
        True,
        True,
        True,
    ]
    journal.append(decided(5, symbols * 9))
    assert asyncio.run(journal.decision("4")) is None
    assert asyncio.run(journal.decision("5")) is not None


def test_with_a_database_decisions_and_learning_survive_the_instance(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with Layer3Phase3Hybrid(database_url=url) as hybrid:
        answer = decide(hybrid)
    with Layer3Phase3Hybrid(database_url=url) as hybrid:
        assert (
            hybrid.record_outcome("BTC-USD", 0.1, decision_id=answer.decision_id)["accepted"] == 1
        )
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        found = connection.execute("SELECT decision_id FROM decisions").fetchall()
    connection.close()
    assert found == [(answer.decision_id,)]


def test_moves_of_the_breaker_are_journalled_whichever_thread_made_them(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with Layer3Phase3Hybrid(enable_rl=True, rl_endpoint=DEAD_ENDPOINT, database_url=url) as hybrid:
        for _ in range(5):
            decide(hybrid, "BTC-USD")
        assert hybrid.rl_client.circuit_breaker.state == "open"
        hybrid.rl_client.circuit_breaker.reset()
        hybrid.get_state()
    with sqlite3.connect(tmp_path / "journal.db") as connection:
        kinds = [kind for (kind,) in connection.execute("SELECT kind FROM events ORDER BY seq")]
    connection.close()
    assert kinds.count("breaker") == 2


def test_concurrent_callers_are_all_counted() -> None:
    with Layer3Phase3Hybrid() as hybrid, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: decide(hybrid), range(80)))
        assert len({answer.decision_id for answer in answers}) == 80
        assert hybrid.get_state()["total_decisions"] == 80


@pytest.mark.parametrize("mode", [{}, {"enable_rl": True, "use_mock_rl": True}])
def test_a_stopped_instance_raises_and_can_be_stopped_again(mode: dict[str, Any]) -> None:
    hybrid = Layer3Phase3Hybrid(**mode)
    hybrid.stop()
    hybrid.stop()
    with pytest.raises(RuntimeError, match="this instance was stopped"):
        decide(hybrid)
    assert not [t for t in threading.enumerate() if t.name == "himari-loop"]


def test_the_thread_of_a_collected_instance_ends() -> None:
    hybrid = Layer3Phase3Hybrid(enable_rl=True, use_mock_rl=True)
    decide(hybrid)
    gone = weakref.ref(hybrid)
    (thread,) = [t for t in threading.enumerate() if t.name == "himari-loop"]
    del hybrid
    gc.collect()
    assert gone() is None
    thread.join(5.0)
    assert not thread.is_alive()


def test_a_program_that_never_stops_its_instance_ends_by_itself() -> None:
    program = (
        "from app.facade import Layer3Phase3Hybrid\n"
        "hybrid = Layer3Phase3Hybrid(enable_rl=True, use_mock_rl=True)\n"
        "print(hybrid.get_state()['total_decisions'])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "0\n", "")


def test_instances_share_one_metric_set_unless_metrics_are_off() -> None:
    name = "himari_l3_position_decisions_total"
    with Layer3Phase3Hybrid() as one, Layer3Phase3Hybrid() as two:
        before = metric(name, strategy_id="fallback")
        decide(one)
        decide(two)
        assert metric(name, strategy_id="fallback") == before + 2
    with Layer3Phase3Hybrid(enable_metrics=False) as silent:
        decide(silent)
    assert metric(name, strategy_id="fallback") == before + 2


def test_it_is_the_engine_of_the_service_with_its_kill_switch() -> None:
    with Layer3Phase3Hybrid() as hybrid:
        halted = hybrid.service.operating.set_trading_state(TradingState.HALTED, "test", "operator")
        asyncio.run(halted)
        assert decide(hybrid).allocations == {}


@pytest.mark.parametrize("mode", [{}, {"enable_rl": True, "use_mock_rl": True}])
def test_a_new_journal_begins_in_the_trading_state_that_was_asked_for(
    tmp_path: Path, mode: dict[str, Any]
) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    for place in (None, url):
        halted = Layer3Phase3Hybrid(database_url=place, trading_state_at_first="HALTED", **mode)
        with halted as hybrid:
            assert hybrid.get_state()["trading_state"]["actor"] == "start"
            assert decide(hybrid).allocations == {}
    # the journal is no longer new: what it holds counts, whatever is asked for
    with Layer3Phase3Hybrid(database_url=url, trading_state_at_first="ACTIVE", **mode) as hybrid:
        assert hybrid.get_state()["trading_state"]["state"] == "HALTED"


def test_an_unknown_trading_state_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"trading_state_at_first must be .*was 'CLOSED'"):
        Layer3Phase3Hybrid(trading_state_at_first="closed")
