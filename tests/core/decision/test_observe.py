"""What a batch teaches, and what was seen of it."""

from dataclasses import replace

import pytest

from app.core.decision.observe import observe_batch
from app.core.errors import InvalidInput, UnknownPrice
from app.core.params import BrakeParams, CascadeParams, TradingParams
from app.core.types import Regime, TradingState
from tests.core.decision.batches import (
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
    assert seen.held_prices == {"A": 150.0, "B": 100.0}


def test_a_held_symbol_without_a_price_is_valued_at_the_last_one_known() -> None:
    desk = Desk()
    desk.know({"A": 100.0, "B": 400.0})
    seen = desk.observe(BUY, positions={"B": 10.0}, prices={"A": 100.0})
    assert seen.current == {"B": 0.04}
    assert seen.held_prices == {"B": 400.0}


def test_a_given_price_goes_before_the_last_one_known() -> None:
    desk = Desk()
    desk.know({"A": 400.0})
    seen = desk.observe(BUY, held={"A": 0.05})
    assert seen.current == {"A": 0.05}
    assert seen.held_prices == {"A": 100.0}


def test_without_positions_nothing_is_held() -> None:
    seen = Desk().observe(BUY)
    assert seen.current == {}
    assert seen.held_prices == {}


def test_a_held_symbol_without_any_price_is_refused_and_nothing_is_learnt() -> None:
    desk = Desk()
    before = desk.beliefs.export()
    with pytest.raises(UnknownPrice, match=r"^current_positions.B: .*, was 3.0$"):
        desk.observe(BUY, positions={"B": 3.0}, prices={"A": 100.0})
    assert desk.beliefs.export() == before


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
    ("price", "braked"),
    [(100.0, False), (119.0, False), (120.0, True), (81.0, False), (80.0, True)],
)
def test_a_price_that_jumped_from_the_one_before_the_batch_brakes_its_symbol(
    price: float, *, braked: bool
) -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 100.0, "B": 100.0})
    seen = desk.observe(BUY, wish("one", "B", 0.1), prices={"A": price, "B": 100.0})
    assert seen.braking.reduce_only == ({"A"} if braked else set())
    assert seen.state is TradingState.ACTIVE


def test_a_first_price_is_no_jump() -> None:
    assert Desk(JUMPS).observe(BUY).braking.reduce_only == frozenset()


def test_a_symbol_without_a_signal_does_not_jump() -> None:
    desk = Desk(JUMPS)
    desk.know({"A": 100.0, "B": 100.0})
    seen = desk.observe(BUY, prices={"A": 100.0, "B": 500.0})
    assert seen.braking.reduce_only == frozenset()


def test_jumps_are_not_looked_for_by_default() -> None:
    desk = Desk()
    desk.know({"A": 100.0})
    assert desk.observe(BUY, prices={"A": 1e6}).braking.reduce_only == frozenset()


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
