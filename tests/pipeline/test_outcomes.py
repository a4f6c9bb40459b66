"""What each posted outcome comes to: a lesson, a comparison, a duplicate or a refusal."""

from typing import Any

import pytest

from app.core.books.records import outcome_period
from app.core.types import Action, Outcome
from app.pipeline.events import batch_to_json
from app.pipeline.outcomes import Resolved, resolve_outcomes
from tests.strategies import NOW_NS, make_batch, make_signal

# A was short 100 USD in Phase 2 and 150 USD with the policy; of its two signals one had a direction
DECISION: dict[str, Any] = {
    "answer": {
        "decision_id": "d1",
        "strategy": "rl",
        "portfolio_value": 1000.0,
        "allocations": {"A": -150.0, "B": 0.0},
        "baseline_allocations": {"A": -100.0},
        "rejected_signals": [],
        "positions": [{"symbol": "A", "price": 50.0}],
    },
    "batch": batch_to_json(
        make_batch(
            make_signal(strategy_id="trend", symbol="A", action=Action.SELL),
            make_signal(strategy_id="carry", symbol="A", action=Action.HOLD),
            prices={"A": 50.0},
        )
    ),
    "trace": [
        ["A", "carry", 0.0, 0.0, 0.1, 86_400.0, 0.0],
        ["A", "trend", -1.0, 0.02, 0.1, 86_400.0, 0.05],
    ],
    "rl_symbols": ["A"],
}
# one of a volatility so large that nothing is far
TWO_SIDED = [["A", "carry", 1.0, 0.0, 1.0, 86_400.0, 0.0], DECISION["trace"][1]]
PERIOD = outcome_period(NOW_NS)
DAY = 86_400.0
DECISIONS = {"d1": DECISION, "unknown": None}


def resolved_of(
    outcomes: list[Outcome],
    decisions: dict[str, Any],
    known: set[tuple[str, str]],
    moved: float = 0.0,
) -> Resolved:
    return resolve_outcomes(
        outcomes, decisions, known, lambda _symbol, _price, _since: moved, DAY, 0.1
    )


def lesson(z: float, **changes: Any) -> dict[str, Any]:
    """Return what `trend` is taught of A by an outcome of so many volatilities."""
    usual = {
        "strategy": "trend",
        "decision": "d1",
        "symbol": "A",
        "period": PERIOD,
        "c": 0.05,
        "z": pytest.approx(z),
        "residual": pytest.approx(abs(z - 0.2)),
        "horizon_sec": DAY,
    }
    return usual | changes


def test_an_outcome_of_a_decision_teaches_its_strategy_and_prices_both_allocations() -> None:
    resolved = resolved_of([Outcome("A", -0.5, decision_id="d1")], DECISIONS, set())

    assert resolved.facts() == {
        "lessons": [lesson(5.0)],
        "unpaired": [[0.5, True, "d1", "A"]],
        "paired": [["d1", pytest.approx(0.025), pytest.approx(0.05), "A"]],
        "pairs": [["d1", "A"]],
    }
    assert resolved.pairs == [("d1", "A")]
    assert resolved.report() == {"accepted": 1, "duplicates": 0, "rejected": []}


def test_a_lesson_is_over_the_horizon_that_its_decision_was_made_with() -> None:
    hour = 3_600.0
    trace = [[*row[:5], hour, row[6]] for row in DECISION["trace"]]
    decision = {**DECISION, "trace": trace}
    resolved = resolved_of([Outcome("A", -0.5, decision_id="d1")], {"d1": decision}, set())

    period = outcome_period(NOW_NS, hour)
    assert period != PERIOD
    assert resolved.lessons == [lesson(5.0, horizon_sec=hour, period=period)]


def test_a_symbol_without_a_target_is_no_trade() -> None:
    resolved = resolved_of([Outcome("B", 0.5, decision_id="d1")], DECISIONS, set())

    assert resolved.facts() == {
        "lessons": [],
        "unpaired": [],
        "paired": [["d1", 0.0, 0.0, "B"]],
        "pairs": [["d1", "B"]],
    }
    assert resolved.accepted == 1


@pytest.mark.parametrize("known", [set(), {("d1", "A")}])
def test_a_pair_counts_once_within_a_request_and_over_requests(
    known: set[tuple[str, str]],
) -> None:
    before = set(known)
    resolved = resolved_of([Outcome("A", 0.1, decision_id="d1")] * 2, DECISIONS, known)

    assert (resolved.accepted, resolved.duplicates) == (1 - len(before), 1 + len(before))
    assert len(resolved.paired) == 1 - len(before)
    assert known == before


