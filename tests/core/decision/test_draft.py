"""Phase 1 and Phase 2 of what was observed, held positions, and what the policy is asked."""

from dataclasses import replace

import numpy as np
import pytest

from app.core.decision.draft import current_weights, policy_inputs
from app.core.params import BrakeParams, LimitParams, RecordParams, TradingParams
from app.core.types import Action, Notice, Regime
from tests.core.decision.batches import (
    HALTED,
    HALVED,
    PARAMS,
    Desk,
    hold,
    wish,
)
from tests.core.lessons import lesson
from tests.strategies import NOW_NS

BUY = wish("one", "A", 0.1)
JUMPS = replace(PARAMS, brakes=BrakeParams(price_jump_from=0.2))
LONG_ONLY = replace(PARAMS, limits=LimitParams())


def test_a_buy_is_sized_by_phase_1_and_stands_as_it_is_where_no_limit_binds() -> None:
    drafted = Desk().draft(BUY)
    assert drafted.phase1.regime == pytest.approx([0.1])
    assert drafted.portfolio.symbols == ["A"]
    assert drafted.portfolio.weights == pytest.approx([0.1])
    assert drafted.portfolio.side.tolist() == [1.0]
    assert drafted.notices == ()


def test_the_effective_regime_scales_the_size() -> None:
    rising = wish("one", "A", 0.1, regime=Regime.TRENDING_UP)
    assert Desk().draft(rising).portfolio.weights == pytest.approx([0.12])


def test_the_record_of_a_strategy_moves_its_size() -> None:
    desk = Desk(replace(PARAMS, records=RecordParams(half_life=1e9)))
    for _ in range(20):
        desk.beliefs.learn(lesson("one", 0.02, 0.0, 0.1))
    # a claim of 0.04004, and 20 outcomes of 0.2 beside claims of nothing: 4 / 1020
    expected = 0.25 * (0.04004 + 4.0 / 1020.0) / 0.1 / (1.0 + 1.0 / 1020.0)
    assert desk.draft(BUY).phase1.kelly == pytest.approx([expected])


def test_a_strategy_that_mostly_lost_is_sized_zero_where_a_win_rate_is_asked_for() -> None:
    kelly = replace(PARAMS.kelly, min_win_rate=0.45)
    desk = Desk(replace(PARAMS, kelly=kelly, records=RecordParams(half_life=1e9)))
    for _ in range(20):
        desk.beliefs.learn(lesson("one", -0.01, 0.0, 0.1))
    drafted = desk.draft(BUY)
    assert drafted.portfolio.weights.tolist() == [0.0]
    # (10 + 0) of (20 + 20)
    assert drafted.notices == (
        Notice(None, "A", "win rate of one is 0.2500, below 0.45: one/A sized zero"),
    )


def test_a_volatility_that_no_signal_claims_comes_from_the_market() -> None:
    desk = Desk()
    for step in range(10):
        desk.know({"A": 100.0 * 1.1**step}, days_ago=10 - step)
    silent = wish("one", "A", 0.1, predicted_volatility=None)
    drafted = desk.draft(silent, prices={"A": 100.0 * 1.1**10})
    # every one of 10 returns was 10 %
    assert drafted.phase1.volatility == pytest.approx([0.1])
    assert drafted.portfolio.weights == pytest.approx([0.1])


def test_a_short_needs_shorts_to_be_on() -> None:
    sell = wish("one", "A", -0.1)
    on, off = Desk().draft(sell).portfolio, Desk(LONG_ONLY).draft(sell).portfolio
    assert (on.side * on.weights).tolist() == pytest.approx([-0.1])
    assert off.weights.tolist() == [0.0]


def test_without_positions_a_hold_holds_nothing() -> None:
    drafted = Desk().draft(hold("two", "B"))
    assert drafted.held.weights == {}
    assert drafted.portfolio.symbols == []


def test_a_held_short_is_closed_where_shorts_are_off() -> None:
    drafted = Desk(LONG_ONLY).draft(BUY, hold("two", "B"), held={"B": -0.05})
    assert drafted.held.weights == {"B": 0.0}


