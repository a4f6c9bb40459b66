"""The tail of a decision: both allocations, shares of the strategies, drift, what to tell."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from app.core.beliefs import TradingStatus
from app.core.books.drift import Drift
from app.core.decision.conclude import Conclusion, conclude, strategy_shares
from app.core.decision.targets import Targets
from app.core.params import BrakeParams, LimitParams
from app.core.types import FallbackReason, Notice, PolicyAnswer, Signal
from tests.core.decision.batches import (
    ACTIVE,
    FLATTENED,
    HALTED,
    NO_POLICY,
    PARAMS,
    REDUCING,
    Desk,
    answering,
    hold,
    prediction,
    wish,
)

BUY = wish("one", "A", 0.1)
BOTH = (BUY, wish("two", "B", 0.05))


def concluded(
    *signals: Signal, answer: PolicyAnswer = NO_POLICY, desk: Desk | None = None, **changes: Any
) -> Conclusion:
    desk = desk or Desk()
    return conclude(desk.draft(*signals, **changes), answer, desk.beliefs)


def test_without_the_policy_both_allocations_are_the_same_object() -> None:
    whole = concluded(BUY)
    assert whole.final is whole.baseline
    assert whole.final.weights == {"A": pytest.approx(0.1)}
    assert whole.finished.reason is FallbackReason.RL_DISABLED
    assert whole.notices == ()


def test_the_policys_allocation_stands_beside_phase_2s() -> None:
    whole = concluded(*BOTH, answer=answering(prediction(0.06, 1.0), prediction(0.02, 1.0)))
    assert whole.final.weights == {"A": pytest.approx(0.06), "B": pytest.approx(0.02)}
    assert whole.baseline.weights == {"A": pytest.approx(0.1), "B": pytest.approx(0.05)}
    # the strategies' shares are those of the final allocation
    assert whole.shares == {"one": pytest.approx(0.75), "two": pytest.approx(0.25)}


def test_a_conclusion_leads_back_to_its_draft_and_its_observation() -> None:
    desk = Desk()
    drafted = desk.draft(BUY)
    whole = conclude(drafted, NO_POLICY, desk.beliefs)
    assert whole.drafted is drafted
    assert whole.finished.draft is drafted
    assert whole.observed is drafted.observed


def test_shares_count_longs_shorts_and_held_parts_alike() -> None:
    # 0.04 for one, 0.02 and 0.03 for two, 0.01 for three; nobody owns Z
    signals = (
        wish("one", "A", 0.04),
        wish("two", "B", -0.02),
        hold("two", "C"),
        hold("three", "D"),
    )
    whole = concluded(*signals, held={"C": -0.03, "D": 0.01, "Z": 0.1})
    assert whole.shares == {
        "one": pytest.approx(0.4),
        "three": pytest.approx(0.1),
        "two": pytest.approx(0.5),
    }


def test_strategies_share_a_symbol_in_proportion_to_their_sizes() -> None:
    whole = concluded(BUY, wish("two", "A", 0.05), wish("three", "A", -0.01))
    assert whole.shares == {
        "one": pytest.approx(2 / 3),
        "three": 0.0,
        "two": pytest.approx(1 / 3),
    }


def test_a_flat_allocation_has_no_shares_and_no_drift() -> None:
    desk = Desk()
    desk.beliefs.drift.learn({"one": 1.0})
    whole = concluded(hold("one", "A"), desk=desk)
    assert whole.shares == {}
    assert whole.drift == Drift()


def test_shares_sum_parts_by_strategy() -> None:
    seen = Desk().observe(wish("b", "A", 0.1), wish("a", "B", 0.1), wish("b", "C", 0.1))
    # rows: A/b, B/a, C/b
    parts = np.array([0.5, -0.25, 0.25])
    assert strategy_shares(seen, Targets({}, parts, {})) == {"a": 0.25, "b": 0.75}
    assert strategy_shares(seen, Targets({}, np.zeros(3), {})) == {}


def test_drift_is_measured_against_the_books_averages_and_teaches_nothing() -> None:
    desk = Desk()
    desk.beliefs.drift.learn({"one": 0.5, "two": 0.5})
    before = desk.beliefs.drift.export()
    whole = concluded(wish("one", "A", 0.06), wish("two", "B", 0.04), desk=desk)
    # 0.6 against 0.5 and 0.4 against 0.5: 20 % each
    assert whole.drift.max_drift_pct == pytest.approx(20.0)
    further = concluded(wish("one", "A", 0.07), wish("two", "B", 0.03), desk=desk)
    assert further.drift.drifted == ("one", "two")
    assert further.drift.max_drift_pct == pytest.approx(40.0)
    assert desk.beliefs.drift.export() == before


def test_other_beliefs_measure_another_drift() -> None:
    desk, other = Desk(), Desk()
    other.beliefs.drift.learn({"one": 0.5})
    drafted = desk.draft(BUY)
    assert conclude(drafted, NO_POLICY, other.beliefs).drift == Drift(("one",), 100.0)
    assert conclude(drafted, NO_POLICY, desk.beliefs).drift != Drift(("one",), 100.0)


def test_notices_of_draft_answer_and_missing_targets_come_in_this_order() -> None:
    desk = Desk(replace(PARAMS, brakes=BrakeParams(price_jump_from=0.2)))
    desk.know({"A": 200.0})
    whole = concluded(
        *BOTH,
        wish("one", "C", 0.1),
        desk=desk,
        prices={"A": 100.0, "B": 100.0},
        answer=PolicyAnswer(reason=FallbackReason.TIMEOUT, detail="too late"),
    )
    disbelieved = (
        "price 100 of A is not believed, the last believed one is 200: nothing is sized on it"
    )
    assert whole.notices == (
        Notice("price_missing", "C", "price of C is not in current_prices"),
        Notice("price_disbelieved", "A", disbelieved),
        Notice(None, None, "1 signals were rejected, see rejected_signals"),
        Notice(None, None, "policy: too late"),
        Notice(None, None, "current_positions was not given: no target for A"),
    )


def test_a_halted_decision_without_positions_says_that_it_has_no_targets() -> None:
    whole = concluded(BUY, desk=Desk(status=HALTED))
    assert whole.final.weights == {}
    assert whole.shares == {}
    untold = "trading is HALTED and current_positions was not given: no target for A"
    assert whole.notices == (Notice(None, None, untold),)


def test_a_halted_decision_shares_the_positions_among_their_owners() -> None:
    whole = concluded(*BOTH, desk=Desk(status=HALTED), held={"A": 0.03, "B": 0.01})
    assert whole.shares == {"one": pytest.approx(0.75), "two": pytest.approx(0.25)}


@pytest.mark.parametrize(
    ("thrown", "weights"),
    [
        (REDUCING, {"A": 0.03, "B": 0.02}),
        (HALTED, {"A": 0.03, "B": 0.07}),
        (FLATTENED, {"A": 0.0, "B": 0.0}),
    ],
)
def test_a_switch_thrown_while_the_policy_is_asked_decides(
    thrown: TradingStatus, weights: dict[str, float]
) -> None:
    desk = Desk()
    drafted = desk.draft(*BOTH, held={"A": 0.03, "B": 0.07})
    desk.beliefs.throw_switch(thrown)
    learnt = desk.beliefs.export()
    whole = conclude(drafted, answering(prediction(0.12, 1.0), prediction(0.02, 1.0)), desk.beliefs)
    assert whole.final.weights == {s: pytest.approx(weight) for s, weight in weights.items()}
    assert whole.observed.state is thrown.state
    assert whole.drafted.observed is whole.observed
    # the one that the desk opened with, and this one
    assert whole.control_version == 2
    assert desk.beliefs.export() == learnt


def test_a_switch_loosened_while_the_policy_is_asked_loosens_nothing() -> None:
    desk = Desk(status=REDUCING)
    drafted = desk.draft(BUY, held={"A": 0.03})
    desk.beliefs.throw_switch(ACTIVE)
    whole = conclude(drafted, NO_POLICY, desk.beliefs)
    assert whole.drafted is drafted
    assert whole.final.weights == {"A": pytest.approx(0.03)}
    assert whole.control_version == 2


def test_a_switch_thrown_meanwhile_leaves_no_targets_where_positions_are_not_given() -> None:
    desk = Desk()
    drafted = desk.draft(BUY)
    desk.beliefs.throw_switch(HALTED)
    whole = conclude(drafted, NO_POLICY, desk.beliefs)
    assert whole.final.weights == {}
    untold = "trading is HALTED and current_positions was not given: no target for A"
    assert whole.notices == (Notice(None, None, untold),)


def test_a_smaller_limit_that_came_while_the_policy_is_asked_holds_for_both_allocations() -> None:
    desk = Desk()
    drafted = desk.draft(*BOTH, held={"Z": 0.1})
    smaller = LimitParams(allow_short=True, max_position_pct=0.04)
    answer = answering(prediction(0.12, 1.0), prediction(0.02, 1.0))
    whole = conclude(drafted, answer, desk.beliefs.under(replace(PARAMS, limits=smaller)))
    # what is held is cut too
    assert whole.baseline.weights == {
        "A": pytest.approx(0.04),
        "B": pytest.approx(0.04),
        "Z": pytest.approx(0.04),
    }
    assert whole.final.weights == {
        "A": pytest.approx(0.04),
        "B": pytest.approx(0.02),
        "Z": pytest.approx(0.04),
    }


def test_a_larger_limit_that_came_while_the_policy_is_asked_loosens_nothing() -> None:
    desk = Desk(replace(PARAMS, limits=LimitParams(allow_short=True, max_position_pct=0.04)))
    drafted = desk.draft(*BOTH)
    larger = LimitParams(allow_short=True, max_position_pct=0.5)
    beliefs = desk.beliefs.under(replace(PARAMS, limits=larger))
    whole = conclude(drafted, NO_POLICY, beliefs)
    assert whole.final.weights == {"A": pytest.approx(0.04), "B": pytest.approx(0.04)}


def test_shorts_that_were_turned_off_while_the_policy_is_asked_are_not_opened() -> None:
    desk = Desk()
    drafted = desk.draft(wish("one", "A", -0.1), BOTH[1], held={"A": -0.02})
    beliefs = desk.beliefs.under(replace(PARAMS, limits=LimitParams()))
    answer = answering(prediction(-0.1, 1.0), prediction(0.02, 1.0))
    whole = conclude(drafted, answer, beliefs)
    assert whole.final.weights == {"A": 0.0, "B": pytest.approx(0.02)}


def test_a_doubted_price_teaches_its_owners_share_of_what_is_kept() -> None:
    desk = Desk(replace(PARAMS, brakes=BrakeParams(price_jump_from=0.2)))
    desk.know({"A": 200.0})
    # 30 units at the 200 USD that are believed, beside 0.04 of B
    signals = (BUY, wish("two", "B", 0.04))
    whole = concluded(*signals, desk=desk, held={"A": 0.03})
    assert whole.final.weights == {"A": 0.06, "B": pytest.approx(0.04)}
    assert whole.shares == {"one": pytest.approx(0.6), "two": pytest.approx(0.4)}
