"""The promises on single requests: what the predecessor got wrong, held positions, cascades."""

import json
from dataclasses import replace
from typing import Any

import pytest

from app.core.errors import UnknownPrice
from app.core.params import EngineParams, LimitParams
from app.core.types import Action, Outcome, TradingState
from tests.contract.engine import Answer, Engine
from tests.contract.requests import SHORTS, SLOW, VALUE, ask, phase1_usd, request, signal
from tests.contract.strategies import CALM, CLOSING, HALVING, NOW, QUARTERING

DAY_NS = 86_400_000_000_000
BIG = 0.02


def parts(answer: Answer, symbol: str = "AAA") -> dict[str | None, float]:
    """Return USD by strategy on one symbol."""
    found = next(p for p in answer["positions"] if p["symbol"] == symbol)
    return {part["strategy_id"]: part["final_usd"] for part in found["contributions"]}


# -- one symbol ----------------------------------------------------------------------------------


def test_a_sell_is_not_sized_as_a_long() -> None:
    assert ask(signal(action=Action.SELL))["allocations"] == {"AAA": 0.0}


def test_with_shorts_on_a_sell_mirrors_a_buy() -> None:
    long = ask(signal(), params=SHORTS)["allocations"]["AAA"]
    short = ask(signal(action=Action.SELL), params=SHORTS)["allocations"]["AAA"]
    assert long > 0.0
    assert short == -long


def test_a_hold_without_a_position_is_flat() -> None:
    assert ask(signal(action=Action.HOLD))["allocations"] == {"AAA": 0.0}


@pytest.mark.parametrize("count", [1, 5, 50])
def test_strategies_on_one_symbol_share_its_limit(count: int) -> None:
    crowd = (signal(strategy_id=f"s{place}", expected_return=BIG) for place in range(count))
    answer = ask(*crowd)
    assert answer["allocations"]["AAA"] == pytest.approx(0.15 * VALUE)
    assert sum(parts(answer).values()) == pytest.approx(0.15 * VALUE)
    assert all(usd == pytest.approx(0.15 * VALUE / count) for usd in parts(answer).values())


def test_one_strategy_on_many_symbols_keeps_its_limit() -> None:
    crowd = [signal(f"S{place}", expected_return=BIG) for place in range(8)]
    answer = ask(*crowd)
    assert answer["total_allocated_usd"] == pytest.approx(0.40 * VALUE)
    assert {"limit": "strategy", "id": "mean"}.items() <= answer["binding_limits"][-1].items()


def test_many_strategies_on_many_symbols_keep_the_portfolio_limit() -> None:
    crowd = [
        signal(f"S{place}", strategy_id=f"s{place}", expected_return=BIG) for place in range(12)
    ]
    answer = ask(*crowd)
    assert answer["total_allocated_usd"] == pytest.approx(0.80 * VALUE)
    assert answer["utilization_pct"] == pytest.approx(80.0)


def test_a_smaller_sell_offsets_a_buy() -> None:
    buy = signal()
    sell = signal(action=Action.SELL, strategy_id="trend", expected_return=0.0005)
    for params in (EngineParams(), SHORTS):
        answer = ask(buy, sell, params=params)
        expected = phase1_usd(buy) - phase1_usd(sell)
        assert answer["allocations"]["AAA"] == pytest.approx(expected)
        assert parts(answer) == {"mean": pytest.approx(expected), "trend": 0.0}


def test_a_larger_sell_is_flat_with_shorts_off_and_short_with_shorts_on() -> None:
    buy = signal(expected_return=0.0005)
    sell = signal(action=Action.SELL, strategy_id="trend")
    assert ask(buy, sell)["allocations"] == {"AAA": 0.0}
    short = ask(buy, sell, params=SHORTS)
    assert short["allocations"]["AAA"] == pytest.approx(phase1_usd(buy) - phase1_usd(sell))
    assert parts(short)["mean"] == 0.0