def test_held_positions_are_cut_to_the_scaled_limits() -> None:
    drafted = Desk().draft(BUY, hold("two", "B"), held={"B": 0.2}, cascade=HALVED)
    assert drafted.held.weights == {"B": 0.075}


def test_held_positions_leave_the_rest_of_a_limit_to_new_ones() -> None:
    limits = LimitParams(max_portfolio_pct=0.2)
    desk = Desk(replace(PARAMS, limits=limits))
    assert desk.draft(BUY, held={"B": 0.15}).portfolio.weights == pytest.approx([0.05])


def test_what_is_held_is_measured_against_limits_at_full_scale() -> None:
    desk = Desk(replace(PARAMS, limits=LimitParams(max_portfolio_pct=0.2)))
    # the limit is 0.1 at half scale, 0.06 is held: 0.04 is left, 0.08 at full scale
    drafted = desk.draft(BUY, held={"B": 0.06}, cascade=HALVED)
    assert drafted.portfolio.weights == pytest.approx([0.08])


@pytest.mark.parametrize(("current", "expected"), [(0.0, 0.075), (0.09, 0.09), (0.14, 0.1)])
def test_the_cost_of_trading_keeps_a_size_near_the_current_weight(
    current: float, expected: float
) -> None:
    # 0.001 x 0.25 / 0.01 = 0.025 less than 0.1, which is also the most
    desk = Desk(replace(PARAMS, trading=TradingParams(cost_pct=0.001)))
    held = {"A": current, "0": 0.01}
    drafted = desk.draft(hold("one", "0"), BUY, held=held)
    assert drafted.portfolio.weights == pytest.approx([expected], abs=1e-6)


def test_notices_name_defaults_brakes_inputs_stages_solver_cuts_and_rejections_in_order() -> None:
    brakes = BrakeParams(price_jump_from=0.2, drawdown_from=0.1, drawdown_multiplier=0.5)
    desk = Desk(replace(PARAMS, brakes=brakes))
    desk.know({"C": 200.0}, portfolio_value=200_000.0)
    # the variance of such a volatility is beyond the arithmetic of the optimiser
    wild = wish("one", "A", 0.1, predicted_volatility=1e130)
    unpriced = wish("one", "B", 0.1)
    silent = wish("two", "A", 0.1, expected_return=None)
    drafted = desk.draft(
        wild,
        unpriced,
        silent,
        wish("one", "C", 0.1),
        positions={"Z": 200.0},
        prices={"A": 100.0, "C": 100.0, "Z": 100.0},
        calm_by_default=("funding_rate", "oi"),
    )
    assert [(each.what, each.symbol, each.detail) for each in drafted.notices] == [
        (None, None, "cascade indicator funding_rate was not given: counted as calm"),
        (None, None, "cascade indicator oi was not given: counted as calm"),
        (
            None,
            None,
            (
                "portfolio value 100000 is 50 % below its peak 200000: sizes and limits are "
                "multiplied by 0.5"
            ),
        ),
        ("price_missing", "B", "price of B is not in current_prices"),
        (
            "price_disbelieved",
            "C",
            "price 100 of C is not believed, the last believed one is 200: nothing is sized on it",
        ),
        (
            "claim_missing",
            "A",
            "expected_return of two/A is missing: the record alone sizes it",
        ),
        (
            "prior_pairs",
            None,
            (
                "correlation of 1 of 1 pairs is mostly the prior, 0 on one side, fewer than 20 "
                "joint returns are known: A, Z"
            ),
        ),
        (
            "solver",
            None,
            (
                "the solver failed, sizes were scaled down instead: "
                "a volatility or size is beyond the arithmetic"
            ),
        ),
        (
            "limit_cut",
            "Z",
            "position limit of Z cuts what is held, 20000 USD, to 7500",
        ),
        (None, None, "1 signals were rejected, see rejected_signals"),
    ]


