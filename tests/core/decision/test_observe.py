"""What a batch teaches, and what was seen of it."""

from dataclasses import replace

import pytest

from app.core.decision.observe import observe_again, observe_batch
from app.core.errors import InvalidInput
from app.core.params import BrakeParams, CascadeParams, LimitParams, TradingParams
from app.core.types import Regime, TradingState
from tests.core.decision.batches import (
    ACTIVE,
    EXIT,
    FLATTENED,
    HALVED,
    PARAMS,
    REDUCING,
    Desk,
    batch_of,
    hold,
    wish,
)
from tests.strategies import NOW_NS

BUY = wish("one", "A", 0.1)
JUMPS = replace(PARAMS, brakes=BrakeParams(price_jump_from=0.2))


def test_an_observation_keeps_the_batch_its_signals_and_the_parameters() -> None:
    desk = Desk()
    batch = batch_of(wish("one", "B", 0.1), BUY)
    seen = observe_batch(batch, desk.beliefs, PARAMS)
    assert seen.batch is batch
    assert seen.params is PARAMS
    assert seen.table.symbols == ["A", "B"]
    assert seen.rejected == ()
    assert seen.value_usd == 100_000.0
    assert seen.state is TradingState.ACTIVE
    assert seen.multiplier == 1.0


def test_a_signal_without_a_price_is_rejected_and_the_others_are_kept() -> None:
    seen = Desk().observe(wish("one", "B", 0.1), BUY, prices={"A": 100.0})
    assert seen.table.symbols == ["A"]
    assert [(each.index, each.symbol) for each in seen.rejected] == [(0, "B")]


@pytest.mark.parametrize(("age_sec", "refused"), [(60, 0), (61, 1)])
def test_a_signal_older_than_the_setting_is_rejected(age_sec: int, refused: int) -> None:
    params = replace(PARAMS, trading=TradingParams(max_signal_age_sec=60.0))
    old = wish("one", "A", 0.1, timestamp_ns=NOW_NS - age_sec * 10**9)
    assert len(Desk(params).observe(old).rejected) == refused


def test_positions_are_valued_at_the_prices_of_the_batch() -> None:
    # 20 x 150 of 100,000 and -10 x 100 of 100,000
    seen = Desk().observe(
        BUY, positions={"A": 20.0, "B": -10.0, "C": 0.0}, prices={"A": 150.0, "B": 100.0}
    )
    assert seen.current == {"A": 0.03, "B": -0.01}
    assert {symbol: view.price for symbol, view in seen.views.items()} == {"A": 150.0, "B": 100.0}
    assert {view.source for view in seen.views.values()} == {"given"}


def test_a_held_symbol_without_a_price_is_valued_at_the_last_one_known() -> None:
    desk = Desk()
    desk.know({"A": 100.0, "B": 400.0})
    seen = desk.observe(BUY, positions={"B": 10.0}, prices={"A": 100.0})
    assert seen.current == {"B": 0.04}
    view = seen.views["B"]
    assert (view.price, view.source, view.given, view.doubted) == (400.0, "last", None, False)
    assert seen.unsized.set_apart == ()


def test_a_given_price_goes_before_the_last_one_known() -> None:
    desk = Desk()
    desk.know({"A": 400.0})
    seen = desk.observe(BUY, held={"A": 0.05})
    assert seen.current == {"A": 0.05}
    assert (seen.views["A"].price, seen.views["A"].source) == (100.0, "given")


def test_without_positions_nothing_is_held() -> None:
    seen = Desk().observe(BUY)
    assert seen.current == {}
    assert list(seen.views) == ["A"]


def test_a_held_symbol_without_any_price_is_set_apart_and_the_others_are_decided() -> None:
    seen = Desk().observe(BUY, positions={"A": 20.0, "B": 3.0}, prices={"A": 100.0})
    assert seen.unsized.set_apart == ("B",)
    assert seen.unsized.closed == frozenset()
    assert (seen.views["B"].price, seen.views["B"].source) == (None, "none")
    assert seen.current == {"A": 0.02}
    assert seen.table.symbols == ["A"]


def test_a_full_exit_closes_what_is_held_without_any_price() -> None:
    seen = Desk().observe(BUY, positions={"B": 3.0}, prices={"A": 100.0}, cascade=EXIT)
    assert seen.unsized.closed == {"B"}
    assert seen.unsized.set_apart == ()


