"""Promise 5, second half: a decision can be recomputed from the journal alone."""

import json
from dataclasses import replace
from typing import Any

from hypothesis import given

from app.core.types import Action, Prediction, Regime
from app.pipeline.events import batch_from_json
from app.pipeline.ports import StoredEvent
from tests.contract.engine import Engine, deterministic
from tests.contract.strategies import Case, cases, replying, teach
from tests.fakes import FakeJournal

# the wire's own names of what a restarted service cannot share: its circuit's counters
_NOT_REPLAYED = ("circuit_state", "mode")


def told(case: Case) -> tuple[Engine, FakeJournal]:
    """Serve the case twice, the second time a little later, into a journal."""
    journal = FakeJournal()
    engine = Engine(case.params, None if case.replies is None else replying(case.replies), journal)
    teach(engine, case.past)
    engine.trade(case.state)
    engine.allocate(case.batch)
    later = tuple(
        replace(signal, timestamp_ns=signal.timestamp_ns + 1) for signal in case.batch.signals
    )
    engine.allocate(replace(case.batch, signals=later))
    return engine, journal


def decisions(journal: FakeJournal) -> list[dict[str, Any]]:
    return [json.loads(event.payload) for event in journal.events if event.kind == "decision"]


def recorded_policy(data: dict[str, Any]) -> Any:
    rows = data["policy"]["predictions"]
    if not rows:
        return None
    return replying(tuple(None if row is None else Prediction(**row) for row in rows))


def until(events: list[StoredEvent], version: int) -> list[StoredEvent]:
    return [event for event in events if event.seq <= version]


@given(case=cases())
def test_each_decision_is_recomputed_from_the_journal_alone(case: Case) -> None:
    _, journal = told(case)
    for data in decisions(journal):
        past = until(journal.events, data["state_version"])
        again = Engine(case.params, recorded_policy(data), FakeJournal(past))
        answer = deterministic(again.allocate(batch_from_json(data["batch"])))
        said = deterministic(data["answer"])
        assert answer["allocations"] == said["allocations"]
        assert answer["baseline_allocations"] == said["baseline_allocations"]
        if data["policy"]["predictions"]:
            for name in _NOT_REPLAYED:
                del answer[name], said[name]
            assert answer == said


@given(case=cases())
def test_a_restarted_service_believes_what_the_stopped_one_believed(case: Case) -> None:
    engine, journal = told(case)
    again = Engine(case.params, None, FakeJournal(journal.events))
    assert again.beliefs() == engine.beliefs()


@given(case=cases())
def test_the_journal_holds_the_answer_and_the_whole_request(case: Case) -> None:
    _, journal = told(case)
    first = decisions(journal)[0]
    batch = case.batch
    assert first["batch"]["prices"] == dict(batch.prices)
    assert first["batch"]["portfolio_value"] == batch.portfolio_value
    assert len(first["batch"]["signals"]) == len(batch.signals)
    for row, signal in zip(first["batch"]["signals"], batch.signals, strict=True):
        assert Action(row["action"]) is signal.action
        assert Regime(row["regime"]) is signal.regime
        assert row["expected_return"] == signal.expected_return
    assert batch_from_json(first["batch"]) == batch