def test_a_doubted_price_sizes_nothing_and_keeps_the_position_for_the_signals_of_its_side() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 100.0})
    signals = (BUY, wish("two", "A", -0.01), wish("one", "B", 0.1))
    drafted = desk.draft(*signals, positions={"A": 50.0}, prices={"A": 200.0, "B": 100.0})
    assert drafted.portfolio.symbols == ["B"]
    assert drafted.held.weights == {"A": 0.05}
    assert drafted.held.owned == {("A", "one"): 0.05}
    assert drafted.held.use.of("strategy") == {"one": 0.05}
    assert drafted.closed == frozenset()


def test_holds_alone_own_a_position_whose_price_is_doubted_equally() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 100.0})
    signals = (hold("one", "A"), hold("two", "A"))
    drafted = desk.draft(*signals, positions={"A": 50.0}, prices={"A": 200.0})
    assert drafted.held.owned == {("A", "one"): 0.025, ("A", "two"): 0.025}


def test_the_policy_is_not_asked_about_a_symbol_whose_price_is_doubted() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 200.0})
    drafted = desk.draft(BUY, wish("one", "B", 0.1), held={"A": 0.05})
    assert [each.symbol for each in policy_inputs(drafted, desk.beliefs)] == ["B"]


@pytest.mark.parametrize(("buy", "closed"), [(0.04, True), (0.1, False), (0.12, False)])
def test_a_position_whose_price_is_doubted_closes_where_the_larger_side_is_against_it(
    buy: float, *, closed: bool
) -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 200.0})
    signals = (wish("one", "A", buy), wish("two", "A", -0.1))
    drafted = desk.draft(*signals, held={"A": 0.02})
    assert drafted.closed == ({"A"} if closed else frozenset())
    # 20 units at the 200 USD that are believed
    assert drafted.held.weights == ({} if closed else {"A": 0.04})


def test_halted_closes_no_position_for_a_larger_side_against_it() -> None:
    desk = Desk(JUMPS, HALTED)
    desk.know({"A": 200.0})
    drafted = desk.draft(wish("one", "A", 0.04), wish("two", "A", -0.1), held={"A": 0.02})
    assert drafted.closed == frozenset()


def test_a_sell_closes_a_position_without_any_price() -> None:
    sell = wish("one", "Z", -0.1)
    drafted = Desk().draft(BUY, sell, positions={"Z": 3.0}, prices={"A": 100.0})
    assert drafted.closed == {"Z"}
    assert drafted.set_apart_usd == 0.0
    assert drafted.observed.rejected == ()


def test_what_is_set_apart_takes_its_last_known_value_of_the_gross_room() -> None:
    limits = LimitParams(max_portfolio_pct=0.14, allow_short=True)
    desk = Desk(replace(PARAMS, limits=limits))
    desk.know({"A": 100.0, "Z": 300.0})
    # four days and a second later
    late = wish("one", "A", 0.1, timestamp_ns=NOW_NS + 345_601 * 10**9)
    drafted = desk.draft(late, positions={"Z": -20.0}, prices={"A": 100.0})
    assert drafted.set_apart_usd == 6_000.0
    assert drafted.held.weights == {}
    assert drafted.portfolio.weights == pytest.approx([0.08])


def test_all_that_was_never_priced_takes_one_position_limit_together() -> None:
    positions = {"Y": 1.0, "Z": 3.0}
    prices = {"A": 100.0}
    whole = Desk().draft(BUY, positions=positions, prices=prices)
    assert whole.set_apart_usd == pytest.approx(15_000.0)
    half = Desk().draft(BUY, positions=positions, prices=prices, cascade=HALVED)
    assert half.set_apart_usd == pytest.approx(7_500.0)


def test_what_is_set_apart_leaves_room_for_what_is_held_on_the_winning_side() -> None:
    desk = Desk(replace(PARAMS, limits=LimitParams(max_portfolio_pct=0.14)))
    drafted = desk.draft(BUY, positions={"A": 30.0, "Z": 3.0}, prices={"A": 100.0})
    # a position limit of 0.15 would leave nothing of 0.14
    assert drafted.set_apart_usd == pytest.approx(15_000.0)
    assert drafted.portfolio.weights == pytest.approx([0.03])