def test_strong_sizes_like_plain() -> None:
    assert (
        ask(signal(action=Action.STRONG_BUY))["allocations"]
        == ask(signal(action=Action.BUY))["allocations"]
    )


def test_a_negative_expected_return_sizes_zero_with_a_warning() -> None:
    answer = ask(signal(expected_return=-0.001))
    assert answer["allocations"] == {"AAA": 0.0}
    assert any("negative" in warning for warning in answer["warnings"])


@pytest.mark.parametrize("missing", ["expected_return", "predicted_volatility"])
def test_a_missing_claim_is_told_in_a_warning(missing: str) -> None:
    answer = ask(signal(**{missing: None}))
    assert any(missing in warning for warning in answer["warnings"])


# -- cascades ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cascade", "a"), [(CALM, 1.0), (HALVING, 0.5), (QUARTERING, 0.25)])
@pytest.mark.parametrize("edge", [0.001, BIG])
def test_a_cascade_scales_sizes_and_limits(cascade: Any, a: float, edge: float) -> None:
    crowd = [
        signal(f"S{place}", strategy_id=f"s{place % 3}", expected_return=edge)
        for place in range(12)
    ]
    calm, now = ask(*crowd), ask(*crowd, cascade=cascade)
    for symbol, usd in calm["allocations"].items():
        assert now["allocations"][symbol] == pytest.approx(a * usd)


@pytest.mark.parametrize("params", [EngineParams(), SHORTS, SLOW])
def test_exit_closes_everything_held_or_signalled(params: EngineParams) -> None:
    answer = ask(
        signal(),
        signal("BBB", Action.HOLD),
        signal("CCC", Action.SELL),
        params=params,
        cascade=CLOSING,
        positions={"AAA": 100.0, "BBB": 50.0, "CCC": -20.0, "DDD": 10.0},
        prices=dict.fromkeys(("AAA", "BBB", "CCC", "DDD"), 100.0),
    )
    assert answer["allocations"] == dict.fromkeys(("AAA", "BBB", "CCC", "DDD"), 0.0)
    assert {p["symbol"]: p["trade_usd"] for p in answer["positions"]} == {
        "AAA": -10_000.0,
        "BBB": -5_000.0,
        "CCC": 2_000.0,
        "DDD": -1_000.0,
    }


@pytest.mark.parametrize(("cascade", "cap"), [(CALM, 15e3), (HALVING, 7.5e3), (QUARTERING, 3750.0)])
def test_a_held_position_is_cut_to_the_limit(cascade: Any, cap: float) -> None:
    answer = ask(cascade=cascade, positions={"AAA": 200.0})
    assert answer["allocations"]["AAA"] == pytest.approx(cap)
    assert answer["positions"][0]["contributions"] == []


# -- held positions ------------------------------------------------------------------------------


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


def test_a_held_symbol_without_any_price_is_named_and_nothing_is_learnt() -> None:
    engine = Engine()
    engine.allocate(request(signal("BBB")))
    before, version = engine.beliefs(), engine.service.state()["state_version"]
    later = signal(timestamp_ns=NOW + 1)
    with pytest.raises(UnknownPrice) as caught:
        engine.allocate(request(later, prices={"AAA": 120.0}, positions={"XXX": 1.0}))
    assert [problem.path for problem in caught.value.problems] == ["current_positions.XXX"]
    assert engine.beliefs() == before
    assert engine.service.state()["state_version"] == version
    assert engine.service.counts == {"rl": 0, "fallback": 1}


def test_slow_trading_moves_a_part_of_the_way_but_closes_at_once() -> None:
    aim = ask(signal(), params=SHORTS)["allocations"]["AAA"]
    moved = ask(signal(), params=SLOW, positions={"AAA": 50.0})["allocations"]["AAA"]
    assert moved == pytest.approx(5_000.0 + 2.0 / 11.0 * (aim - 5_000.0))
    sell = signal(action=Action.SELL, expected_return=0.0)
    assert ask(sell, params=SLOW, positions={"AAA": 50.0})["allocations"]["AAA"] == 0.0
    turned = ask(signal(), params=SLOW, positions={"AAA": -50.0})["allocations"]["AAA"]
    assert turned == pytest.approx(aim)