def test_an_outcome_without_a_decision_brings_its_own_prediction() -> None:
    claims: dict[str, Any] = {
        "strategy_id": "trend",
        "predicted_return": 0.01,
        "predicted_volatility": 0.2,
    }
    outcomes = [Outcome("A", 0.1, **claims), Outcome("A", -0.2, used_rl=False)]
    resolved = resolved_of(outcomes, {}, set())

    assert resolved.lessons == [
        lesson(0.5, decision=None, period=None, c=pytest.approx(0.05), residual=None)
    ]
    assert resolved.unpaired == [[-0.2, False, None, "A"]]
    assert (resolved.accepted, resolved.paired, resolved.pairs) == (2, [], [])


@pytest.mark.parametrize(("predicted", "claim"), [(0.01, 0.05), (0.5, 0.1), (0.0, 0.0)])
def test_a_free_claim_counts_as_far_as_it_is_believed(predicted: float, claim: float) -> None:
    free = Outcome("A", 0.1, None, None, "trend", predicted, 0.2)
    assert [each["c"] for each in resolved_of([free], {}, set()).lessons] == [pytest.approx(claim)]


def test_a_negative_claim_teaches_nothing_and_its_outcome_is_accepted() -> None:
    free = Outcome("A", 0.1, None, None, "trend", -0.01, 0.2)
    trace = [DECISION["trace"][0], [*DECISION["trace"][1][:6], None]]
    resolved = resolved_of(
        [free, Outcome("A", 0.1, "d1")], {"d1": {**DECISION, "trace": trace}}, set()
    )
    assert (resolved.accepted, resolved.lessons) == (2, [])
    assert resolved.pairs == [("d1", "A")]


@pytest.mark.parametrize(
    ("outcome", "reason"),
    [
        (Outcome("A", 0.1, decision_id="unknown"), "no decision 'unknown' is journalled"),
        (Outcome("C", 0.1, decision_id="d1"), "decision d1 has no symbol 'C'"),
        (Outcome("A", 0.1), "without decision_id, used_rl is needed"),
        (
            Outcome("A", 0.1, strategy_id="trend"),
            "strategy_id, predicted_return and predicted_volatility go together",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_place_and_reason(
    outcome: Outcome, reason: str
) -> None:
    resolved = resolved_of([Outcome("A", 0.1, used_rl=True), outcome], DECISIONS, set())

    assert resolved.rejected == [{"index": 1, "reason": reason}]
    assert resolved.facts() == {
        "lessons": [],
        "unpaired": [[0.1, True, None, "A"]],
        "paired": [],
        "pairs": [],
    }


@pytest.mark.parametrize(
    ("realized", "moved", "taken"),
    [(2.0, 0.0, True), (2.01, 0.0, False), (2.01, 1.0, False), (2.01, 1.1, True)],
)
def test_beyond_twenty_claimed_volatilities_only_a_believed_move_vouches(
    realized: float, moved: float, *, taken: bool
) -> None:
    resolved = resolved_of([Outcome("A", realized, "d1")], DECISIONS, set(), moved)
    assert resolved.accepted == int(taken)
    assert len(resolved.lessons) == len(resolved.pairs) == len(resolved.paired) == int(taken)
    assert (resolved.refused, resolved.clipped) == (int(not taken), int(taken))


def test_a_lesson_too_far_off_is_left_out_and_the_others_are_learnt() -> None:
    decision = {
        **DECISION,
        "trace": TWO_SIDED,
    }
    resolved = resolved_of([Outcome("A", 3.0, "d1")], {"d1": decision}, set())
    assert [each["strategy"] for each in resolved.lessons] == ["carry"]
    assert (resolved.accepted, resolved.refused, resolved.rejected) == (1, 1, [])


def test_a_free_outcome_beyond_twenty_has_no_price_to_vouch_for_it() -> None:
    claims: dict[str, Any] = {
        "strategy_id": "trend",
        "predicted_return": 0.01,
        "predicted_volatility": 0.1,
        "used_rl": True,
    }
    resolved = resolved_of([Outcome("A", -2.1 + 1.2, **claims)], {}, set(), 9.0)
    assert (resolved.accepted, resolved.clipped) == (1, 1)
    resolved = resolved_of([Outcome("A", 2.1, **claims)], {}, set(), 9.0)
    assert (resolved.accepted, resolved.refused, resolved.unpaired) == (0, 1, [])
    assert resolved.rejected[0]["reason"] == (
        "the return is 21 times the predicted volatility 0.1, the limit is 20: percent for a "
        "fraction?"
    )


def test_the_outcome_of_a_symbol_that_was_set_apart_is_refused() -> None:
    answer = {**DECISION["answer"], "positions": [{"symbol": "C", "set_apart": True}]}
    resolved = resolved_of([Outcome("C", 0.1, "d1")], {"d1": {**DECISION, "answer": answer}}, set())
    assert resolved.rejected[0]["reason"] == "symbol 'C' was set apart in decision d1"