def test_the_policy_is_asked_for_each_directional_signal_in_the_tables_order() -> None:
    desk = Desk()
    drafted = desk.draft(
        wish("two", "C", -0.05), hold("one", "B"), wish("two", "A", 0.04), BUY, held={"B": 0.05}
    )
    inputs = policy_inputs(drafted, desk.beliefs)
    assert [(each.symbol, each.action) for each in inputs] == [
        ("A", Action.BUY),
        ("A", Action.BUY),
        ("C", Action.SELL),
    ]
    # both signals on A are told of the one net weight
    assert [each.baseline_pct for each in inputs] == pytest.approx([0.1, 0.1, -0.05])


def test_the_policy_is_told_the_signal_its_market_and_where_the_symbol_stands() -> None:
    desk = Desk()
    for days_ago, price in ((2, 100.0), (1, 110.0)):
        desk.know({"A": price}, days_ago=days_ago)
    buy = wish("one", "A", 0.1, risk_score=0.3, regime=Regime.HIGH_VOLATILITY)
    drafted = desk.draft(
        buy, positions={"A": 10.0}, prices={"A": 99.0}, market_data={"spread": 0.1}
    )
    (told,) = policy_inputs(drafted, desk.beliefs)
    assert (told.symbol, told.action, told.confidence, told.risk_score) == (
        "A",
        Action.BUY,
        0.5,
        0.3,
    )
    assert told.regime is Regime.HIGH_VOLATILITY
    assert told.expected_return == buy.expected_return
    assert told.predicted_volatility == 0.1
    assert told.baseline_pct == drafted.portfolio.weights[0]
    assert told.current_pct == pytest.approx(0.0099)
    # 100 to 110 to 99
    assert told.returns == pytest.approx([0.1, -0.1])
    assert told.interval_sec == desk.beliefs.market.history("A")[1]
    assert told.interval_sec is not None
    assert told.market_data == {"spread": 0.1}


def test_the_policy_is_told_claims_over_the_one_horizon() -> None:
    desk = Desk()
    buy = wish("one", "A", 0.1, expected_return=0.001, horizon_sec=3_600.0)
    (told,) = policy_inputs(desk.draft(buy), desk.beliefs)
    assert told.expected_return == pytest.approx(0.024)
    assert told.predicted_volatility == pytest.approx(0.1 * 24**0.5)


def test_the_policy_is_told_the_record_where_a_signal_claims_no_return() -> None:
    desk = Desk(replace(PARAMS, records=RecordParams(half_life=1e9)))
    for _ in range(20):
        desk.beliefs.learn(lesson("one", 0.01, 0.0, 0.1))
    silent = wish("one", "A", 0.1, expected_return=None, predicted_volatility=None)
    (told,) = policy_inputs(desk.draft(silent), desk.beliefs)
    # 20 outcomes of 0.1 volatilities against a prior of 1000 at zero; the default volatility
    assert told.expected_return == pytest.approx(0.05 * 2.0 / 1020.0)
    assert told.predicted_volatility == 0.05
    assert told.current_pct == 0.0
    assert told.interval_sec is None


def test_a_hold_of_a_symbol_with_a_directional_signal_is_not_asked_about() -> None:
    desk = Desk()
    inputs = policy_inputs(desk.draft(BUY, hold("two", "A")), desk.beliefs)
    assert [(each.symbol, each.action) for each in inputs] == [("A", Action.BUY)]


def test_the_policy_is_told_a_weight_of_zero_where_phase_1_closed_the_symbol() -> None:
    desk = Desk()
    (told,) = policy_inputs(desk.draft(wish("one", "A", -0.1, expected_return=0.0)), desk.beliefs)
    assert told.baseline_pct == 0.0


def test_a_batch_of_holds_asks_the_policy_nothing() -> None:
    desk = Desk()
    drafted = desk.draft(hold("one", "A"), hold("one", "B"))
    assert policy_inputs(drafted, desk.beliefs) == ()


def test_current_weights_are_in_the_order_asked_for_and_zero_where_nothing_is_held() -> None:
    assert current_weights({"A": 0.1, "B": -0.2}, ["B", "C", "A"]).tolist() == [-0.2, 0.0, 0.1]
    flat = current_weights({}, ["B", "C"])
    assert flat.tolist() == [0.0, 0.0]
    assert flat.dtype == np.float64
