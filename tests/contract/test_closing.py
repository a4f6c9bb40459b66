"""No price, stamp or lot stands between a position and zero: the reported cases, and their kind."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.params import BrakeParams, EngineParams
from app.core.types import Action, CascadeIndicators, TradingState
from tests.contract.engine import Engine, run
from tests.contract.requests import DAY, SECOND, SHORTS, entry, knowing, request, signal, words
from tests.contract.strategies import NOW

HALVES = EngineParams(brakes=BrakeParams(price_jump_from=0.5))
EXIT = CascadeIndicators(0.01, -0.5, 20.0, 1.0, 5.0)
SELL, HOLD = Action.SELL, Action.HOLD


def test_c05_an_airdropped_token_without_a_price_blocks_no_exit() -> None:
    held = {"BTC": 50.0, "AIRDROP": 1e6}
    answer = Engine().allocate(request(cascade=EXIT, prices={"BTC": 100.0}, positions=held))
    assert answer["allocations"] == {"AIRDROP": 0.0, "BTC": 0.0}
    token = entry(answer, "AIRDROP")
    assert (token["trade_quantity"], token["trade_usd"], token["set_apart"]) == (-1e6, None, False)


def test_flatten_needs_no_price() -> None:
    engine = Engine()
    halt = engine.service.operating.set_trading_state
    run(halt(TradingState.HALTED, "flood", "risk", flatten=True))
    answer = engine.allocate(request(signal(), positions={"XXX": 2.0}))
    assert entry(answer, "XXX")["trade_quantity"] == -2.0


def test_c07_a_token_without_a_price_keeps_no_other_symbol_from_being_sold() -> None:
    held = {"BTC": 50.0, "AIRDROP": 1e6}
    sell = signal("BTC", SELL)
    answer = Engine().allocate(request(sell, prices={"BTC": 100.0}, positions=held))
    assert answer["allocations"] == {"BTC": 0.0}
    assert entry(answer, "AIRDROP")["set_apart"]
    assert ("set_apart", "AIRDROP") in words(answer)


@pytest.mark.parametrize("quote", [0.0, None, -1.0])
def test_c08_a_quote_of_a_halted_coin_is_no_price_of_that_symbol_and_the_rest_is_sized(
    quote: float | None,
) -> None:
    both = (signal("A"), signal("B"))
    answer = Engine().allocate(request(*both, prices={"A": quote, "B": 10.0}))
    assert {*answer["allocations"]} == {"B"}
    assert answer["allocations"]["B"] > 0.0
    assert [e["symbol"] for e in answer["rejected_signals"]] == ["A"]
    assert ("price_missing", "A") in words(answer)


def test_c09_a_sell_closes_at_the_last_known_price() -> None:
    engine = knowing(BTC=100.0)
    sell = signal("BTC", SELL)
    answer = engine.allocate(request(sell, prices={"ETH": 5.0}, positions={"BTC": 50.0}))
    assert answer["rejected_signals"] == []
    position = entry(answer, "BTC")
    assert position["trade_quantity"] == -50.0
    assert (position["price_source"], position["price_age_sec"]) == ("last", 86_400.0)
    assert ("price_last", "BTC") in words(answer)


def test_a_sell_without_any_price_closes() -> None:
    answer = Engine().allocate(request(signal("X", SELL), prices={}, positions={"X": 50.0}))
    assert answer["rejected_signals"] == []
    assert entry(answer, "X")["trade_quantity"] == -50.0
    assert (entry(answer, "X")["price"], entry(answer, "X")["trade_usd"]) == (None, None)


def test_a_buy_without_any_price_closes_a_short() -> None:
    engine = Engine(SHORTS)
    answer = engine.allocate(request(signal("X"), prices={}, positions={"X": -5.0}))
    assert entry(answer, "X")["trade_quantity"] == 5.0


@pytest.mark.parametrize("halted", [False, True])
def test_what_is_left_standing_against_its_signal_without_a_price_says_so(
    halted: bool,  # noqa: FBT001 - a case
) -> None:
    engine = Engine()
    signals = [signal("X", SELL)]
    if halted:
        engine.trade(TradingState.HALTED)
    else:
        signals.append(signal("X", strategy_id="trend"))
    answer = engine.allocate(request(*signals, prices={}, positions={"X": 50.0}))
    assert entry(answer, "X")["set_apart"]
    reason = answer["rejected_signals"][0]["reason"]
    assert reason == ("no usable price in current_prices: its position stays open against it")
    assert ("left_standing", "X") in words(answer)


def test_c11_a_position_at_a_price_of_ten_days_ago_is_set_apart_and_says_why() -> None:
    engine = Engine()
    for day in range(30):
        at = NOW - (39 - day) * DAY
        run(engine.service.learning.observe_prices(at, {"AAA": 100.0 + day}))
    hold = signal(action=HOLD)
    answer = engine.allocate(request(hold, prices={}, positions={"AAA": 50.0}))
    assert entry(answer)["set_apart"]
    assert answer["set_apart_usd"] == 50.0 * 129.0
    assert "too old" in answer["rejected_signals"][0]["reason"]


def test_a_sell_whose_stamp_is_rejected_closes_all_the_same() -> None:
    late = signal(action=SELL, timestamp_ns=NOW + DAY)
    answer = Engine().allocate(
        request(late, positions={"AAA": 50.0}, stamps_until_ns=NOW + 60 * SECOND)
    )
    assert answer["allocations"] == {"AAA": 0.0}
    (rejected,) = answer["rejected_signals"]
    assert rejected["reason"] == (
        "timestamp_ns is 86400 s ahead of the clock, at most 60 s are taken: its position is "
        "closed all the same"
    )
    assert ("stamp_ahead", "AAA") in words(answer)


def test_a_signal_that_is_too_old_closes_all_the_same() -> None:
    params = EngineParams(trading=replace(EngineParams().trading, max_signal_age_sec=60.0))
    old = signal(action=SELL, timestamp_ns=NOW - DAY)
    answer = Engine(params).allocate(request(old, positions={"AAA": 50.0}))
    assert answer["allocations"] == {"AAA": 0.0}


def test_a_rejected_sell_does_not_close_beside_a_buy_that_counts() -> None:
    late = signal(action=SELL, timestamp_ns=NOW + DAY, strategy_id="trend")
    answer = Engine().allocate(
        request(late, signal(), positions={"AAA": 50.0}, stamps_until_ns=NOW + 60 * SECOND)
    )
    assert answer["allocations"]["AAA"] > 5_000.0


def test_a_halt_keeps_a_sell_from_closing_whatever_its_price() -> None:
    engine = knowing(HALVES, AAA=100.0)
    engine.trade(TradingState.HALTED)
    sell = signal(action=SELL)
    answer = engine.allocate(request(sell, prices={"AAA": 1.0}, positions={"AAA": 50.0}))
    assert entry(answer)["trade_quantity"] == 0.0
    (part,) = [p for p in entry(answer)["contributions"] if p["final_usd"]]
    assert part["strategy_id"] is None


@given(
    price=st.sampled_from((None, 0.0, 1.0, 100.0, 1e9)),
    units=st.sampled_from((50.0, -50.0)),
    late=st.booleans(),
    known=st.booleans(),
    state=st.sampled_from((TradingState.ACTIVE, TradingState.REDUCING)),
)
def test_every_position_can_be_brought_to_zero(
    price: float | None,
    units: float,
    late: bool,  # noqa: FBT001 - drawn
    known: bool,  # noqa: FBT001 - drawn
    state: TradingState,
) -> None:
    def fresh() -> Engine:
        engine = knowing(SHORTS, AAA=100.0) if known else Engine(SHORTS)
        engine.trade(state)
        return engine

    at = NOW + DAY if late else NOW
    against = signal(
        action=SELL if units > 0.0 else Action.BUY, timestamp_ns=at, expected_return=0.0
    )
    fields: dict[str, Any] = {
        "prices": {"AAA": price},
        "positions": {"AAA": units},
        "stamps_until_ns": NOW + 60 * SECOND,
    }
    assert entry(fresh().allocate(request(against, **fields)))["trade_quantity"] == -units
    assert entry(fresh().allocate(request(cascade=EXIT, **fields)))["trade_quantity"] == -units
    halted = fresh()
    halt = halted.service.operating.set_trading_state
    run(halt(TradingState.HALTED, "flood", "risk", flatten=True))
    assert entry(halted.allocate(request(**fields)))["trade_quantity"] == -units
