"""What is told where a lot or a least notional decides a target."""

import pytest

from app.core.params import LimitParams, TradingParams
from app.core.types import Action
from tests.core.decision.situations import SHORTS, Situation

LOTS = TradingParams(default_lot_size=1.0)
SLOW = TradingParams(default_lot_size=1.0, rebalance_span=9.0)
LEAST = TradingParams(default_lot_size=1.0, default_min_notional_usd=2_500.0)
BUY = (("one", "A", 0.1),)
PRICE = {"A": 1000.0}  # a unit is 0.01 of the portfolio


def told(
    trading: TradingParams, aim: float, current: float = 0.0, limits: LimitParams = SHORTS
) -> list[tuple[str | None, str]]:
    """Word and sentence of each notice of one symbol."""
    situation = Situation(BUY, {"A": current}, trading=trading, prices=PRICE, limits=limits)
    notices = situation.settled({"A": aim}).notices
    assert all(notice.symbol == "A" for notice in notices)
    return [(notice.what, notice.detail) for notice in notices]


@pytest.mark.parametrize("current", [0.0, 0.02, 0.1, 0.13, -0.05])
def test_an_aim_of_whole_lots_is_met_without_a_word(current: float) -> None:
    assert told(LOTS, 0.1, current) == []


@pytest.mark.parametrize("current", [0.0, 0.1, 0.13])
def test_rounding_to_whole_lots_is_told_also_at_rest(current: float) -> None:
    assert told(LOTS, 0.104, current) == [("lot", "rounded to whole lots: A")]


@pytest.mark.parametrize("current", [0.0, 0.03, -0.03])
def test_less_than_one_lot_is_told(current: float) -> None:
    assert told(LOTS, 0.004, current) == [("lot", "the target of A is less than one lot: zero")]


def test_slow_trading_is_told_with_the_lot_that_decides_how_far_it_goes() -> None:
    slowly = (None, "slow trading goes a part of the way to the aim: A")
    assert told(SLOW, 0.1) == [slowly]
    assert told(SLOW, 0.104) == [slowly, ("lot", "rounded to whole lots: A")]
    assert told(SLOW, 0.104, current=0.1) == [("lot", "rounded to whole lots: A")]


@pytest.mark.parametrize(
    ("aim", "current", "sentence"),
    [
        (0.02, 0.0, "A is not traded: the trade is below the minimum notional"),
        (0.06, 0.05, "A is not traded: the trade is below the minimum notional"),
        (0.04, 0.05, "A is not traded: the trade is below the minimum notional"),
        (0.01, 0.01, "what is held of A is below the minimum notional and stays as it is"),
        (0.01, 0.06, "the minimum notional decides the target of A"),
        (-0.02, 0.06, "the minimum notional decides the target of A"),
        (0.16, 0.16, "the minimum notional decides the target of A"),
    ],
    ids=["opens", "adds", "reduces", "dust", "leaves too little", "turns", "cut by a limit"],
)
def test_a_minimum_that_decides_is_told_once(aim: float, current: float, sentence: str) -> None:
    assert told(LEAST, aim, current) == [("minimum", sentence)]


def test_a_step_that_the_minimum_makes_larger_is_told() -> None:
    slow = TradingParams(
        default_lot_size=1.0, default_min_notional_usd=2_500.0, rebalance_span=19.0
    )
    assert told(slow, 0.1)[1:] == [("minimum", "the minimum notional decides the target of A")]


def test_the_band_speaks_for_itself() -> None:
    trading = TradingParams(default_lot_size=1.0, no_trade_band_pct=0.03)
    ((what, sentence),) = told(trading, 0.104, current=0.12)
    assert what == "band"
    assert "no-trade band" in sentence


def test_lots_that_are_left_out_are_told() -> None:
    assert told(SLOW, 0.1, limits=LimitParams(max_position_pct=0.003)) == [
        ("lot", "no further lot of A: all that are to be added would break a limit")
    ]


def test_closing_is_no_news() -> None:
    wishes, actions = (("one", "A", 0.0),), {("one", "A"): Action.SELL}
    situation = Situation(wishes, {"A": 0.013}, LimitParams(), LEAST, actions=actions, prices=PRICE)
    assert situation.settled().notices == ()


def test_many_rounded_symbols_are_told_in_one_sentence() -> None:
    names = [f"S{place:02}" for place in range(22)]
    situation = Situation(
        tuple((name, name, 0.01) for name in names),
        trading=LOTS,
        prices=dict.fromkeys(names, 300.0),
    )
    (notice,) = situation.settled(dict.fromkeys(names, 0.01)).notices
    assert (notice.what, notice.symbol) == ("lot", None)
    assert notice.detail == f"rounded to whole lots: {', '.join(names[:20])} and 2 more"