@pytest.mark.parametrize(("late_ns", "known"), [(0, True), (1000, False)])
def test_the_last_price_is_forgotten_beyond_its_greatest_age(late_ns: int, *, known: bool) -> None:
    desk = Desk()
    desk.know({"A": 100.0})
    # know stamps its first batch 999 ns before now
    at_ns = NOW_NS - 999 + 345_600 * 10**9 + late_ns
    late = wish("one", "A", 0.1, timestamp_ns=at_ns)
    seen = desk.observe(late, positions={"A": 20.0}, prices={})
    assert seen.facts.at_ns == at_ns
    assert seen.views["A"].price == (100.0 if known else None)
    assert seen.views["A"].known == 100.0
    assert seen.unsized.set_apart == (() if known else ("A",))
    assert len(seen.rejected) == (0 if known else 1)


def test_a_position_beyond_all_numbers_is_refused_and_nothing_is_learnt() -> None:
    desk = Desk()
    before = desk.beliefs.export()
    with pytest.raises(InvalidInput, match=r"^current_positions.A: "):
        desk.observe(BUY, positions={"A": 1e308})
    assert desk.beliefs.export() == before


def test_a_batch_teaches_prices_regimes_and_the_portfolios_value() -> None:
    desk = Desk()
    seen = desk.observe(wish("one", "A", 0.1, regime=Regime.CRISIS), prices={"A": 90.0, "B": 7.0})
    assert seen.regimes == {"A": Regime.CRISIS}
    assert desk.beliefs.market.last_price("B") == 7.0
    assert desk.beliefs.peak_value == 100_000.0


@pytest.mark.parametrize(
    ("price", "doubted"),
    [(100.0, False), (125.0, False), (125.1, True), (80.0, False), (79.9, True)],
)
def test_a_price_too_far_from_the_one_before_the_batch_is_doubted(
    price: float, *, doubted: bool
) -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 100.0, "B": 100.0})
    seen = desk.observe(BUY, wish("one", "B", 0.1), prices={"A": price, "B": 100.0})
    view = seen.views["A"]
    assert (view.price, view.given, view.doubted) == (100.0 if doubted else price, price, doubted)
    assert view.source == ("last" if doubted else "given")
    assert seen.facts.learnt.prices.disbelieved == (("A",) if doubted else ())
    assert desk.beliefs.market.last_price("A") == view.price
    # its signals stay in the table and size nothing
    assert seen.unsized.idle == ({"A"} if doubted else set())
    assert seen.table.symbols == ["A", "B"]
    assert seen.table.direction.tolist() == [0.0 if doubted else 1.0, 1.0]
    assert seen.state is TradingState.ACTIVE


def test_a_position_is_valued_at_the_last_price_where_the_given_one_is_doubted() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 100.0})
    seen = desk.observe(BUY, positions={"A": 50.0}, prices={"A": 500.0})
    assert seen.current == {"A": 0.05}


def test_a_doubted_price_whose_last_one_is_too_old_leaves_no_price() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 100.0})
    late = wish("one", "A", 0.1, timestamp_ns=NOW_NS + 345_600 * 10**9)
    seen = desk.observe(late, positions={"A": 50.0}, prices={"A": 500.0})
    assert (seen.views["A"].price, seen.views["A"].doubted) == (None, True)
    assert seen.unsized.set_apart == ("A",)
    assert [each.reason for each in seen.rejected] == [
        "price 500 is not believed, and the last believed one, 100, is too old"
    ]


def test_a_first_price_is_believed() -> None:
    seen = Desk(JUMPS).observe(BUY)
    assert not seen.views["A"].doubted
    assert seen.unsized.idle == frozenset()


def test_a_doubted_price_without_a_signal_is_not_learnt_and_idles_nothing() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 100.0, "B": 100.0})
    seen = desk.observe(BUY, prices={"A": 100.0, "B": 500.0})
    assert seen.unsized.idle == frozenset()
    assert "B" not in seen.views
    assert desk.beliefs.market.last_price("B") == 100.0


@pytest.mark.parametrize(("price", "doubted"), [(1000.0, False), (1001.0, True)])
def test_by_default_a_price_is_doubted_beyond_ten_times_the_last(
    price: float, *, doubted: bool
) -> None:
    desk = Desk()
    desk.know({"A": 100.0})
    assert desk.observe(BUY, prices={"A": price}).views["A"].doubted is doubted


def test_no_price_is_doubted_where_the_brake_is_off() -> None:
    desk = Desk(replace(PARAMS, brakes=BrakeParams(price_jump_from=0.0)))
    desk.know({"A": 100.0})
    seen = desk.observe(BUY, prices={"A": 1e6})
    assert not seen.views["A"].doubted
    assert seen.views["A"].price == 1e6


