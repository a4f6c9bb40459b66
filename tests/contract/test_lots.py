"""Lots and least notionals in whole answers: the reported cases, and what holds from any start.

The cases are those of other people's issues: 154.639 shares, quantities that are no multiple of
their lot, a step below one lot that was lost for ever.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.params import EngineParams, LimitParams, TradingParams
from app.core.types import Action, Prediction, Signal, TradingState
from tests.contract.engine import Answer, Engine
from tests.contract.promises import is_multiple
from tests.contract.requests import request, signal
from tests.contract.strategies import CALM, CLOSING, HALVING, replying

WHOLE = TradingParams(default_lot_size=1.0)
SLOW = replace(WHOLE, rebalance_span=10.0)
# its size is 5.1 % of 100,000 USD: 10.2 lots at 500 USD
ES = signal("ES", expected_return=0.0107, predicted_volatility=0.2)
# larger than any limit
LARGE = signal("AAPL", expected_return=0.02)


def ask(
    *signals: Signal,
    trading: TradingParams,
    limits: LimitParams | None = None,
    state: TradingState = TradingState.ACTIVE,
    **changes: Any,
) -> Answer:
    """Ask a fresh service."""
    engine = Engine(EngineParams(trading=trading, limits=limits or LimitParams()))
    engine.trade(state)
    return engine.allocate(request(*signals, **changes))


def position(answer: Answer, symbol: str) -> dict[str, Any]:
    found: dict[str, Any] = next(p for p in answer["positions"] if p["symbol"] == symbol)
    return found


def trade_of(answer: Answer, symbol: str) -> tuple[float, float]:
    """Target and trade, units."""
    found = position(answer, symbol)
    return found["target_quantity"], found["trade_quantity"]


def told(answer: Answer, symbol: str) -> set[str]:
    """Words of the notices that name a symbol."""
    return {
        notice["what"]
        for notice in answer["notices"]
        if symbol in re.split(r"[ ,:]+", notice["detail"])
    }


def walk(
    start: float, one: Signal, price: float, trading: TradingParams, steps: int
) -> list[float]:
    """Feed each target back as the position; the counts on the way."""
    engine = Engine(EngineParams(trading=trading))
    units, way = start, [start]
    for _ in range(steps):
        held, prices = {one.symbol: units}, {one.symbol: price}
        answer = engine.allocate(request(one, positions=held, prices=prices))
        units = position(answer, one.symbol)["target_quantity"]
        way.append(units)
    return way


@pytest.mark.parametrize("signals", [(), (signal("AAPL", Action.HOLD),), (LARGE,)])
def test_154_shares_under_a_cap_of_154_6_whoever_asks(signals: tuple[Signal, ...]) -> None:
    answer = ask(*signals, trading=WHOLE, positions={"AAPL": 200.0}, prices={"AAPL": 97.0})
    assert trade_of(answer, "AAPL") == (154.0, -46.0)
    assert position(answer, "AAPL")["target_usd"] == 154.0 * 97.0
    assert "lot" in told(answer, "AAPL")


def test_a_trade_from_a_fraction_leaves_a_whole_count_and_is_named() -> None:
    answer = ask(LARGE, trading=WHOLE, positions={"AAPL": 10.4}, prices={"AAPL": 97.0})
    assert trade_of(answer, "AAPL") == (154.0, 143.6)
    (notice,) = (n for n in answer["notices"] if "multiple" in n["detail"])
    assert notice["what"] == "lot"
    assert notice["detail"] == "the trade of AAPL, 143.6, is no multiple of its lot 1"


@pytest.mark.parametrize("signals", [(), (signal("AAPL", Action.HOLD),)])
def test_a_fraction_that_is_not_traded_stays_and_is_named(signals: tuple[Signal, ...]) -> None:
    answer = ask(*signals, trading=WHOLE, positions={"AAPL": 10.4}, prices={"AAPL": 97.0})
    assert trade_of(answer, "AAPL") == (10.4, 0.0)
    assert told(answer, "AAPL") == {"lot"}


@pytest.mark.parametrize(
    "how",
    [
        {"signals": (signal("AAPL", Action.SELL),)},
        {"cascade": CLOSING},
        {"signals": (LARGE,), "cascade": CLOSING},
        {"signals": (signal("AAPL", Action.SELL),), "prices": {"AAPL": None}},
    ],
    ids=["SELL", "EXIT", "EXIT of a BUY", "SELL without a price"],
)
def test_closing_takes_a_fraction_to_zero_and_says_that_it_is_no_multiple(
    how: Mapping[str, Any],
) -> None:
    rest = {"prices": {"AAPL": 97.0}, **how}
    signals = rest.pop("signals", ())
    trading = replace(SLOW, default_min_notional_usd=5_000.0)
    answer = ask(*signals, trading=trading, positions={"AAPL": 10.4}, **rest)
    assert trade_of(answer, "AAPL") == (0.0, -10.4)
    assert told(answer, "AAPL") >= {"lot"}


@pytest.mark.parametrize(("start", "first"), [(0.0, 1.0), (9.0, 10.0), (15.0, 14.0), (10.4, 10.0)])
def test_slow_trading_rests_at_ten_lots_for_an_aim_of_10_2(start: float, first: float) -> None:
    way = walk(start, ES, 500.0, SLOW, 16)
    assert way[1] == first
    assert way[-3:] == [10.0, 10.0, 10.0]


def test_lots_of_a_third_of_the_aim_are_reached_one_by_one() -> None:
    # 0.25 x 0.08 / 0.125 is 16 % of the portfolio, three lots of 5,000
    large = replace(ES, expected_return=0.0125, predicted_volatility=0.125)
    assert walk(0.0, large, 5_000.0, SLOW, 5) == [0.0, 1.0, 2.0, 3.0, 3.0, 3.0]
    assert walk(5.0, large, 5_000.0, SLOW, 4) == [5.0, 3.0, 3.0, 3.0, 3.0]


def test_a_target_of_less_than_one_lot_is_zero_and_says_so() -> None:
    answer = ask(LARGE, trading=WHOLE, prices={"AAPL": 700_000.0})
    assert trade_of(answer, "AAPL") == (0.0, 0.0)
    (notice,) = [each for each in answer["notices"] if each["what"] != "claim_cut"]
    assert (notice["what"], notice["symbol"]) == ("lot", "AAPL")
    assert "less than one lot" in notice["detail"]


def test_slow_trading_without_positions_is_told() -> None:
    answer = ask(ES, trading=SLOW, prices={"ES": 500.0})
    assert trade_of(answer, "ES") == (1.0, 1.0)
    assert "span_without_positions" in {notice["what"] for notice in answer["notices"]}
    assert any("slow trading" in warning for warning in answer["warnings"])


def test_with_a_half_life_no_lot_is_traded_where_no_time_has_passed() -> None:
    trading = replace(WHOLE, rebalance_half_life_sec=864_000.0)
    engine = Engine(EngineParams(trading=trading))
    counts = [0.0]
    for later in (0, 0, 3_600, 0, 7_200):
        one = replace(ES, timestamp_ns=ES.timestamp_ns + later * 10**9)
        batch = request(one, positions={"ES": counts[-1]}, prices={"ES": 500.0})
        counts.append(position(engine.allocate(batch), "ES")["target_quantity"])
    # an hour is 0.3 % of the way, and at least one lot
    assert counts == [0.0, 1.0, 1.0, 2.0, 2.0, 3.0]


def test_a_lot_that_no_number_can_price_is_zero_lots() -> None:
    trading = TradingParams(default_lot_size=1e300)
    prices = {"AAPL": 1e200}
    assert trade_of(ask(LARGE, trading=trading, prices=prices), "AAPL") == (0.0, 0.0)
    kept = ask(trading=trading, prices={"AAPL": 97.0}, positions={"AAPL": 3.0})
    assert trade_of(kept, "AAPL") == (3.0, 0.0)


@pytest.mark.parametrize(("lot", "left"), [(1.0, 153.0), (0.0, 153.63917525773195)])
def test_a_cut_that_a_limit_forces_is_at_least_the_minimum(lot: float, left: float) -> None:
    trading = TradingParams(default_lot_size=lot, default_min_notional_usd=97.0)
    answer = ask(trading=trading, positions={"AAPL": 154.639 + 0.0002}, prices={"AAPL": 97.0})
    assert position(answer, "AAPL")["target_quantity"] == pytest.approx(left, abs=2e-4)
    assert "minimum" in told(answer, "AAPL")


def test_a_cut_that_would_leave_less_than_the_minimum_closes() -> None:
    trading = TradingParams(default_min_notional_usd=8_000.0)
    answer = ask(trading=trading, positions={"AAPL": 150.0}, prices={"AAPL": 97.0}, cascade=HALVING)
    assert trade_of(answer, "AAPL") == (0.0, -150.0)
    assert "minimum" in told(answer, "AAPL")


def test_dust_that_is_held_stays_and_is_named() -> None:
    trading = TradingParams(default_min_notional_usd=500.0)
    answer = ask(trading=trading, positions={"AAPL": 3.0}, prices={"AAPL": 97.0})
    assert trade_of(answer, "AAPL") == (3.0, 0.0)
    assert told(answer, "AAPL") == {"minimum"}


def test_halted_keeps_fractions_and_cuts_to_whole_lots() -> None:
    held = {"AAPL": 10.4, "BBB": 200.0, "CCC": 200.5}
    prices = dict.fromkeys(held, 97.0)
    halted: dict[str, Any] = {"state": TradingState.HALTED, "positions": held, "prices": prices}
    answer = ask(LARGE, signal("BBB", Action.HOLD), trading=SLOW, **halted)
    trades = {symbol: trade_of(answer, symbol) for symbol in held}
    assert trades == {"AAPL": (10.4, 0.0), "BBB": (154.0, -46.0), "CCC": (154.0, -46.5)}
    assert all("lot" in told(answer, symbol) for symbol in held)
    assert sum(part["final_usd"] for part in position(answer, "BBB")["contributions"]) == (
        pytest.approx(154.0 * 97.0)
    )


def test_flatten_closes_fractions() -> None:
    engine = Engine(EngineParams(trading=SLOW))
    answer = engine.allocate(request(positions={"AAA": 0.4}, cascade=CLOSING))
    assert trade_of(answer, "AAA") == (0.0, -0.4)


def test_reducing_never_adds_a_lot() -> None:
    answer = ask(ES, trading=SLOW, state=TradingState.REDUCING, positions={"ES": 3.0},
                 prices={"ES": 500.0})  # fmt: skip
    assert trade_of(answer, "ES") == (3.0, 0.0)


def test_both_allocations_are_in_whole_lots() -> None:
    reply = Prediction(0.033, 1.0, 0.001, 0.02, "fake-1")
    engine = Engine(EngineParams(trading=WHOLE), replying((reply,)))
    answer = engine.allocate(request(LARGE, prices={"AAPL": 97.0}, positions={"AAPL": 50.0}))
    assert answer["strategy"] == "rl"
    assert answer["allocations"] == {"AAPL": 34.0 * 97.0}
    assert answer["baseline_allocations"] == {"AAPL": 154.0 * 97.0}


@dataclass(frozen=True)
class Road:
    """A way to an aim: where it starts and in what it is counted."""

    lot: float
    price: float
    share: float
    start: float
    span: float
    short: bool
    halved: bool


roads = st.builds(
    Road,
    lot=st.sampled_from((1e-8, 0.001, 0.1, 0.25, 1.0, 5.0, 100.0)),
    price=st.floats(1.0, 900.0),
    share=st.floats(0.0, 0.01),
    start=st.floats(0.0, 20.0),
    span=st.sampled_from((0.0, 1.0, 3.0, 10.0)),
    short=st.booleans(),
    halved=st.booleans(),
)


def arrive(road: Road, start: float, trading: TradingParams) -> tuple[float, list[dict[str, Any]]]:
    """Feed targets back until nothing is traded; the units at rest, and every position told."""
    limits = LimitParams(allow_short=True)
    engine = Engine(EngineParams(trading=trading, limits=limits))
    action = Action.SELL if road.short else Action.BUY
    one = signal(action=action, expected_return=road.share, predicted_volatility=0.1)
    cascade = HALVING if road.halved else CALM
    units, passed = start, []
    for _ in range(80):
        batch = request(
            one, positions={"AAA": units}, prices={"AAA": price_of(road)}, cascade=cascade
        )
        found = position(engine.allocate(batch), "AAA")
        passed.append(found)
        units = found["target_quantity"]
        if found["trade_quantity"] == 0.0:
            return units, passed
    raise AssertionError(f"does not rest: {units}")


def price_of(road: Road) -> float:
    """Price at which a lot is 1 to 900 USD of 100,000."""
    return road.price / road.lot


@given(road=roads)
def test_up_and_down_rest_at_the_same_count_and_trade_in_whole_lots(road: Road) -> None:
    side = -1.0 if road.short else 1.0
    trading = TradingParams(default_lot_size=road.lot, rebalance_span=road.span)
    start = side * float(round(road.start) * Fraction(repr(road.lot)))
    from_there, way = arrive(road, start, trading)
    from_nothing, _ = arrive(road, 0.0, trading)
    from_above, _ = arrive(road, side * 20 * road.lot, trading)
    assert from_there == from_nothing == from_above
    for found in way:
        assert is_multiple(found["target_quantity"], road.lot)
        assert is_multiple(found["trade_quantity"], road.lot)
        assert found["target_usd"] == found["target_quantity"] * found["price"]
    # each trade goes towards the rest and not past it
    counts = [start, *(found["target_quantity"] for found in way)]
    gaps = [abs(units - from_there) for units in counts]
    assert gaps == sorted(gaps, reverse=True)


@given(road=roads)
def test_from_a_fraction_the_same_count_is_reached(road: Road) -> None:
    side = -1.0 if road.short else 1.0
    trading = TradingParams(default_lot_size=road.lot, rebalance_span=road.span)
    from_there, way = arrive(road, side * road.start * road.lot, trading)
    from_nothing, _ = arrive(road, 0.0, trading)
    # what rounding alone can take from a whole count is left as it is
    assert abs(from_there - from_nothing) <= 2e-9 * road.lot
    for found in way:
        stays = found["trade_quantity"] == 0.0
        assert stays or is_multiple(found["target_quantity"], road.lot)


@given(road=roads, least=st.sampled_from((50.0, 700.0, 3_000.0)))
def test_every_trade_is_at_least_the_minimum_and_leaves_nothing_below_it(
    road: Road, least: float
) -> None:
    side = -1.0 if road.short else 1.0
    trading = TradingParams(
        default_lot_size=road.lot, rebalance_span=road.span, default_min_notional_usd=least
    )
    start = side * float(round(road.start) * Fraction(repr(road.lot)))
    _, way = arrive(road, start, trading)
    for found in way:
        if found["trade_quantity"] == 0.0:
            continue
        assert is_multiple(found["trade_quantity"], road.lot)
        if found["target_quantity"] == 0.0:
            continue
        assert abs(found["trade_usd"]) >= least * (1.0 - 1e-9)
        assert abs(found["target_usd"]) >= least * (1.0 - 1e-9)
