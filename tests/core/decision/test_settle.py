"""From aims to targets: trading state, limits and slow trading."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.limits import HeldUse
from app.core.params import LimitParams, TradingParams
from app.core.types import Action, TradingState
from tests.core.decision.situations import Situation

SLOW = TradingParams(rebalance_span=9.0)  # a step of 2/10
LONG_ONLY = LimitParams()
ONE_BUY = (("one", "A", 0.10),)
ONE_SELL = (("one", "A", -0.10),)


def target(situation: Situation, aim: float | None = None) -> float:
    return situation.targets(None if aim is None else {"A": aim})["A"]


def test_without_anything_set_the_aims_are_the_targets_to_the_last_bit() -> None:
    situation = Situation((("one", "A", 0.07), ("two", "B", -0.03)), current={"A": -0.5})
    table = situation.table()
    portfolio = situation.portfolio(table)
    settled = situation.settled()
    assert settled.weights.tolist() == (portfolio.side * portfolio.weights).tolist()
    assert settled.share.tolist() == portfolio.share.tolist()
    assert settled.notices == ()
    assert not settled.repaired


def test_no_symbols_settle_to_nothing() -> None:
    settled = Situation(()).settled()
    assert settled.weights.shape == (0,)


@pytest.mark.parametrize(
    ("span", "expected"), [(0.0, 0.10), (1.0, 0.10), (3.0, 0.06), (9.0, 0.036), (19.0, 0.028)]
)
def test_slow_trading_moves_two_over_span_plus_one_of_the_way(span: float, expected: float) -> None:
    trading = TradingParams(rebalance_span=span)
    assert target(Situation(ONE_BUY, {"A": 0.02}, trading=trading)) == pytest.approx(expected)
    short = Situation(ONE_SELL, {"A": -0.02}, trading=trading)
    assert target(short) == pytest.approx(-expected)


@pytest.mark.parametrize(
    ("elapsed", "part"), [(0.0, 0.0), (1_800.0, 0.5), (3_600.0, 0.75), (1e9, 1.0)]
)
def test_with_a_half_life_half_of_the_way_is_gone_after_it(elapsed: float, part: float) -> None:
    trading = TradingParams(rebalance_half_life_sec=1_800.0)
    changes: dict[str, Any] = {"trading": trading, "elapsed": {"A": elapsed}}
    found = target(Situation(ONE_BUY, {"A": 0.02}, **changes))
    assert found == pytest.approx(0.02 + part * 0.08)
    short = Situation(ONE_SELL, {"A": -0.02}, **changes)
    assert target(short) == pytest.approx(-found)


def test_each_symbol_moves_by_the_time_since_its_own_last_decision() -> None:
    situation = Situation(
        (("one", "A", 0.10), ("one", "B", 0.10)),
        trading=TradingParams(rebalance_half_life_sec=60.0),
        elapsed={"A": 60.0, "B": 120.0},
    )
    aims = {"A": 0.08, "B": 0.08}
    assert situation.targets(aims) == pytest.approx({"A": 0.04, "B": 0.06})


def test_with_a_half_life_too_a_side_that_nobody_supports_is_left_at_once() -> None:
    trading = TradingParams(rebalance_half_life_sec=1e9)
    assert target(Situation(ONE_SELL, {"A": 0.10}, trading=trading)) == pytest.approx(-0.10)


def test_slow_trading_from_flat_takes_the_same_step() -> None:
    assert target(Situation(ONE_BUY, trading=SLOW)) == pytest.approx(0.02)


def test_slow_trading_also_slows_reductions() -> None:
    # a fifth of the 0.04 from 0.14 to 0.10
    assert target(Situation(ONE_BUY, {"A": 0.14}, trading=SLOW)) == pytest.approx(0.132)


@pytest.mark.parametrize(
    ("wishes", "current", "expected"), [(ONE_BUY, -0.05, 0.10), (ONE_SELL, 0.05, -0.10)]
)
def test_a_move_through_zero_is_immediate(wishes: Any, current: float, expected: float) -> None:
    assert target(Situation(wishes, {"A": current}, trading=SLOW)) == pytest.approx(expected)


def test_a_sell_closes_a_long_at_once_where_shorts_are_off() -> None:
    situation = Situation(ONE_SELL, {"A": 0.1}, limits=LONG_ONLY, trading=SLOW)
    assert target(situation) == 0.0


def test_a_sell_that_overrules_a_buy_closes_at_once_where_shorts_are_off() -> None:
    wishes = (("one", "A", 0.05), ("two", "A", -0.10))
    assert target(Situation(wishes, {"A": 0.1}, limits=LONG_ONLY, trading=SLOW)) == 0.0


def test_a_sell_of_no_size_alone_still_closes_a_long_at_once() -> None:
    wishes = (("one", "A", 0.0),)
    assert target(Situation(wishes, {"A": 0.1}, limits=LONG_ONLY, trading=SLOW)) == 0.0
    assert target(Situation(wishes, {"A": 0.1}, trading=SLOW)) == 0.0


def test_a_buy_of_no_size_closes_a_long_slowly_and_a_short_at_once() -> None:
    wishes, actions = (("one", "A", 0.0),), {("one", "A"): Action.BUY}
    slowly = Situation(wishes, {"A": 0.1}, trading=SLOW, actions=actions)
    assert target(slowly) == pytest.approx(0.08)
    at_once = Situation(wishes, {"A": -0.1}, trading=SLOW, actions=actions)
    assert target(at_once) == 0.0


def test_a_sell_of_no_size_closes_a_short_slowly_and_stays_on_its_side() -> None:
    settled = Situation((("one", "A", 0.0),), {"A": -0.1}, trading=SLOW).settled()
    assert settled.weights == pytest.approx([-0.08])
    assert settled.share.tolist() == [1.0]


def test_sides_that_offset_exactly_close_slowly() -> None:
    wishes = (("one", "A", 0.1), ("two", "A", -0.1))
    settled = Situation(wishes, {"A": 0.1}, trading=SLOW).settled()
    assert settled.weights == pytest.approx([0.08])
    assert settled.share.tolist() == [1.0, 0.0]
    settled = Situation(wishes, {"A": -0.1}, trading=SLOW).settled()
    assert settled.weights == pytest.approx([-0.08])
    assert settled.share.tolist() == [0.0, 1.0]


def test_exit_closes_at_once_however_slow_trading_is() -> None:
    situation = Situation(ONE_BUY, {"A": 0.1}, trading=SLOW, multiplier=0.0)
    assert target(situation) == 0.0


@pytest.mark.parametrize(("multiplier", "limit"), [(1.0, 0.15), (0.5, 0.075), (0.25, 0.0375)])
def test_what_a_limit_demands_is_immediate(multiplier: float, limit: float) -> None:
    situation = Situation(ONE_BUY, {"A": 0.3}, trading=SLOW, multiplier=multiplier)
    assert target(situation) == pytest.approx(limit)


def test_a_strategys_limit_is_met_by_the_nearest_point_however_slow_trading_is() -> None:
    wishes = (("one", "A", 0.02), ("one", "B", 0.02))
    limits = LimitParams(max_strategy_pct=0.2)
    settled = Situation(wishes, {"A": 0.15, "B": 0.13}, limits=limits, trading=SLOW).settled()
    before = np.array([0.15, 0.13]) + 0.2 * (np.array([0.02, 0.02]) - np.array([0.15, 0.13]))
    # both give the same amount until they meet the strategy's 0.2
    assert settled.weights == pytest.approx(before - (before.sum() - 0.2) / 2.0, abs=1e-8)
    assert settled.weights.sum() <= 0.2 + 1e-9


def test_what_is_held_elsewhere_leaves_less_room_on_the_turned_side_too() -> None:
    wishes = (("one", "A", 0.0),)
    limits = LimitParams(allow_short=True, max_strategy_pct=0.2)
    held = HeldUse({"strategy": {"one": 0.15}, "portfolio": {"portfolio": 0.15}})
    settled = Situation(wishes, {"A": -0.1}, limits, SLOW, held).settled()
    # the short that closes slowly belongs to `one`, which holds 0.15 of its 0.2 elsewhere
    assert settled.weights == pytest.approx([-0.05])
    half = Situation(wishes, {"A": -0.1}, limits, SLOW, held, multiplier=0.8).settled()
    assert half.weights == pytest.approx([-0.01])


@pytest.mark.parametrize(
    ("current", "aim", "expected"),
    [
        (0.05, 0.10, 0.05),
        (0.05, 0.03, 0.03),
        (0.05, -0.10, 0.0),
        (-0.05, -0.10, -0.05),
        (-0.05, -0.02, -0.02),
        (-0.05, 0.10, 0.0),
        (0.0, 0.10, 0.0),
        (0.0, -0.10, 0.0),
    ],
)
def test_reducing_keeps_each_symbol_between_zero_and_its_position(
    current: float, aim: float, expected: float
) -> None:
    wishes = (("one", "A", 0.1), ("two", "A", -0.05))
    situation = Situation(wishes, {"A": current}, state=TradingState.REDUCING)
    assert target(situation, aim) == pytest.approx(expected)


def test_reducing_obeys_the_limits_and_slow_trading_as_well() -> None:
    reducing = TradingState.REDUCING
    over = Situation(ONE_BUY, {"A": 0.3}, state=reducing)
    assert target(over, 0.2) == pytest.approx(0.15)
    halved = Situation(ONE_BUY, {"A": 0.1}, state=reducing, multiplier=0.5)
    assert target(halved, 0.1) == pytest.approx(0.075)
    slow = Situation(ONE_BUY, {"A": 0.10}, state=reducing, trading=SLOW)
    assert target(slow, 0.05) == pytest.approx(0.09)


def test_aims_beyond_the_limits_are_projected_on_them() -> None:
    wishes = tuple((f"s{place}", name, 0.1) for place, name in enumerate("ABCDEFGH"))
    aims = dict.fromkeys("ABCDEFGH", 0.14)
    settled = Situation(wishes).settled(aims)
    assert settled.weights == pytest.approx(np.full(8, 0.1), abs=1e-8)
    assert settled.notices == ()
    assert not settled.repaired
    assert target(Situation(ONE_BUY), 0.4) == pytest.approx(0.15)


@given(
    current=st.lists(st.floats(-0.3, 0.3), min_size=4, max_size=4),
    sizes=st.lists(st.floats(-0.4, 0.4), min_size=6, max_size=6),
    span=st.sampled_from([0.0, 1.0, 4.0, 20.0]),
    multiplier=st.sampled_from([1.0, 0.5, 0.25, 0.0]),
    state=st.sampled_from([TradingState.ACTIVE, TradingState.REDUCING]),
    allow_short=st.booleans(),
)
@settings(max_examples=80, deadline=None)
def test_every_limit_holds_whatever_was_held_and_wanted(**case: Any) -> None:
    names = ["A", "B", "C", "D", "A", "B"]
    wishes = tuple(
        (f"s{row // 2}", name, size)
        for row, (name, size) in enumerate(zip(names, case["sizes"], strict=True))
    )
    limits = LimitParams(
        allow_short=case["allow_short"], max_strategy_pct=0.2, max_portfolio_pct=0.35
    )
    situation = Situation(
        wishes,
        dict(zip("ABCD", case["current"], strict=True)),
        limits=limits,
        trading=TradingParams(rebalance_span=case["span"]),
        multiplier=case["multiplier"],
        state=case["state"],
    )
    settled, table, slack = situation.settled(), situation.table(), 1e-6
    weights, scale = settled.weights, case["multiplier"]
    assert (np.abs(weights) <= 0.15 * scale + slack).all()
    assert np.abs(weights).sum() <= 0.35 * scale + slack
    parts = settled.share * weights[table.symbol_of]
    gross = np.bincount(table.strategy_of, np.abs(parts))
    assert (gross <= 0.2 * scale + slack).all()
    # no BUY contributes a short, no SELL a long; contributions add up
    assert (parts * table.direction >= 0.0).all()
    assert np.bincount(table.symbol_of, parts) == pytest.approx(weights, abs=1e-12)
    if not case["allow_short"]:
        assert (weights >= 0.0).all()
    if case["state"] is TradingState.REDUCING:
        now = np.array(case["current"])
        assert (np.abs(weights) <= np.abs(now) + slack).all()
        assert (weights * now >= 0.0).all()