@pytest.mark.parametrize(
    ("cascade", "recommendation", "multiplier"),
    [(HALVED, "REDUCE_50%", 0.5), (EXIT, "EXIT", 0.0)],
)
def test_the_cascade_scales_the_decision(
    cascade: object, recommendation: str, multiplier: float
) -> None:
    seen = Desk().observe(BUY, cascade=cascade)
    assert seen.cascade.recommendation == recommendation
    assert seen.multiplier == multiplier


def test_the_cascades_thresholds_are_those_in_force() -> None:
    params = replace(PARAMS, cascade=CascadeParams(exit_above=0.45))
    assert Desk(params).observe(BUY, cascade=HALVED).cascade.recommendation == "EXIT"


def test_the_multipliers_of_cascade_and_drawdown_multiply() -> None:
    brakes = BrakeParams(drawdown_from=0.1, drawdown_multiplier=0.3)
    desk = Desk(replace(PARAMS, brakes=brakes))
    desk.know({"A": 100.0}, portfolio_value=200_000.0)
    assert desk.observe(BUY, cascade=HALVED).multiplier == pytest.approx(0.5 * 0.3)


def test_the_kill_switch_is_the_state_of_the_decision() -> None:
    assert Desk(status=REDUCING).observe(BUY).state is TradingState.REDUCING


def test_flatten_makes_the_multiplier_zero() -> None:
    seen = Desk(status=FLATTENED).observe(BUY)
    assert seen.state is TradingState.HALTED
    assert seen.multiplier == 0.0


def test_a_collapse_of_the_value_turns_the_decision_to_reducing_only() -> None:
    desk = Desk(replace(PARAMS, brakes=BrakeParams(collapse_below=0.5)))
    desk.know({"A": 100.0}, portfolio_value=300_000.0)
    assert desk.observe(BUY).state is TradingState.REDUCING


def test_a_batch_without_signals_is_observed_too() -> None:
    seen = Desk().observe(held={"B": 0.05})
    assert seen.table.symbols == []
    assert seen.regimes == {}
    assert seen.current == {"B": 0.05}


def test_a_hold_has_a_regime_like_any_signal() -> None:
    assert Desk().observe(hold("one", "A")).regimes == {"A": Regime.RANGING}


def test_a_value_too_far_from_the_last_is_not_used_and_turns_to_reducing() -> None:
    desk = Desk()
    desk.know({"A": 100.0}, portfolio_value=2_000_000.0)
    seen = desk.observe(BUY, positions={"A": 200.0})
    assert seen.value_usd == 2_000_000.0
    assert seen.current == {"A": 0.01}
    assert seen.state is TradingState.REDUCING


def test_the_time_of_a_batch_is_its_newest_stamp_that_of_a_rejected_signal_too() -> None:
    newer = wish("one", "B", 0.1, timestamp_ns=NOW_NS + 7)
    seen = Desk().observe(BUY, newer, prices={"A": 100.0})
    assert len(seen.rejected) == 1
    assert seen.facts.at_ns == NOW_NS + 7


def test_behind_a_door_no_stamp_is_later_than_the_receipt() -> None:
    ahead = wish("one", "A", 0.1, timestamp_ns=NOW_NS + 7)
    seen = Desk().observe(ahead, stamps_until_ns=NOW_NS + 10)
    assert seen.rejected == ()
    assert seen.facts.at_ns == NOW_NS


def test_a_batch_is_seen_again_as_it_was_where_nothing_became_stricter() -> None:
    desk = Desk(status=REDUCING)
    seen = desk.observe(BUY)
    assert observe_again(seen, desk.beliefs) is seen
    desk.beliefs.throw_switch(ACTIVE)
    assert observe_again(seen, desk.beliefs) is seen


def test_a_batch_is_seen_again_under_a_switch_that_was_thrown_and_teaches_nothing() -> None:
    desk = Desk()
    seen = desk.observe(BUY, held={"A": 0.05})
    desk.beliefs.throw_switch(FLATTENED)
    before = desk.beliefs.export()
    again = observe_again(seen, desk.beliefs)
    assert again.state is TradingState.HALTED
    assert again.multiplier == 0.0
    assert again.facts is seen.facts
    assert again.regimes == seen.regimes
    assert desk.beliefs.export() == before


def test_a_batch_is_seen_again_under_the_smaller_of_both_limits() -> None:
    desk = Desk(replace(PARAMS, limits=LimitParams(max_position_pct=0.1, max_strategy_pct=0.3)))
    seen = desk.observe(BUY)
    limits = LimitParams(max_position_pct=0.12, max_strategy_pct=0.2)
    again = observe_again(seen, desk.beliefs.under(replace(PARAMS, limits=limits)))
    assert again.limits.max_position_pct == 0.1
    assert again.limits.max_strategy_pct == 0.2
    assert again.effective.limits.max_strategy_pct == 0.2
    assert again.params is seen.params
