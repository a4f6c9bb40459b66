"""Held positions and trading states on single requests."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.params import EngineParams, LimitParams
from app.core.types import Action, TradingState
from tests.contract.engine import Answer, Engine, run
from tests.contract.requests import SHORTS, SLOW, UNCORRELATED, ask, request, signal
from tests.contract.strategies import CALM, CLOSING, HALVING, NOW, QUARTERING

BIG = 0.02


def parts(answer: Answer, symbol: str = "AAA") -> dict[str | None, float]:
    """Return USD by strategy on one symbol."""
    found = next(p for p in answer["positions"] if p["symbol"] == symbol)
    return {part["strategy_id"]: part["final_usd"] for part in found["contributions"]}


def test_an_empty_batch_is_empty_and_says_so() -> None:
    answer = ask()
    assert answer["allocations"] == {}
    assert (answer["strategy"], answer["fallback_reason"]) == ("fallback", "empty_batch")


def test_an_empty_batch_with_positions_keeps_them() -> None:
    answer = ask(positions={"AAA": 50.0, "BBB": 10.0})
    assert answer["allocations"] == {"AAA": 5_000.0, "BBB": 1_000.0}
    assert all(p["trade_quantity"] == 0.0 for p in answer["positions"])


@pytest.mark.parametrize("held", [33.333333, 0.1, 1e-7])
def test_hold_keeps_the_position_to_the_last_bit(held: float) -> None:
    answer = ask(signal(action=Action.HOLD), positions={"AAA": held})
    assert answer["allocations"]["AAA"] == held * 100.0
    assert answer["positions"][0]["target_quantity"] == held
    assert answer["positions"][0]["trade_usd"] == 0.0


def test_hold_signals_share_a_position_equally() -> None:
    holds = [signal(action=Action.HOLD, strategy_id=name) for name in ("flow", "mean", "trend")]
    answer = ask(*holds, positions={"AAA": 90.0})
    assert parts(answer) == dict.fromkeys(("flow", "mean", "trend"), pytest.approx(3_000.0))


def test_hold_abstains_beside_a_directional_signal() -> None:
    hold = signal(action=Action.HOLD, strategy_id="trend")
    with_hold = ask(signal(), hold, positions={"AAA": 100.0})
    assert with_hold["allocations"] == ask(signal(), positions={"AAA": 100.0})["allocations"]
    assert parts(with_hold)["trend"] == 0.0


def test_a_held_short_goes_to_zero_with_shorts_off() -> None:
    held = {"AAA": -50.0, "BBB": -10.0}
    assert ask(signal(action=Action.HOLD), positions=held)["allocations"] == {"AAA": 0, "BBB": 0}
    kept = ask(signal(action=Action.HOLD), params=SHORTS, positions=held)
    assert kept["allocations"] == {"AAA": -5_000.0, "BBB": -1_000.0}


def test_held_positions_leave_what_is_left_of_the_gross_limit() -> None:
    names = [f"H{place}" for place in range(5)]
    answer = ask(
        signal(expected_return=BIG),
        positions=dict.fromkeys(names, 140.0),
        prices=dict.fromkeys((*names, "AAA"), 100.0),
    )
    assert all(answer["allocations"][name] == 14_000.0 for name in names)
    assert answer["allocations"]["AAA"] == pytest.approx(10_000.0)


def test_held_positions_of_a_strategy_leave_what_is_left_of_its_limit() -> None:
    names = ["H0", "H1"]
    answer = ask(
        *(signal(name, Action.HOLD) for name in names),
        signal(expected_return=BIG),
        signal("BBB", expected_return=BIG, strategy_id="trend"),
        positions=dict.fromkeys(names, 150.0),
        prices=dict.fromkeys((*names, "AAA", "BBB"), 100.0),
    )
    assert answer["allocations"]["AAA"] == pytest.approx(10_000.0)
    assert answer["allocations"]["BBB"] == pytest.approx(15_000.0)


def test_a_held_symbol_takes_its_last_known_price() -> None:
    engine = Engine()
    engine.allocate(request(signal(), prices={"AAA": 100.0, "ZZZ": 40.0}))
    answer = engine.allocate(request(signal(), prices={"AAA": 100.0}, positions={"ZZZ": 10.0}))
    assert answer["allocations"]["ZZZ"] == 400.0


def test_a_held_symbol_without_any_price_is_set_apart_and_the_rest_is_sized() -> None:
    answer = ask(signal(), prices={"AAA": 120.0}, positions={"XXX": 1.0})
    assert {*answer["allocations"]} == {"AAA"}
    assert answer["allocations"]["AAA"] > 0.0
    apart = next(entry for entry in answer["positions"] if entry["symbol"] == "XXX")
    assert apart == {
        "symbol": "XXX",
        "target_usd": None,
        "target_quantity": 1.0,
        "weight": None,
        "current_quantity": 1.0,
        "trade_quantity": 0.0,
        "trade_usd": None,
        "price": None,
        "price_source": "none",
        "price_age_sec": None,
        "set_apart": True,
        "contributions": [],
    }


def test_positions_that_were_never_priced_take_one_position_limit_of_the_gross_room_together() -> (
    None
):
    answer = ask(signal(), positions={"XXX": 1.0, "YYY": 1e9})
    assert answer["set_apart_usd"] == pytest.approx(15_000.0)


def test_a_set_apart_position_takes_its_last_known_value_of_the_room_of_new_bets() -> None:
    params = EngineParams(limits=LimitParams(max_portfolio_pct=0.10, max_position_pct=0.08))
    engine = Engine(params)
    old = NOW - 10 * 86_400 * 10**9
    run(engine.service.learning.observe_prices(old, {"XXX": 100.0}))
    bet = signal(expected_return=BIG)
    answer = engine.allocate(request(bet, positions={"XXX": 60.0}))
    assert answer["set_apart_usd"] == 6_000.0
    assert answer["allocations"] == {"AAA": pytest.approx(4_000.0)}


def test_a_set_apart_position_never_cuts_one_that_is_held() -> None:
    params = EngineParams(limits=LimitParams(max_portfolio_pct=0.10, max_position_pct=0.08))
    held = {"AAA": 70.0, "XXX": 1e6}
    for one in (signal(expected_return=BIG), signal(action=Action.HOLD)):
        answer = ask(one, params=params, positions=held)
        assert answer["allocations"] == {"AAA": pytest.approx(7_000.0)}


def test_slow_trading_moves_a_part_of_the_way_but_closes_at_once() -> None:
    aim = ask(signal(), params=SHORTS)["allocations"]["AAA"]
    moved = ask(signal(), params=SLOW, positions={"AAA": 50.0})["allocations"]["AAA"]
    assert moved == pytest.approx(5_000.0 + 2.0 / 11.0 * (aim - 5_000.0))
    sell = signal(action=Action.SELL, expected_return=0.0)
    assert ask(sell, params=SLOW, positions={"AAA": 50.0})["allocations"]["AAA"] == 0.0
    turned = ask(signal(), params=SLOW, positions={"AAA": -50.0})["allocations"]["AAA"]
    assert turned == pytest.approx(aim)


@pytest.mark.parametrize("state", [TradingState.REDUCING, TradingState.HALTED])
def test_without_positions_a_restricted_state_leaves_symbols_out(state: TradingState) -> None:
    engine = Engine()
    engine.trade(state)
    answer = engine.allocate(request(signal(), signal("BBB")))
    assert answer["allocations"] == answer["baseline_allocations"] == {}
    assert answer["positions"] == []
    assert any("AAA" in warning for warning in answer["warnings"])
    assert engine.allocate(request(signal(), cascade=CLOSING))["allocations"] == {"AAA": 0.0}


def test_halted_targets_the_current_positions_within_limits() -> None:
    engine = Engine()
    engine.trade(TradingState.HALTED)
    held = {"AAA": 20.0, "BBB": 500.0}
    answer = engine.allocate(
        request(signal(action=Action.SELL), signal("BBB"), signal("CCC"), positions=held)
    )
    assert answer["allocations"] == {"AAA": 2_000.0, "BBB": 15_000.0, "CCC": 0.0}
    assert parts(answer) == {"mean": 0.0, None: 2_000.0}
    flat = engine.allocate(request(signal(), positions={}))
    assert flat["allocations"] == {"AAA": 0.0}


def test_reducing_stays_between_zero_and_the_position() -> None:
    engine = Engine(replace(SHORTS, market=UNCORRELATED.market))
    engine.trade(TradingState.REDUCING)
    held = {"AAA": 20.0, "BBB": -20.0, "DDD": 300.0}
    prices = dict.fromkeys(("AAA", "BBB", "CCC", "DDD"), 100.0)
    batch = request(signal(), signal("BBB"), signal("CCC"), positions=held, prices=prices)
    allocations = engine.allocate(batch)["allocations"]
    assert allocations == {"AAA": 2_000.0, "BBB": 0.0, "CCC": 0.0, "DDD": 15_000.0}


@pytest.mark.parametrize(("cascade", "a"), [(CALM, 1.0), (HALVING, 0.5), (QUARTERING, 0.25)])
def test_held_positions_of_a_strategy_are_cut_to_its_limit(cascade: Any, a: float) -> None:
    names = [f"H{place}" for place in range(4)]
    answer = ask(
        *(signal(name, Action.HOLD) for name in names),
        cascade=cascade,
        positions=dict.fromkeys(names, 150.0),
        prices=dict.fromkeys(names, 100.0),
    )
    assert answer["allocations"] == dict.fromkeys(names, pytest.approx(a * 10_000.0))


@pytest.mark.parametrize(("held", "owner"), [(50.0, "mean"), (-50.0, "trend")])
def test_a_position_that_fades_belongs_to_the_signal_of_its_side(held: float, owner: str) -> None:
    pair = (signal(), signal(action=Action.SELL, strategy_id="trend"))
    answer = ask(*pair, params=SLOW, positions={"AAA": held})
    faded = pytest.approx(held * 100.0 * 9.0 / 11.0)
    assert answer["allocations"] == {"AAA": faded}
    assert parts(answer)[owner] == faded