# -- rejected signals ----------------------------------------------------------------------------


def test_signals_that_cannot_be_sized_are_rejected_and_the_rest_is_sized() -> None:
    answer = ask(
        signal("NOPRICE"),
        signal(),
        signal("BBB", timestamp_ns=NOW + DAY_NS + 1),
        signal("BBB", timestamp_ns=NOW + DAY_NS, strategy_id="trend"),
        prices={"AAA": 100.0, "BBB": 100.0},
    )
    assert [(e["index"], e["symbol"]) for e in answer["rejected_signals"]] == [
        (0, "NOPRICE"),
        (2, "BBB"),
    ]
    assert answer["allocations"]["AAA"] > 0.0
    assert [*parts(answer, "BBB")] == ["trend"]


def test_age_never_refuses_a_signal() -> None:
    assert ask(signal(timestamp_ns=0))["allocations"] == ask(signal())["allocations"]


def test_a_batch_of_rejected_signals_only_keeps_the_held_positions() -> None:
    answer = ask(signal("NOPRICE"), positions={"AAA": 10.0}, prices={"AAA": 100.0})
    assert answer["allocations"] == {"AAA": 1_000.0}
    assert len(answer["rejected_signals"]) == 1


# -- trading state -------------------------------------------------------------------------------


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
    engine = Engine(SHORTS)
    engine.trade(TradingState.REDUCING)
    held = {"AAA": 20.0, "BBB": -20.0, "DDD": 300.0}
    prices = dict.fromkeys(("AAA", "BBB", "CCC", "DDD"), 100.0)
    batch = request(signal(), signal("BBB"), signal("CCC"), positions=held, prices=prices)
    allocations = engine.allocate(batch)["allocations"]
    assert allocations == {"AAA": 2_000.0, "BBB": 0.0, "CCC": 0.0, "DDD": 15_000.0}


# -- extremes ------------------------------------------------------------------------------------

EXTREMES: list[dict[str, Any]] = [
    {"portfolio_value": value, "prices": {"AAA": price, "BBB": price}}
    for value in (1e-9, 1.0, 1e15)
    for price in (1e-12, 1.0, 1e12)
]


@pytest.mark.parametrize("changed", EXTREMES)
@pytest.mark.parametrize("volatility", [1e-6, 0.05, 10.0])
@pytest.mark.parametrize("edge", [0.0, 1e-12, 0.002, 1e6, None])
def test_extreme_requests_get_finite_answers_within_limits(
    changed: dict[str, Any], volatility: float, edge: float | None
) -> None:
    one = signal(expected_return=edge, predicted_volatility=volatility)
    other = replace(one, symbol="BBB", action=Action.SELL, predicted_volatility=0.05)
    answer = ask(one, other, params=SHORTS, **changed)
    value = changed["portfolio_value"]
    json.dumps(answer, allow_nan=False)
    assert 0.0 <= answer["allocations"]["AAA"] <= 0.15 * value * (1.0 + 1e-9)
    assert -0.15 * value * (1.0 + 1e-9) <= answer["allocations"]["BBB"] <= 0.0


HUGE = 1.7e308
TINY = 5e-324


@pytest.mark.parametrize("edge", [HUGE, TINY, -HUGE, 1e200])
@pytest.mark.parametrize("volatility", [HUGE, TINY, 1e-160, 1e200])
@pytest.mark.parametrize("value", [1e300, VALUE, 1e-300])
def test_the_ends_of_the_number_range_get_finite_answers(
    edge: float, volatility: float, value: float
) -> None:
    one = signal(expected_return=edge, predicted_volatility=volatility)
    twins = [replace(one, symbol=name, strategy_id=name) for name in ("AAA", "BBB", "CCC")]
    for batch in (request(one, portfolio_value=value), request(*twins, portfolio_value=value)):
        answer = Engine().allocate(batch)
        json.dumps(answer, allow_nan=False)
        assert answer["total_allocated_usd"] <= 0.8 * value * (1.0 + 1e-6)


