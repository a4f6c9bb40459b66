"""The beliefs as a whole: what a batch teaches, forks, moves to other parameters, survival."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from app.core.beliefs import Beliefs, TradingStatus
from app.core.books.market import LastPrice
from app.core.brakes import drawdown_multiplier
from app.core.decision.observe import observe_batch
from app.core.params import BrakeParams, EngineParams, KellyParams, MarketParams
from app.core.types import Batch, Regime, TradingState
from tests.core.lessons import lesson
from tests.strategies import NOW_NS, make_batch, make_signal

PARAMS = EngineParams()

DAY = 86_400 * 10**9


def hear(beliefs: Beliefs, batch: Batch) -> dict[str, Regime]:
    return dict(observe_batch(batch, beliefs, beliefs.params).regimes)


def lived(params: EngineParams = PARAMS) -> Beliefs:
    """Beliefs after some batches and outcomes."""
    beliefs = Beliefs(params)
    rng = np.random.default_rng(1)
    for step in range(30):
        prices = {"BTC-USD": 100.0 + float(rng.normal()), "ETH-USD": 50.0 + float(rng.normal())}
        signal = make_signal(timestamp_ns=NOW_NS - (29 - step) * DAY, regime=Regime.RANGING)
        hear(beliefs, make_batch(signal, prices=prices, portfolio_value=100_000.0 + step))
        beliefs.learn(lesson("momentum", 0.01 * (-1) ** step, 0.001, 0.02))
    part = {"strategy_id": "momentum", "final_usd": 50.0}
    position = {"symbol": "BTC-USD", "target_usd": 50.0, "contributions": [part]}
    beliefs.learn_decision({"strategy_weights": {"momentum": 1.0}, "positions": [position]})
    beliefs.trading = TradingStatus(TradingState.REDUCING, "exchange down", 77)
    beliefs.structure.factors = beliefs.fresh_factors()
    return beliefs


def test_a_batch_teaches_every_price_at_the_newest_timestamp_of_its_signals() -> None:
    beliefs = Beliefs(PARAMS)
    for step, price in enumerate((100.0, 110.0)):
        batch = make_batch(
            make_signal(timestamp_ns=NOW_NS + step * DAY),
            make_signal(symbol="ETH-USD", timestamp_ns=NOW_NS - 50),
            prices={"BTC-USD": price, "ETH-USD": 2 * price, "SOL-USD": 3 * price},
        )
        hear(beliefs, batch)
    assert beliefs.market.last_price("SOL-USD") == 330.0
    assert beliefs.market.history("ETH-USD")[0] == pytest.approx([0.1])
    # the same newest timestamp is not a new observation
    hear(beliefs, replace(batch, prices={"BTC-USD": 1.0, "ETH-USD": 1.0, "SOL-USD": 1.0}))
    assert beliefs.market.last_price("BTC-USD") == 110.0


def test_a_batch_without_signals_is_observed_at_its_time_of_receipt() -> None:
    beliefs = Beliefs(PARAMS)
    assert hear(beliefs, make_batch(prices={"BTC-USD": 1.0})) == {}
    assert beliefs.market.last("BTC-USD") == LastPrice(1.0, NOW_NS)
    assert beliefs.values.last == 100_000.0


def test_a_signal_ahead_of_the_doors_bound_dates_the_prices_no_later_than_now() -> None:
    beliefs = Beliefs(PARAMS)
    far = make_signal(symbol="ETH-USD", timestamp_ns=NOW_NS + 10**18)
    prices = {"BTC-USD": 1.0, "ETH-USD": 2.0}
    hear(beliefs, make_batch(make_signal(), far, prices=prices, stamps_until_ns=NOW_NS))
    assert beliefs.market.last("BTC-USD") == LastPrice(1.0, NOW_NS)
    assert beliefs.regimes.newest_ns("ETH-USD") == -1


def test_a_stamp_within_the_doors_bound_counts_as_now() -> None:
    beliefs = Beliefs(PARAMS)
    ahead = make_signal(timestamp_ns=NOW_NS + 50)
    hear(beliefs, make_batch(ahead, stamps_until_ns=NOW_NS + 60))
    assert beliefs.market.last("BTC-USD") == LastPrice(100.0, NOW_NS)
    assert beliefs.regimes.newest_ns("BTC-USD") == NOW_NS


def test_the_portfolio_value_of_the_settings_is_no_observation() -> None:
    beliefs = Beliefs(PARAMS)
    hear(beliefs, make_batch(make_signal(), value_given=False))
    assert beliefs.values.last == 0.0


def test_several_claims_on_a_symbol_are_one_weighted_claim_a_batch() -> None:
    beliefs = Beliefs(PARAMS)
    up = make_signal(strategy_id="a", regime=Regime.TRENDING_UP, confidence=0.9)
    crisis = make_signal(strategy_id="b", regime=Regime.CRISIS, confidence=0.5)
    other = make_signal(strategy_id="c", symbol="ETH-USD", regime=Regime.TRENDING_DOWN)
    regimes = hear(beliefs, make_batch(up, crisis, other))
    assert regimes == {"BTC-USD": Regime.TRENDING_UP, "ETH-USD": Regime.TRENDING_DOWN}
    worse = replace(crisis, confidence=0.95)
    later = [replace(signal, timestamp_ns=NOW_NS + 1) for signal in (up, worse)]
    assert hear(beliefs, make_batch(*later)) == {"BTC-USD": Regime.CRISIS}


def test_the_period_of_a_symbol_is_its_own_newest_timestamp() -> None:
    beliefs = Beliefs(PARAMS)
    hear(beliefs, make_batch(make_signal(regime=Regime.TRENDING_UP)))
    wild = make_signal(regime=Regime.HIGH_VOLATILITY)
    for step in range(1, 6):
        other = make_signal(symbol="ETH-USD", timestamp_ns=NOW_NS + step * 60 * 10**9)
        regimes = hear(beliefs, make_batch(wild, other))
        assert regimes["BTC-USD"] is Regime.TRENDING_UP


@pytest.mark.parametrize(
    ("value", "multiplier"), [(120_000.0, 1.0), (109_000.0, 1.0), (108_000.0, 0.5), (1.0, 0.5)]
)
def test_the_drawdown_brake_acts_from_its_drawdown_on(value: float, multiplier: float) -> None:
    params = EngineParams(brakes=BrakeParams(drawdown_from=0.10, drawdown_multiplier=0.5))
    beliefs = Beliefs(params)
    assert drawdown_multiplier(1.0, beliefs.values, params.brakes) == 1.0
    for peak in (100_000.0, 120_000.0, 110_000.0):
        hear(beliefs, make_batch(make_signal(), portfolio_value=peak))
    assert beliefs.peak_value == 120_000.0
    assert drawdown_multiplier(value, beliefs.values, params.brakes) == multiplier


def test_the_drawdown_brake_is_off_by_default() -> None:
    beliefs = Beliefs(PARAMS)
    hear(beliefs, make_batch(make_signal()))
    assert drawdown_multiplier(1.0, beliefs.values, PARAMS.brakes) == 1.0


def test_a_lesson_reaches_its_strategys_record_or_is_refused() -> None:
    beliefs = Beliefs(PARAMS)
    assert beliefs.learn(lesson("a", 0.02, 0.01, 0.05))
    assert not beliefs.learn(lesson("a", math.nan, 0.01, 0.05))
    assert beliefs.records.refused == 1
    assert beliefs.records.gather(["a"]).outcomes.tolist() == [1.0]


def test_a_fork_is_equal_and_independent() -> None:
    beliefs = lived()
    fork = beliefs.fork()
    assert fork.export() == beliefs.export()
    before = beliefs.export()
    for step in range(5):
        hear(fork, make_batch(make_signal(timestamp_ns=NOW_NS + 100 + step)))
        fork.learn(lesson("momentum", 0.5, 0.0, 0.1))
    assert beliefs.export() == before
    assert fork.export() != before


def test_a_forks_correlations_follow_its_own_market() -> None:
    beliefs = lived()
    fork = beliefs.fork()
    names = ["BTC-USD", "ETH-USD"]
    before = beliefs.structure.of_one_side(names)
    assert (fork.structure.of_one_side(names) == before).all()
    fork.market.observe_returns(NOW_NS + DAY, {"BTC-USD": 0.9, "ETH-USD": 0.9})
    assert fork.structure.of_one_side(names)[0, 1] > before[0, 1] + 0.1
    assert (beliefs.structure.of_one_side(names) == before).all()


def test_restoring_is_exact_through_json() -> None:
    beliefs, again = lived(), Beliefs(PARAMS)
    again.restore(json.loads(json.dumps(beliefs.export())))
    assert again.export() == beliefs.export()
    assert again.trading == TradingStatus(TradingState.REDUCING, "exchange down", 77)
    assert again.structure.factors is not None
    assert again.peak_value == beliefs.peak_value
    for each in (beliefs, again):
        hear(each, make_batch(make_signal(timestamp_ns=NOW_NS + 500)))
        each.learn(lesson("momentum", 0.03, 0.001, 0.02))
    assert json.dumps(again.export()) == json.dumps(beliefs.export())


def test_fresh_beliefs_survive_too() -> None:
    again = Beliefs(PARAMS)
    again.restore(json.loads(json.dumps(Beliefs(PARAMS).export())))
    assert again.export() == Beliefs(PARAMS).export()
    assert again.structure.factors is None


def test_the_same_parameters_keep_the_beliefs_and_others_move_them() -> None:
    beliefs = lived()
    assert beliefs.under(EngineParams()) is beliefs
    other = EngineParams(kelly=KellyParams(fraction=0.5), market=MarketParams(history=64))
    moved = beliefs.under(other)
    assert moved.params == other
    assert moved.records.export() == beliefs.records.export()
    assert moved.market.volatility("BTC-USD") == beliefs.market.volatility("BTC-USD")
    assert moved.trading == beliefs.trading
    assert moved is not beliefs


def test_fresh_beliefs_move_to_other_parameters() -> None:
    moved = Beliefs(PARAMS).under(EngineParams(kelly=KellyParams(fraction=0.5)))
    assert moved.market.symbols() == []


def test_trading_is_active_until_told_otherwise() -> None:
    assert Beliefs(PARAMS).trading == TradingStatus(TradingState.ACTIVE, None, 0)
    assert TradingStatus() == TradingStatus(TradingState.ACTIVE, None, 0)


def test_fresh_factors_are_not_adopted() -> None:
    beliefs = Beliefs(PARAMS)
    model = beliefs.fresh_factors()
    assert model.row == {}
    assert beliefs.structure.factors is None


def test_a_withdrawn_outcome_leaves_record_and_comparison_and_may_be_learnt_again() -> None:
    beliefs, without = Beliefs(PARAMS), Beliefs(PARAMS)
    for each in (beliefs, without):
        each.learn(lesson("a", 0.02, 0.01, 0.05, decision_id="d1", symbol="V"))
        each.performance.add_paired("d1", 0.01, 0.02, "V")
    beliefs.learn(lesson("a", -0.04, 0.01, 0.05, decision_id="d1", symbol="W"))
    beliefs.performance.add_unpaired(0.3, used_rl=True, origin=("d2", "V"))
    assert beliefs.withdraw([("d1", "W"), ("d2", "V"), ("d3", "V"), ("d1", "W")]) == [
        ("d1", "W"),
        ("d2", "V"),
    ]
    assert beliefs.records.export() == without.records.export()
    assert beliefs.performance.export() == without.performance.export()
    again = Beliefs(PARAMS)
    again.restore(json.loads(json.dumps(beliefs.export())))
    assert again.withdrawn == {("d1", "W"), ("d2", "V")}
