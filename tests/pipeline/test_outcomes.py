"""What each posted outcome comes to: a lesson, a comparison, a duplicate or a refusal."""

from typing import Any

import pytest

from app.core.types import Outcome
from app.pipeline.outcomes import resolve_outcomes

# A was short 100 USD in Phase 2 and 150 USD with the policy; of its two signals one had a direction
DECISION: dict[str, Any] = {
    "answer": {
        "decision_id": "d1",
        "strategy": "rl",
        "portfolio_value": 1000.0,
        "allocations": {"A": -150.0, "B": 0.0},
        "baseline_allocations": {"A": -100.0},
    },
    "trace": [["A", "trend", -1.0, 0.02, 0.1], ["A", "carry", 0.0, 0.0, 0.1]],
    "rl_symbols": ["A"],
}
DECISIONS = {"d1": DECISION, "unknown": None}


def test_an_outcome_of_a_decision_teaches_its_strategy_and_prices_both_allocations() -> None:
    resolved = resolve_outcomes([Outcome("A", -0.5, decision_id="d1")], DECISIONS, set())

    assert resolved.facts() == {
        "lessons": [["trend", 0.5, 0.02, 0.1]],
        "unpaired": [[0.5, True]],
        "paired": [["d1", pytest.approx(0.025), pytest.approx(0.05)]],
    }
    assert resolved.pairs == [("d1", "A")]
    assert resolved.report() == {"accepted": 1, "duplicates": 0, "rejected": []}


def test_a_symbol_without_a_target_is_no_trade() -> None:
    resolved = resolve_outcomes([Outcome("B", 0.5, decision_id="d1")], DECISIONS, set())

    assert resolved.facts() == {"lessons": [], "unpaired": [], "paired": [["d1", 0.0, 0.0]]}
    assert resolved.accepted == 1


@pytest.mark.parametrize("known", [set(), {("d1", "A")}])
def test_a_pair_counts_once_within_a_request_and_over_requests(
    known: set[tuple[str, str]],
) -> None:
    before = set(known)
    resolved = resolve_outcomes([Outcome("A", 0.1, decision_id="d1")] * 2, DECISIONS, known)

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
    resolved = resolve_outcomes(outcomes, {}, set())

    assert resolved.lessons == [["trend", 0.1, 0.01, 0.2]]
    assert resolved.unpaired == [[-0.2, False]]
    assert (resolved.accepted, resolved.paired, resolved.pairs) == (2, [], [])


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
    resolved = resolve_outcomes([Outcome("A", 0.1, used_rl=True), outcome], DECISIONS, set())

    assert resolved.rejected == [{"index": 1, "reason": reason}]
    assert resolved.facts() == {"lessons": [], "unpaired": [[0.1, True]], "paired": []}