@pytest.mark.parametrize("allow_short", [False, True])
@pytest.mark.parametrize("count", [101, 300])
def test_hundreds_of_symbols_keep_every_limit(count: int, allow_short: bool) -> None:
    params = EngineParams(limits=LimitParams(allow_short=allow_short))
    crowd = [
        signal(
            f"S{place:03}",
            Action.SELL if place % 3 == 0 else Action.BUY,
            strategy_id=f"s{place % 7}",
            expected_return=0.0001 * (1 + place % 11),
            predicted_volatility=0.01 * (1 + place % 5),
        )
        for place in range(count)
    ]
    answer = ask(*crowd, params=params)
    again = ask(*reversed(crowd), params=params)
    assert answer["allocations"] == again["allocations"]
    assert not [warning for warning in answer["warnings"] if "scaled" in warning]
    by: dict[str, float] = {}
    for position in answer["positions"]:
        assert abs(position["target_usd"]) <= 0.15 * VALUE + 0.1
        for part in position["contributions"]:
            owner = part["strategy_id"]
            by[owner] = by.get(owner, 0.0) + abs(part["final_usd"])
    assert all(used <= 0.40 * VALUE + 0.1 for used in by.values())
    assert 0.0 < answer["total_allocated_usd"] <= 0.80 * VALUE + 0.1


def test_the_largest_portfolio_gets_finite_answers() -> None:
    crowd = [signal(f"S{place}", strategy_id=f"s{place}", expected_return=BIG) for place in range(9)]
    answer = ask(*crowd, portfolio_value=HUGE)
    json.dumps(answer, allow_nan=False)
    assert answer["total_allocated_usd"] <= 0.8 * HUGE * (1.0 + 1e-6)


@pytest.mark.parametrize("returns", [(HUGE, -1.0), (HUGE, HUGE), (1e160, -1.0), (-1.0, -1.0)])
@pytest.mark.parametrize("action", [Action.BUY, Action.SELL])
def test_extreme_outcomes_do_not_poison_a_strategy(
    returns: tuple[float, float], action: Action
) -> None:
    engine = Engine(SHORTS)
    for realized in returns:
        told = engine.allocate(request(signal(action=action)))
        outcome = Outcome("AAA", realized, decision_id=told["decision_id"])
        assert engine.record([outcome])["accepted"] == 1
    free = {"strategy_id": "mean", "predicted_return": 0.0, "predicted_volatility": 1.0}
    for realized in (HUGE, -HUGE):
        engine.record([Outcome("AAA", realized, **free)])
    for other in (Action.BUY, Action.SELL):
        answer = engine.allocate(request(signal(action=other)))
        json.dumps(answer, allow_nan=False)
        assert abs(answer["allocations"]["AAA"]) <= 0.15 * VALUE + 0.1
    json.dumps(engine.service.state(), allow_nan=False)
    json.dumps(engine.service.performance(), allow_nan=False)


@pytest.mark.parametrize("largest", [HUGE, 1e160, 1e-300])
def test_extreme_returns_do_not_poison_correlations(largest: float) -> None:
    engine = Engine(SHORTS)
    rows = [{"AAA": largest, "BBB": -0.9}, {"AAA": -1.0, "BBB": largest}] * 15
    engine.feed_returns(rows, until_ns=NOW - 1)
    unclaimed = {"predicted_volatility": None}
    answer = engine.allocate(request(signal(**unclaimed), signal("BBB", **unclaimed)))
    json.dumps(answer, allow_nan=False)
    json.dumps(engine.service.state(), allow_nan=False)
    json.dumps(engine.service.correlations(), allow_nan=False)
    assert all(0.0 <= usd <= 0.15 * VALUE + 0.1 for usd in answer["allocations"].values())
