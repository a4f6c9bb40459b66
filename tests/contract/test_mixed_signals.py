"""Mixed signals on a held symbol whose price is not believed: design sections 1 and 3, reading 18.

They size nothing; the position is closed where the larger side is against it, else kept.
"""

from dataclasses import replace
from typing import Any

import pytest

from app.core.params import BrakeParams, EngineParams, TradingParams
from app.core.types import Action, CascadeIndicators, Signal, TradingState
from tests.contract.engine import Answer, Engine, run
from tests.contract.requests import SHORTS, request, signal
from tests.contract.strategies import NOW

DAY = 86_400 * 10**9
HALVES = BrakeParams(price_jump_from=0.5)
LONG_ONLY = EngineParams(brakes=HALVES)
BOTH_SIDES = replace(SHORTS, brakes=HALVES)
SLOW = replace(BOTH_SIDES, trading=TradingParams(rebalance_span=10.0))
EXIT = CascadeIndicators(0.01, -0.5, 20.0, 1.0, 5.0)
LESS, EQUAL, MORE = 0.001, 0.002, 0.02


def mixed(buy: float, sell: float) -> tuple[Signal, Signal]:
    """BUY and SELL of two strategies with these expected returns."""
    bought = signal(strategy_id="buyer", expected_return=buy)
    sold = signal(strategy_id="seller", action=Action.SELL, expected_return=sell)
    return bought, sold


def ask(
    held: float,
    *signals: Signal,
    params: EngineParams = BOTH_SIDES,
    state: TradingState = TradingState.ACTIVE,
    known_at: int = NOW - DAY,
    **changed: Any,
) -> Answer:
    """Ask about AAA, believed at 100 USD, in a batch that says 1 USD."""
    engine = Engine(params)
    run(engine.service.learning.observe_prices(known_at, {"AAA": 100.0}))
    if state is not TradingState.ACTIVE:
        engine.trade(state)
    fields = {"prices": {"AAA": 1.0}, "positions": {"AAA": held}, **changed}
    return engine.allocate(request(*signals, **fields))


def quantity(answer: Answer) -> float:
    (position,) = answer["positions"]
    found: float = position["target_quantity"]
    return found


@pytest.mark.parametrize(
    ("held", "buy", "sell", "target"),
    [
        (50.0, MORE, LESS, 50.0),
        (50.0, EQUAL, EQUAL, 50.0),
        (50.0, LESS, EQUAL, 0.0),
        (50.0, LESS, MORE, 0.0),
        (-50.0, MORE, LESS, 0.0),
        (-50.0, EQUAL, LESS, 0.0),
        (-50.0, EQUAL, EQUAL, -50.0),
        (-50.0, LESS, MORE, -50.0),
        (0.0, MORE, LESS, 0.0),
        (0.0, LESS, MORE, 0.0),
    ],
)
@pytest.mark.parametrize("params", [BOTH_SIDES, SLOW], ids=["at once", "slow"])
@pytest.mark.parametrize("price", [1.0, 10_000.0])
def test_a_doubted_position_is_kept_or_closed_by_the_larger_side_and_never_grows_or_turns(
    held: float, buy: float, sell: float, target: float, params: EngineParams, price: float
) -> None:
    answer = ask(held, *mixed(buy, sell), params=params, prices={"AAA": price})
    assert quantity(answer) == target
    (position,) = answer["positions"]
    assert (position["price"], position["price_source"]) == (100.0, "last")
    assert "price_disbelieved" in {notice["what"] for notice in answer["notices"]}
    # the side of the position owns what is kept of it
    side = "buyer" if held > 0.0 else "seller"
    owned = {part["strategy_id"]: part["final_usd"] for part in position["contributions"]}
    assert owned == {"buyer": 0.0, "seller": 0.0} | {side: 100.0 * target}


def test_at_a_price_that_is_believed_the_same_signals_grow_and_turn_the_position() -> None:
    believed = {"AAA": 100.0}
    assert quantity(ask(50.0, *mixed(MORE, LESS), prices=believed)) > 50.0
    assert quantity(ask(50.0, *mixed(LESS, MORE), prices=believed)) < 0.0


@pytest.mark.parametrize(("buy", "sell"), [(MORE, LESS), (EQUAL, EQUAL), (LESS, MORE)])
def test_where_shorts_are_off_a_doubted_short_closes_whichever_side_is_larger(
    buy: float, sell: float
) -> None:
    assert quantity(ask(-50.0, *mixed(buy, sell), params=LONG_ONLY)) == 0.0


@pytest.mark.parametrize(("buy", "sell", "target"), [(MORE, LESS, 50.0), (LESS, MORE, 0.0)])
def test_under_reducing_the_larger_side_decides_too(buy: float, sell: float, target: float) -> None:
    assert quantity(ask(50.0, *mixed(buy, sell), state=TradingState.REDUCING)) == target


def test_under_halted_a_larger_side_against_it_closes_nothing() -> None:
    assert quantity(ask(50.0, *mixed(LESS, MORE), state=TradingState.HALTED)) == 50.0


def test_exit_closes_it_whichever_side_is_larger() -> None:
    assert quantity(ask(50.0, *mixed(MORE, LESS), cascade=EXIT)) == 0.0


def test_a_limit_at_the_believed_price_cuts_what_is_kept() -> None:
    answer = ask(200.0, *mixed(MORE, LESS))
    # 15 % of 100,000 USD at 100 USD a unit
    assert quantity(answer) == pytest.approx(150.0)


def test_mixed_signals_without_a_usable_price_are_rejected_and_the_position_set_apart() -> None:
    answer = ask(50.0, *mixed(LESS, MORE), known_at=NOW - 5 * DAY)
    assert quantity(answer) == 50.0
    assert answer["positions"][0]["set_apart"]
    reasons = {each["index"]: each["reason"] for each in answer["rejected_signals"]}
    too_old = "price 1 is not believed, and the last believed one, 100, is too old"
    assert reasons == {0: too_old, 1: f"{too_old}: its position stays open against it"}
    assert "left_standing" in {notice["what"] for notice in answer["notices"]}
