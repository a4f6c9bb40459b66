"""Lots, least notionals and the no-trade band: how targets become trades that can be made."""

import pytest

from app.core.params import LimitParams, TradingParams
from app.core.types import TradingState
from tests.core.decision.situations import Situation

BUY_A = (("one", "A", 0.10),)
PRICE = {"A": 700.0}  # one unit is 0.007 of the portfolio
BAND_AND_MINIMUM = TradingParams(no_trade_band_pct=0.01, default_min_notional_usd=1000.0)


def target(trading: TradingParams, aim: float, current: float = 0.0, **changes: object) -> float:
    situation = Situation(
        BUY_A,
        {"A": current},
        trading=trading,
        prices=PRICE,
        **changes,  # type: ignore[arg-type]
    )
    return situation.targets({"A": aim})["A"]


@pytest.mark.parametrize(
    ("lot", "aim", "expected"),
    [
        (1.0, 0.10, 14 * 0.007),
        (1.0, -0.10, -14 * 0.007),
        (1.0, 0.006, 0.0),
        (1.0, 15 * 0.007, 15 * 0.007),
        (0.5, 0.10, 28 * 0.0035),
        (5.0, 0.10, 2 * 0.035),
        (0.0, 0.10, 0.10),
    ],
)
def test_lots_round_towards_zero(lot: float, aim: float, expected: float) -> None:
    wanted = target(TradingParams(default_lot_size=lot), aim)
    assert wanted == pytest.approx(expected, abs=1e-12)


def test_a_symbols_own_lot_goes_before_the_default() -> None:
    trading = TradingParams(default_lot_size=1.0, lot_sizes={"A": 5.0, "B": 0.1})
    assert target(trading, 0.10) == pytest.approx(0.07)
    others = TradingParams(default_lot_size=1.0, lot_sizes={"B": 0.1})
    assert target(others, 0.10) == pytest.approx(0.098)
    assert target(TradingParams(lot_sizes={"B": 0.1}), 0.10) == pytest.approx(0.10)


def test_lots_after_slow_trading_and_limits_stay_within_the_limits() -> None:
    trading = TradingParams(default_lot_size=1.0, rebalance_span=3.0)
    # half way from 0.02 to 0.10 is 0.06: 8 lots
    assert target(trading, 0.10, current=0.02) == pytest.approx(0.056)


def test_a_target_that_a_limit_cuts_is_still_whole_lots() -> None:
    trading = TradingParams(default_lot_size=1.0, rebalance_span=3.0)
    # half way from 0.4 to 0.1 is 0.25, the limit 0.15: 21 lots of 0.007
    assert target(trading, 0.10, current=0.4) == pytest.approx(0.147)


@pytest.mark.parametrize(
    ("aim", "current", "expected"),
    [
        (0.008, 0.0, 0.0),  # too small to open
        (0.010, 0.0, 0.010),  # just large enough
        (0.055, 0.05, 0.05),  # too small an addition
        (0.045, 0.05, 0.05),  # too small a reduction
        (0.065, 0.05, 0.065),
        (0.0, 0.005, 0.0),  # closing always passes
        (-0.004, 0.005, -0.004),  # so does turning round
        (-0.004, -0.009, -0.009),
    ],
)
def test_a_trade_below_the_least_notional_is_not_made_unless_it_closes(
    aim: float, current: float, expected: float
) -> None:
    trading = TradingParams(default_min_notional_usd=1000.0)
    assert target(trading, aim, current) == pytest.approx(expected)


def test_a_symbols_own_least_notional_goes_before_the_default() -> None:
    trading = TradingParams(min_notional_usd={"A": 5000.0}, default_min_notional_usd=10.0)
    assert target(trading, 0.04) == 0.0
    assert target(trading, 0.06) == pytest.approx(0.06)
    assert target(TradingParams(min_notional_usd={"B": 9e9}), 0.04) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("aim", "current", "expected"),
    [
        (0.009, 0.0, 0.0),
        (0.059, 0.05, 0.05),
        (0.041, 0.05, 0.05),
        (0.06, 0.05, 0.06),
        (0.0, 0.005, 0.0),
        (-0.002, 0.005, -0.002),
    ],
)
def test_changes_within_the_band_are_not_traded_unless_they_close(
    aim: float, current: float, expected: float
) -> None:
    trading = TradingParams(no_trade_band_pct=0.0099)
    assert target(trading, aim, current) == pytest.approx(expected)


def test_a_change_within_the_band_is_not_traded_for_the_sake_of_lots() -> None:
    trading = TradingParams(no_trade_band_pct=0.01, default_lot_size=1.0)
    assert target(trading, 0.052, current=0.05) == pytest.approx(0.05)


@pytest.mark.parametrize(
    "trading",
    [TradingParams(no_trade_band_pct=0.2), TradingParams(default_min_notional_usd=50_000.0)],
)
def test_neither_band_nor_least_notional_keeps_more_than_a_limit_allows(
    trading: TradingParams,
) -> None:
    assert target(trading, 0.10, current=0.2) == pytest.approx(0.15)
    assert target(trading, 0.05, current=0.12, multiplier=0.5) == pytest.approx(0.075)
    assert target(trading, 0.0, current=0.12, multiplier=0.0) == 0.0


def test_a_closing_trade_passes_lots_band_and_least_notional_together() -> None:
    trading = TradingParams(
        no_trade_band_pct=0.2, default_lot_size=3.0, default_min_notional_usd=50_000.0
    )
    assert target(trading, 0.0, current=0.01) == 0.0


@pytest.mark.parametrize(
    ("trading", "aim", "word", "detail"),
    [
        (TradingParams(no_trade_band_pct=0.01), 0.052, "band", "within the no-trade band"),
        (TradingParams(default_min_notional_usd=1000.0), 0.055, "minimum", "below the minimum"),
        (BAND_AND_MINIMUM, 0.052, "band", "within the no-trade band"),
        (TradingParams(default_lot_size=100.0), 0.1, "lot", "less than one lot"),
    ],
    ids=["band", "minimum", "both", "lot"],
)
def test_what_keeps_a_trade_from_being_made_is_named_once(
    trading: TradingParams, aim: float, word: str, detail: str
) -> None:
    situation = Situation(BUY_A, {"A": 0.05}, trading=trading, prices=PRICE)
    (notice,) = situation.settled({"A": aim}).notices
    assert (notice.what, notice.symbol) == (word, "A")
    assert detail in notice.detail


@pytest.mark.parametrize(
    "trading",
    [
        TradingParams(),
        TradingParams(no_trade_band_pct=0.01),
        TradingParams(default_min_notional_usd=1000.0),
        TradingParams(default_lot_size=1.0),
    ],
)
def test_a_trade_that_is_made_has_no_notice(trading: TradingParams) -> None:
    situation = Situation(BUY_A, {"A": 0.05}, trading=trading, prices=PRICE)
    assert situation.settled({"A": 0.098}).notices == ()


def test_in_reducing_lots_never_add() -> None:
    trading = TradingParams(default_lot_size=1.0)
    wanted = target(trading, 0.045, current=0.05, state=TradingState.REDUCING)
    assert wanted == pytest.approx(0.042)
    # a position that is no whole number of lots ends as one
    rest = target(trading, 0.10, current=0.05, state=TradingState.REDUCING)
    assert rest == pytest.approx(0.049)


def test_shorts_off_and_lots_leave_no_dust_below_zero() -> None:
    wanted = target(TradingParams(default_lot_size=1.0), 0.0, current=0.05, limits=LimitParams())
    assert wanted == 0.0
