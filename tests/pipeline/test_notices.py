"""Each change of state gives one notice."""

from typing import Any

import pytest

from app.core.beliefs import TradingStatus
from app.core.policy.circuit import CircuitState, Transition
from app.core.types import FallbackReason, PolicyAnswer, Prediction, TradingState
from app.pipeline.notices import Notice, Thresholds, Watch

CLOSED, OPEN, HALF_OPEN = CircuitState.CLOSED, CircuitState.OPEN, CircuitState.HALF_OPEN


@pytest.fixture
def watch() -> Watch:
    return Watch(Thresholds(limit_near_pct=90.0, limit_clear_pct=80.0, demoted_after=3))


def row(used: float, level: str = "position", identifier: str = "BTC-USD") -> dict[str, Any]:
    return {
        "level": level,
        "identifier": identifier,
        "used_usd": used,
        "limit_usd": 100.0,
        "utilization_pct": used,
    }


def answered(watch: Watch, *confidences: float, version: str = "v1") -> list[str]:
    rows = tuple(Prediction(0.1, confidence, 0.0, 0.02, version) for confidence in confidences)
    notices = watch.model(PolicyAnswer(predictions=rows, model_version=version))
    return [notice.kind for notice in notices]


def kind(notice: Notice | None) -> str | None:
    return None if notice is None else notice.kind


def moved(watch: Watch, before: CircuitState, after: CircuitState) -> str | None:
    return kind(watch.circuit(Transition(before, after, "timeout", 30.0)))


def test_an_outage_gives_one_notice_however_often_its_probes_fail(watch: Watch) -> None:
    moves = [
        (CLOSED, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, OPEN), (OPEN, HALF_OPEN), (HALF_OPEN, CLOSED)
    ]  # fmt: skip
    notices = [moved(watch, *move) for move in moves]
    assert notices == ["circuit.opened", None, None, None, "circuit.closed"]
    assert moved(watch, CLOSED, OPEN) == "circuit.opened"


def test_a_circuit_that_was_never_reported_open_is_not_reported_closed(watch: Watch) -> None:
    assert moved(watch, HALF_OPEN, CLOSED) is None


def test_the_notice_of_the_kill_switch_has_actor_and_reason(watch: Watch) -> None:
    status = TradingStatus(TradingState.HALTED, "bad feed", 5, flatten=True, actor="desk")
    notices = watch.switch(status)
    assert notices.kind == "trading_state.changed"
    assert notices.text == "Trading is HALTED and every target is zero, set by desk: bad feed."
    assert notices.data == {
        "state": "HALTED",
        "flatten": True,
        "reason": "bad feed",
        "actor": "desk",
    }


def test_a_start_gives_a_notice_of_the_kill_switch_unless_it_is_free_to_trade(
    watch: Watch,
) -> None:
    assert watch.start(TradingStatus()) is None
    status = TradingStatus(TradingState.REDUCING, "taken from stream 0", 5, actor="start")
    notice = watch.start(status)
    assert notice is not None
    assert notice.kind == "trading_state.at_start"
    assert notice.text == (
        "The service started. Trading is REDUCING, set by start: taken from stream 0."
    )
    assert notice.data == watch.switch(status).data


def test_a_limit_near_gives_one_notice_until_it_was_left_clearly(watch: Watch) -> None:
    used = [50.0, 90.0, 100.0, 85.0, 95.0, 79.0, 90.0]
    notices = [kind(watch.limits([row(each)])) for each in used]
    assert notices == [None, "limit.near", None, None, None, None, "limit.near"]


def test_a_limit_that_a_decision_does_not_name_gives_no_second_notice(watch: Watch) -> None:
    other = row(10.0, identifier="ETH-USD")
    notices = [watch.limits([each]) for each in (row(99.0), other, row(99.0))]
    assert [kind(each) for each in notices] == ["limit.near", None, None]


def test_limits_that_come_near_together_share_a_notice(watch: Watch) -> None:
    rows = [row(95.0, identifier=f"S{place:02}") for place in range(30)]
    notices = watch.limits(rows)
    assert notices is not None
    assert notices.data["count"] == 30
    assert len(notices.data["limits"]) == 20
    assert "position S00, position S01, position S02 and 27 more" in notices.text


def test_a_threshold_of_zero_gives_no_notice() -> None:
    assert Watch(Thresholds(limit_near_pct=0.0)).limits([row(100.0)]) is None


def test_thresholds_may_change_while_it_watches(watch: Watch) -> None:
    assert watch.limits([row(60.0)]) is None
    watch.thresholds = Thresholds(limit_near_pct=50.0, limit_clear_pct=40.0)
    assert kind(watch.limits([row(60.0)])) == "limit.near"


def test_another_model_version_gives_a_notice_and_the_first_does_not(watch: Watch) -> None:
    notices = [answered(watch, 0.9, version=version) for version in ("v1", "v1", "v2", "v1")]
    assert notices == [[], [], ["model.changed"], ["model.changed"]]


def test_a_model_that_loses_its_confidence_gives_one_notice(watch: Watch) -> None:
    used = answered(watch, 0.9)
    silent = [answered(watch, 0.0, 0.0) for _ in range(5)]
    assert used == []
    assert silent == [[], [], ["model.demoted"], [], []]
    assert answered(watch, 0.0, 0.6) == ["model.restored"]


def test_a_model_that_never_was_confident_is_not_demoted(watch: Watch) -> None:
    assert [answered(watch, 0.0) for _ in range(5)] == [[]] * 5
    assert answered(watch, 0.7) == []


def test_answers_that_failed_say_nothing_of_the_model(watch: Watch) -> None:
    answered(watch, 0.9)
    failed = PolicyAnswer(reason=FallbackReason.TIMEOUT)
    assert [watch.model(failed) for _ in range(5)] == [()] * 5
    assert answered(watch, 0.9) == []


def test_a_failing_journal_and_its_return_give_a_notice_each(watch: Watch) -> None:
    reasons = [None, "disk full", "disk full", "locked", None, None]
    notices = [kind(watch.journal(reason)) for reason in reasons]
    assert notices == [None, "journal.failing", None, None, "journal.restored", None]
