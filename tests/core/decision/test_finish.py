"""The policy's answer: blended, fallen back from, and settled."""

from dataclasses import replace
from math import nan

import pytest

from app.core.params import BlendParams, BrakeParams, LimitParams, TradingParams
from app.core.types import FallbackReason, Notice, PolicyAnswer
from tests.core.decision.batches import (
    HALVED,
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
SLOW = TradingParams(rebalance_span=9.0)  # a step of 2/10


def test_a_reason_falls_back_to_phase_2_and_keeps_the_detail_as_a_warning() -> None:
    answer = PolicyAnswer(reason=FallbackReason.TIMEOUT, detail="no answer in 50 ms")
    finished = Desk().finish(answer, BUY)
    assert finished.reason is FallbackReason.TIMEOUT
    assert finished.rl_symbols == ()
    assert finished.blended is finished.draft.portfolio.weights
    assert finished.final is finished.baseline
    assert finished.final.weights == pytest.approx([0.1])
    assert finished.notices == (Notice(None, None, "policy: no answer in 50 ms"),)


def test_a_reason_without_a_detail_warns_of_nothing() -> None:
    finished = Desk().finish(NO_POLICY, BUY)
    assert finished.reason is FallbackReason.RL_DISABLED
    assert finished.notices == ()


def test_a_prediction_pulls_its_symbol_by_its_confidence() -> None:
    finished = Desk().finish(answering(prediction(0.05, 0.8)), BUY)
    # 0.1 + 0.8 x (0.05 - 0.1)
    assert finished.blended == pytest.approx([0.06])
    assert finished.final.weights == pytest.approx([0.06])
    assert finished.baseline.weights == pytest.approx([0.1])
    assert finished.reason is None
    assert finished.rl_symbols == ("A",)
    assert finished.notices == ()


def test_a_short_is_blended_on_its_own_side() -> None:
    finished = Desk().finish(answering(prediction(-0.05, 0.8)), wish("one", "A", -0.1))
    assert finished.blended == pytest.approx([0.06])
    assert finished.final.weights == pytest.approx([-0.06])
    assert finished.baseline.weights == pytest.approx([-0.1])


def test_predictions_of_two_signals_of_a_symbol_are_averaged_by_confidence() -> None:
    both = (BUY, wish("two", "A", 0.1))
    finished = Desk().finish(answering(prediction(0.05, 0.9), prediction(0.08, 0.6)), *both)
    # (0.9 x 0.05 + 0.6 x 0.08) / 1.5 = 0.062, and a mean confidence of 0.75
    assert finished.final.weights == pytest.approx([0.1 + 0.75 * (0.062 - 0.1)])


def test_answers_belong_to_the_directional_signals_and_skip_holds() -> None:
    signals = (BUY, hold("one", "B"), wish("one", "C", 0.08), wish("one", "D", -0.06))
    answer = answering(prediction(0.05, 1.0), prediction(0.02, 1.0), prediction(-0.03, 1.0))
    finished = Desk().finish(answer, *signals)
    assert finished.draft.portfolio.symbols == ["A", "C", "D"]
    assert finished.final.weights == pytest.approx([0.05, 0.02, -0.03])
    assert finished.rl_symbols == ("A", "C", "D")


def test_an_unusable_prediction_leaves_its_symbol_to_phase_2_and_is_counted() -> None:
    signals = (BUY, wish("one", "B", 0.08), wish("one", "C", 0.06))
    finished = Desk().finish(answering(None, prediction(0.02, 1.0), None), *signals)
    assert finished.reason is None
    assert finished.rl_symbols == ("B",)
    assert finished.final.weights == pytest.approx([0.1, 0.02, 0.06])
    told = Notice(None, None, "policy: 2 of 3 predictions were unusable")
    assert finished.notices == (told,)


@pytest.mark.parametrize(("least", "counts"), [(0.6, True), (0.61, False)])
def test_a_prediction_counts_from_the_least_confidence_on(least: float, *, counts: bool) -> None:
    desk = Desk(replace(PARAMS, blend=BlendParams(min_confidence=least)))
    finished = desk.finish(answering(prediction(0.05, 0.6)), BUY)
    assert finished.reason is (None if counts else FallbackReason.LOW_CONFIDENCE)
    assert finished.final.weights == pytest.approx([0.07 if counts else 0.1])
    assert finished.rl_symbols == (("A",) if counts else ())
    assert (finished.final is finished.baseline) is not counts
    assert finished.notices == ()


def test_a_low_confidence_takes_only_its_own_symbol_from_the_policy() -> None:
    signals = (BUY, wish("one", "B", 0.08))
    finished = Desk().finish(answering(prediction(0.0, 0.4), prediction(0.02, 1.0)), *signals)
    assert finished.rl_symbols == ("B",)
    assert finished.final.weights == pytest.approx([0.1, 0.02])


def test_a_policy_that_agrees_with_phase_2_decides_and_changes_nothing() -> None:
    desk = Desk()
    baseline = float(desk.draft(BUY).portfolio.weights[0])
    finished = desk.finish(answering(prediction(baseline, 0.9)), BUY)
    assert finished.reason is None
    assert finished.rl_symbols == ("A",)
    assert finished.final is finished.baseline


def test_the_policy_cannot_turn_a_side_or_break_a_cap() -> None:
    over = Desk().finish(answering(prediction(0.9, 1.0)), BUY)
    assert over.final.weights == pytest.approx([0.15])
    across = Desk().finish(answering(prediction(-0.9, 1.0)), BUY)
    assert across.final.weights.tolist() == [0.0]


def test_the_policy_stays_within_what_a_limit_leaves() -> None:
    desk = Desk(replace(PARAMS, limits=LimitParams(max_portfolio_pct=0.2)))
    signals = (BUY, wish("one", "B", 0.08))
    finished = desk.finish(answering(prediction(0.14, 1.0), None), *signals)
    # B keeps its 0.08 of the 0.2
    assert finished.final.weights == pytest.approx([0.12, 0.08])


def test_a_prediction_that_is_no_number_closes_its_symbol_and_is_told() -> None:
    signals = (BUY, wish("one", "B", 0.08))
    finished = Desk().finish(answering(prediction(nan, 1.0), None), *signals)
    assert finished.final.weights == pytest.approx([0.0, 0.08])
    scaled = (
        "blended weights were scaled into the limits: a coefficient of the problem is not finite"
    )
    assert finished.notices == (
        Notice(None, None, "policy: 1 of 2 predictions were unusable"),
        Notice("solver", None, scaled),
    )


def test_the_multiplier_scales_both_allocations() -> None:
    finished = Desk().finish(answering(prediction(0.05, 0.8)), BUY, cascade=HALVED)
    assert finished.blended == pytest.approx([0.06])
    assert finished.final.weights == pytest.approx([0.03])
    assert finished.baseline.weights == pytest.approx([0.05])


def test_slow_trading_starts_from_the_current_weight() -> None:
    desk = Desk(replace(PARAMS, trading=SLOW))
    signals = (hold("one", "0"), BUY)
    finished = desk.finish(answering(prediction(0.05, 0.8)), *signals, held={"A": 0.02})
    # a fifth of the way to 0.06 and to 0.1
    assert finished.final.weights == pytest.approx([0.028])
    assert finished.baseline.weights == pytest.approx([0.036])


def test_lots_are_those_of_the_symbols_own_price_and_the_portfolios_value() -> None:
    desk = Desk(replace(PARAMS, trading=TradingParams(default_lot_size=30.0)))
    prices = {"0": 7.0, "A": 200.0, "B": 50.0}
    signals = (hold("one", "0"), BUY, wish("one", "B", 0.1))
    finished = desk.finish(NO_POLICY, *signals, prices=prices, portfolio_value=200_000.0)
    # a lot of A is 30 x 200 / 200,000 = 0.03, one of B 0.0075
    assert finished.final.weights == pytest.approx([0.09, 0.0975])


def test_reducing_keeps_a_symbol_at_its_current_weight_whatever_the_policy_wants() -> None:
    finished = Desk(status=REDUCING).finish(
        answering(prediction(0.15, 1.0), prediction(0.02, 1.0)),
        BUY,
        wish("one", "B", 0.1),
        held={"A": 0.05, "B": 0.05},
    )
    assert finished.final.weights == pytest.approx([0.05, 0.02])
    assert finished.baseline.weights == pytest.approx([0.05, 0.05])


def test_a_doubted_price_leaves_its_symbol_out_of_what_is_settled() -> None:
    desk = Desk(replace(PARAMS, brakes=BrakeParams(price_jump_from=0.2)))
    desk.know({"A": 200.0, "B": 100.0})
    signals = (BUY, wish("one", "B", 0.1))
    finished = desk.finish(answering(prediction(0.08, 1.0)), *signals, held={"A": 0.05, "B": 0.05})
    # the one prediction is B's; A keeps its 50 units at the 200 USD that are believed
    assert finished.rl_symbols == ("B",)
    assert finished.final.weights == pytest.approx([0.08])
    assert finished.draft.held.weights == {"A": 0.1}


def test_what_is_kept_at_a_doubted_price_uses_limits_when_the_others_are_settled() -> None:
    brakes, limits = BrakeParams(price_jump_from=0.2), LimitParams(max_portfolio_pct=0.18)
    desk = Desk(replace(PARAMS, brakes=brakes, limits=limits))
    desk.know({"A": 200.0, "B": 100.0})
    signals = (BUY, wish("one", "B", 0.1))
    finished = desk.finish(answering(prediction(0.15, 1.0)), *signals, held={"A": 0.05})
    assert finished.final.weights == pytest.approx([0.08])


def test_a_short_that_closes_slowly_keeps_within_what_its_strategy_holds_elsewhere() -> None:
    limits = LimitParams(allow_short=True, max_strategy_pct=0.2)
    desk = Desk(replace(PARAMS, trading=SLOW, limits=limits))
    signals = (wish("one", "A", -0.1, expected_return=0.0), hold("one", "B"))
    finished = desk.finish(NO_POLICY, *signals, held={"A": -0.1, "B": 0.15})
    # a fifth of the way from -0.1 to 0 is -0.08, and 0.05 of the 0.2 is left
    assert finished.final.weights == pytest.approx([-0.05])


def test_a_position_on_the_other_side_belongs_to_the_signals_of_that_side_by_size() -> None:
    desk = Desk(replace(PARAMS, trading=SLOW))
    signals = (wish("a", "A", 0.15), wish("b", "A", -0.1), wish("c", "A", -0.05))
    finished = desk.finish(NO_POLICY, *signals, held={"A": -0.1})
    # the sides offset, so the short closes by a fifth; sellers own it 2 to 1
    assert finished.final.weights == pytest.approx([-0.08])
    assert finished.final.share == pytest.approx([0.0, 2 / 3, 1 / 3])


def test_a_batch_of_holds_has_nothing_to_settle() -> None:
    finished = Desk().finish(NO_POLICY, hold("one", "A"), held={"A": 0.05})
    assert finished.final.weights.shape == (0,)
