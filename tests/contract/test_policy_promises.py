"""Promise 3 on the policy: bounded, never reopening, failing only towards Phase 2."""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from app.core.errors import Blame, PolicyFailure
from app.core.params import EngineParams, LimitParams, TradingParams
from app.core.types import Action, FallbackReason, PolicyInput, Prediction, TradingState
from tests.contract import promises
from tests.contract.engine import Engine
from tests.contract.requests import SHORTS, request, signal
from tests.contract.strategies import (
    CLOSING,
    HALVING,
    QUARTERING,
    Case,
    cases,
    engine_settings,
    fractions,
    replying,
    teach,
)
from tests.fakes import FakePolicyClient


def reply(position_pct: float, confidence: float = 1.0) -> Prediction:
    return Prediction(position_pct, confidence, 0.001, 0.02, "fake-1")


def echoing(confidence: float) -> FakePolicyClient:
    """Make a policy that answers the baseline it was told."""

    async def script(inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        return tuple(reply(row.baseline_pct, confidence) for row in inputs)

    return FakePolicyClient(script=script)


FAILURES: Sequence[Any] = [
    (PolicyFailure(reason, blame, "a test"), reason)
    for reason, blame in (
        (FallbackReason.TIMEOUT, Blame.FAILURE),
        (FallbackReason.CONNECTION_ERROR, Blame.FAILURE),
        (FallbackReason.BAD_STATUS, Blame.FAILURE),
        (FallbackReason.BAD_STATUS, Blame.NEUTRAL),
        (FallbackReason.INVALID_PREDICTION, Blame.FAILURE),
        (FallbackReason.OVERLOADED, Blame.NEUTRAL),
    )
] + [
    (TimeoutError("a test"), FallbackReason.TIMEOUT),
    (ConnectionResetError("a test"), FallbackReason.CONNECTION_ERROR),
    (RuntimeError("a test"), FallbackReason.INVALID_PREDICTION),
]


@pytest.mark.parametrize(("error", "reason"), FAILURES)
def test_a_failing_policy_leaves_phase_2s_allocation_and_its_reason(
    error: BaseException, reason: FallbackReason
) -> None:
    batch = request(signal(), signal("BBB"))
    answer = Engine(client=FakePolicyClient(error=error)).allocate(batch)
    plain = Engine().allocate(batch)
    assert (answer["strategy"], answer["fallback_reason"]) == ("fallback", reason.value)
    assert answer["allocations"] == answer["baseline_allocations"] == plain["allocations"]
    assert answer["positions"] == plain["positions"]
    assert answer["model_version"] is None


@given(case=cases(rl=True), confidence=fractions(0.0, 0.49))
def test_a_policy_below_the_least_confidence_counts_for_nothing(
    case: Case, confidence: float
) -> None:
    plain = replace(case, replies=None).engine().allocate(case.batch)
    answer = replace(case, replies=(reply(1.0, confidence),)).engine().allocate(case.batch)
    assert answer["strategy"] == "fallback"
    assert answer["fallback_reason"] in {"low_confidence", "empty_batch"}
    for name in ("allocations", "baseline_allocations", "positions"):
        assert answer[name] == plain[name]


@given(case=cases(rl=True))
def test_the_baseline_beside_the_policy_is_what_phase_2_alone_answers(case: Case) -> None:
    plain = replace(case, replies=None).engine().allocate(case.batch)
    answer = case.engine().allocate(case.batch)
    assert answer["baseline_allocations"] == plain["allocations"]


@given(case=cases(), confidence=fractions(0.5, 1.0))
def test_a_policy_that_answers_the_baseline_changes_not_one_bit(
    case: Case, confidence: float
) -> None:
    engine = Engine(case.params, echoing(confidence))
    teach(engine, case.past)
    engine.trade(case.state)
    answer = engine.allocate(case.batch)
    assert answer["allocations"] == answer["baseline_allocations"]


@pytest.mark.parametrize("copies", [1, 3])
def test_the_baseline_answered_at_many_confidences_changes_not_one_bit(copies: int) -> None:
    rng = random.Random(copies)
    for _ in range(60):
        crowd = [
            signal(
                strategy_id=f"s{place}",
                confidence=rng.uniform(0.1, 1.0),
                expected_return=rng.uniform(1e-4, 4e-3),
            )
            for place in range(copies)
        ]

        async def script(inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
            return tuple(reply(row.baseline_pct, rng.uniform(0.5, 1.0)) for row in inputs)

        answer = Engine(client=FakePolicyClient(script=script)).allocate(request(*crowd))
        assert answer["strategy"] == "rl"
        assert answer["allocations"] == answer["baseline_allocations"]


@given(case=cases(rl=True))
def test_symbols_without_a_usable_prediction_keep_phase_2(case: Case) -> None:
    deaf = {"AAA", "CCC", "EEE"}
    replies = case.replies or (None,)

    async def script(inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        return tuple(
            None if row.symbol in deaf else replies[place % len(replies)]
            for place, row in enumerate(inputs)
        )

    engine = Engine(case.params, FakePolicyClient(script=script))
    teach(engine, case.past)
    engine.trade(case.state)
    answer = engine.allocate(case.batch)
    for symbol in deaf & {*answer["allocations"]}:
        gap = answer["allocations"][symbol] - answer["baseline_allocations"][symbol]
        assert abs(gap) <= promises.TOLERANCE * case.batch.portfolio_value


@given(params=engine_settings(), reached=fractions(-1.0, 1.0))
def test_under_exit_the_policy_gets_nothing(params: EngineParams, reached: float) -> None:
    held = {"AAA": 50.0, "BBB": -20.0}
    batch = request(signal(), signal("BBB", Action.SELL), cascade=CLOSING, positions=held)
    answer = Engine(params, FakePolicyClient(answer=reply(reached))).allocate(batch)
    assert answer["allocations"] == {"AAA": 0.0, "BBB": 0.0}


@pytest.mark.parametrize(("cascade", "share"), [(HALVING, 0.5), (QUARTERING, 0.25)])
def test_in_a_cascade_the_policy_gets_the_cut_limit_at_most(cascade: Any, share: float) -> None:
    batch = request(signal(), cascade=cascade)
    answer = Engine(client=FakePolicyClient(answer=reply(1.0))).allocate(batch)
    assert answer["allocations"]["AAA"] == pytest.approx(share * 15_000.0)


@pytest.mark.parametrize(
    ("action", "edge"), [(Action.SELL, 0.002), (Action.BUY, -0.01), (Action.BUY, 0.0)]
)
def test_the_policy_does_not_open_what_phase_1_closed(action: Action, edge: float) -> None:
    batch = request(signal(action=action, expected_return=edge))
    for reached in (1.0, -1.0):
        answer = Engine(client=FakePolicyClient(answer=reply(reached))).allocate(batch)
        assert answer["allocations"] == {"AAA": 0.0}


@pytest.mark.parametrize(("action", "wrong"), [(Action.BUY, -1.0), (Action.SELL, 1.0)])
def test_the_policy_cannot_turn_a_symbol_to_its_other_side(action: Action, wrong: float) -> None:
    batch = request(signal(action=action))
    answer = Engine(SHORTS, FakePolicyClient(answer=reply(wrong))).allocate(batch)
    assert answer["strategy"] == "rl"
    assert answer["allocations"] == {"AAA": 0.0}


def test_the_blend_is_weighted_by_confidence() -> None:
    batch = request(signal())
    plain = Engine().allocate(batch)["allocations"]["AAA"]
    answer = Engine(client=FakePolicyClient(answer=reply(0.12, 0.6))).allocate(batch)
    assert answer["allocations"]["AAA"] == pytest.approx(0.6 * 12_000.0 + 0.4 * plain)
    assert answer["baseline_allocations"]["AAA"] == plain
    assert answer["model_version"] == "fake-1"


def test_several_predictions_on_a_symbol_count_by_confidence() -> None:
    batch = request(signal(), signal(strategy_id="trend"))
    client = replying((reply(0.12, 0.9), reply(0.06, 0.5)))
    plain = Engine().allocate(batch)["allocations"]["AAA"]
    mean = (0.9 * 12_000.0 + 0.5 * 6_000.0) / 1.4
    answer = Engine(client=client).allocate(batch)
    assert answer["allocations"]["AAA"] == pytest.approx(0.7 * mean + 0.3 * plain)


def test_a_policy_is_not_asked_about_hold() -> None:
    client = FakePolicyClient(answer=reply(0.1))
    Engine(client=client).allocate(request(signal(), signal("BBB", Action.HOLD)))
    assert [[row.symbol for row in rows] for rows in client.asked] == [["AAA"]]


def test_five_failures_in_a_row_open_the_circuit_and_phase_2_answers() -> None:
    engine = Engine(client=FakePolicyClient(error=TimeoutError("a test")))
    batch = request(signal())
    answers = [engine.allocate(batch) for _ in range(6)]
    assert [a["fallback_reason"] for a in answers] == ["timeout"] * 5 + ["circuit_open"]
    assert [a["circuit_state"] for a in answers[3:]] == ["closed", "open", "open"]
    assert all(a["allocations"] == answers[0]["allocations"] for a in answers)


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_the_policy_obeys_the_trading_state(state: TradingState) -> None:
    engine = Engine(client=FakePolicyClient(answer=reply(1.0)))
    engine.trade(state)
    answer = engine.allocate(request(signal(), positions={"AAA": 20.0}))
    assert 0.0 <= answer["allocations"]["AAA"] <= 2_000.0
    assert 0.0 <= answer["baseline_allocations"]["AAA"] <= 2_000.0


def test_slow_trading_applies_to_both_allocations_alike() -> None:
    params = EngineParams(
        trading=TradingParams(rebalance_span=9.0), limits=LimitParams(max_position_pct=0.5)
    )
    client = FakePolicyClient(answer=reply(0.4))
    answer = Engine(params, client).allocate(request(signal(), positions={"AAA": 100.0}))
    aim = Engine(replace(params, trading=TradingParams())).allocate(request(signal()))
    plain = aim["allocations"]["AAA"]
    assert answer["allocations"]["AAA"] == pytest.approx(10_000.0 + 0.2 * 30_000.0)
    assert answer["baseline_allocations"]["AAA"] == pytest.approx(10_000.0 + 0.2 * (plain - 10_000))
