"""The same promises for hundreds of symbols, where factors and another solver take over."""

import random
from dataclasses import replace

import numpy as np
import pytest

from app.core.params import EngineParams, LimitParams, MarketParams, TradingParams
from app.core.types import Action, Batch, Prediction, Regime, Signal, TradingState
from tests.contract import promises
from tests.contract.engine import Answer, Engine
from tests.contract.requests import VALUE, phase1_usd
from tests.contract.strategies import CASCADES, NOW, Case, replying

COUNTS = (100, 201)


def large(count: int, seed: int) -> Batch:
    """Build a batch of one signal or more a symbol, a third of the symbols held."""
    rng = random.Random(seed)
    names = [f"S{place:03}" for place in range(count)]
    crowd = [
        Signal(
            strategy_id=f"s{rng.randrange(9)}",
            symbol=name,
            action=rng.choice((Action.BUY, Action.SELL, Action.BUY, Action.HOLD)),
            confidence=rng.uniform(0.2, 1.0),
            risk_score=0.5,
            regime=rng.choice([*Regime]),
            timestamp_ns=NOW,
            expected_return=10.0 ** rng.uniform(-4.0, -2.0),
            predicted_volatility=10.0 ** rng.uniform(-2.0, -0.5),
        )
        for name in names
        for _ in range(rng.choice((1, 1, 2)))
    ]
    prices = {name: 10.0 ** rng.uniform(-1.0, 5.0) for name in [*names, "HELD"]}
    held = {name: rng.uniform(-1e3, 1e3) / prices[name] for name in [*names[::3], "HELD"]}
    return Batch(
        signals=tuple(crowd),
        cascade=CASCADES[seed % 3],
        prices=prices,
        portfolio_value=VALUE,
        received_ns=NOW,
        positions=held if seed % 2 else None,
    )


def replies(count: int, seed: int) -> tuple[Prediction | None, ...]:
    rng = random.Random(seed)
    return tuple(
        Prediction(rng.uniform(-0.1, 0.1), rng.uniform(0.3, 1.0), 0.001, 0.02, "fake-1")
        if rng.random() < 0.8
        else None
        for _ in range(count)
    )


def decide(case: Case) -> Answer:
    """Decide twice with learnt returns; above 100 symbols the second one may use factors."""
    engine = Engine(case.params, None if case.replies is None else replying(case.replies))
    names = sorted(case.batch.prices)
    rows = np.random.default_rng(1).normal(size=(25, len(names))) * 0.02
    market = rows.mean(axis=1, keepdims=True) * 10.0
    table = [dict(zip(names, row, strict=True)) for row in (rows + market).tolist()]
    engine.feed_returns(table, until_ns=NOW - 1)
    engine.trade(case.state)
    promises.assert_all(case, engine.allocate(case.batch))
    answer = engine.allocate(case.batch)
    engine.close()
    return answer


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_every_promise_holds_for_hundreds_of_symbols(count: int, seed: int) -> None:
    limits = LimitParams(
        allow_short=seed >= 2,
        group_caps={"few": 0.1},
        groups={"few": tuple(f"S{place:03}" for place in range(0, count, 7))},
    )
    params = EngineParams(limits=limits)
    case = Case(large(count, seed), params, replies=replies(50, seed) if seed != 1 else None)
    answer = decide(case)
    promises.assert_all(case, answer)
    assert not [w for w in answer["warnings"] if "solver" in w or "scale" in w]
    assert answer["total_allocated_usd"] > 0.0


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_trading_states_hold_for_hundreds_of_symbols(state: TradingState) -> None:
    params = EngineParams(
        trading=TradingParams(rebalance_span=10.0), limits=LimitParams(allow_short=True)
    )
    case = Case(large(201, 3), params, state=state, replies=replies(50, 3))
    promises.assert_all(case, decide(case))


@pytest.mark.parametrize("count", COUNTS)
def test_the_order_of_hundreds_of_signals_changes_not_one_bit(count: int) -> None:
    batch = large(count, 1)
    shuffled = random.Random(count).sample(batch.signals, len(batch.signals))
    one = Engine().allocate(batch)
    other = Engine().allocate(replace(batch, signals=tuple(shuffled)))
    assert one["allocations"] == other["allocations"]
    assert one["positions"] == other["positions"]


@pytest.mark.parametrize("count", COUNTS)
def test_hundreds_of_uncorrelated_signals_get_what_each_gets_alone(count: int) -> None:
    params = EngineParams(
        market=MarketParams(prior_correlation=0.0),
        limits=LimitParams(allow_short=True, max_strategy_pct=1.0),
    )
    rng = random.Random(count)
    crowd = [
        Signal(
            f"s{place % 5}",
            f"S{place:03}",
            rng.choice((Action.BUY, Action.SELL)),
            0.7,
            0.5,
            Regime.RANGING,
            NOW,
            expected_return=0.8 / count * rng.uniform(0.1, 0.9) * volatility**2 / 0.25,
            predicted_volatility=volatility,
        )
        for place in range(count)
        for volatility in (10.0 ** rng.uniform(-2.0, 0.0),)
    ]
    batch = Batch(tuple(crowd), CASCADES[0], {s.symbol: 7.0 for s in crowd}, VALUE, NOW)
    answer = Engine(params).allocate(batch)
    for one in crowd:
        expected = phase1_usd(one) if one.action is Action.BUY else -phase1_usd(one)
        assert answer["allocations"][one.symbol] == pytest.approx(expected, abs=1e-6 * VALUE)
