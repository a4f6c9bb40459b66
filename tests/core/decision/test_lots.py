"""Lots, least notionals and the no-trade band: how targets become trades that can be made."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.decision.lots import Grid, Order, Wish, build_grid, is_whole, order_of_lots, plan_lots
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
        (-0.004, 0.005, 0.0),  # so does turning round, which leaves nothing below it
        (-0.014, 0.005, -0.014),
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


def test_a_band_keeps_no_more_than_a_limit_allows() -> None:
    trading = TradingParams(no_trade_band_pct=0.2)
    assert target(trading, 0.10, current=0.2) == pytest.approx(0.15)
    assert target(trading, 0.05, current=0.12, multiplier=0.5) == pytest.approx(0.075)
    assert target(trading, 0.0, current=0.12, multiplier=0.0) == 0.0


@pytest.mark.parametrize(
    ("least", "large", "halved"),
    [(1000.0, 0.15, 0.075), (6_000.0, 0.14, 0.06), (50_000.0, 0.0, 0.0)],
)
def test_a_cut_that_a_limit_forces_is_the_least_notional_and_leaves_that_or_nothing(
    least: float, large: float, halved: float
) -> None:
    trading = TradingParams(default_min_notional_usd=least)
    assert target(trading, 0.17, current=0.2) == pytest.approx(large)
    assert target(trading, 0.09, current=0.12, multiplier=0.5) == pytest.approx(halved)
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


def step(
    have: float, aim: float, reach: float, *, least: float = 0.0, fixed: bool = False
) -> float:
    """Target of one symbol whose lot is a hundredth of the portfolio, all in lots."""
    lots = np.array([have, aim, reach])
    grid = Grid(np.ones(1), np.ones(1, dtype=np.bool_), np.array([0.01]), np.array([least]))
    held, goal, far = (0.01 * lots).reshape(3, 1)
    plan = plan_lots(grid, Wish(np.array([have]), held, goal, far, np.array([fixed])))
    return float(plan.weights[0] / 0.01)


@pytest.mark.parametrize(
    ("have", "aim", "reach", "expected"),
    [
        (0, 10.2, 1.8, 1),  # the step towards zero
        (0, 10.2, 0.9, 1),  # at least one lot
        (9, 10.2, 9.2, 10),
        (10, 10.2, 10.1, 10),  # at rest
        (15, 10.2, 14.1, 14),  # whole and inside the way gone
        (15, 10.2, 14.9, 14),
        (11, 10.2, 10.9, 10),
        (10.4, 15, 11.2, 11),  # a fraction: the next whole count
        (10.4, 15, 12.9, 12),
        (10.4, 10.2, 10.3, 10),
        (10.4, 5, 9.9, 9),
        (9.4, 10.2, 9.5, 10),
        (0.4, 0.6, 0.5, 0),
        (3, 0.0, 2.5, 2),  # towards zero by steps
        (-3, 4.5, 4.5, 4),  # through zero at once
        (-3, 0.5, 0.5, 0),
        (-15, -10.2, -14.1, -14),
        (0, -10.2, -0.9, -1),
        (8, 10.2, 7.5, 7),  # what a limit cuts lands inside it
        (15, 10.2, 8.3, 8),  # also beyond the aim
        (154.0, 200.0, 154.0, 155),  # one more is for the limits to refuse
    ],
)
def test_the_next_count_of_lots(have: float, aim: float, reach: float, expected: float) -> None:
    assert step(have, aim, reach) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("have", "aim", "reach", "expected"),
    [
        (0, 10.2, 0.9, 3),  # at least the least notional
        (3, 10.2, 3.9, 6),
        (6, 10.2, 6.9, 10),  # the last one trade is too small is joined to it
        (15, 10.2, 14.1, 10),
        (8, 10.2, 8.5, 8),
        (12, 10.2, 11.7, 12),
        (13, 10.2, 12.3, 10),
        (0, 2.9, 2.9, 0),
        (20, 2.9, 16, 16),
        (6, 2.9, 5, 0),  # what is left would be too small
        (5, 2.9, 4, 0),
        (4, 2.9, 3, 4),
        (2, 2.0, 2.0, 2),  # dust
        (2, 0.0, 1.5, 0),  # closing is free
        (2.4, 0.0, 0.0, 0),
        (-4, 2.9, 2.9, 0),
        (-4, 3.1, 3.1, 3),
        (20, 20.0, 19.5, 17),  # what a limit cuts is traded
        (5, 5.0, 4.5, 0),
    ],
)
def test_the_next_count_under_a_least_notional_of_three_lots(
    have: float, aim: float, reach: float, expected: float
) -> None:
    assert step(have, aim, reach, least=3.0) == pytest.approx(expected)


def test_what_is_fixed_stays_unless_a_limit_cuts_it() -> None:
    assert step(10.4, 3.0, 10.4, fixed=True) == pytest.approx(10.4)
    assert step(10.4, 3.0, 9.5, fixed=True) == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("count", "lot", "held", "expected"),
    [
        (154.0, 1.0, 200.0, Order(154.0, -46.0)),
        (113.0, 0.001, 0.0, Order(0.113, 0.113)),
        (7.0, 0.1, 0.30000000000000004, Order(0.7, 0.4)),
        (-3.0, 0.1, 0.2, Order(-0.3, -0.5)),
        (34482758.0, 1e-8, 0.1, Order(0.34482758, 0.24482758)),
        (3.0, 2.5, 5.0, Order(7.5, 2.5)),
        (4.0, 100.0, 1000.0, Order(400.0, -600.0)),
        (154.0, 1.0, 154.00000000000003, Order(154.0, 0.0)),
        (98.0, 1.0, 10.4, Order(98.0, 87.6)),  # no multiple: named elsewhere
        (10.0, 1.0, 10.4, Order(10.0, -0.4)),
    ],
)
def test_quantity_and_trade_are_rounded_to_the_decimals_of_the_lot(
    count: float, lot: float, held: float, expected: Order
) -> None:
    assert order_of_lots(count, lot, held) == expected


@given(count=st.integers(-(10**9), 10**9), lot=st.decimals("1e-8", "1e4", places=8))
def test_a_quantity_is_the_number_nearest_to_the_decimal(count: int, lot: Any) -> None:
    exact = Fraction(repr(float(lot))) * count
    quantity = order_of_lots(float(count), float(lot), 0.0).quantity
    assert quantity == float(exact)


@pytest.mark.parametrize(
    ("units", "lot", "expected"),
    [
        (10.4, 1.0, False),
        (10.0, 1.0, True),
        (10.4, 0.0, True),
        (0.30000000000000004, 0.1, True),
        (-0.31, 0.1, False),
        (1e-9, 1.0, True),
        (1e-3, 1.0, False),
        (1e300, 1e-300, True),
    ],
)
def test_whole_but_for_rounding(units: float, lot: float, *, expected: bool) -> None:
    assert is_whole(units, lot) is expected


def test_nothing_is_counted_where_nothing_is_rounded() -> None:
    prices = np.array([100.0])
    assert build_grid(["A"], prices, 1e5, TradingParams()) is None
    assert build_grid(["A"], prices, 1e5, TradingParams(lot_sizes={"B": 1.0})) is None
    # a lot that is smaller than floating point can tell is none
    assert build_grid(["A"], prices, 1e5, TradingParams(default_lot_size=1e-300)) is None


def test_a_lot_whose_value_is_no_number_is_never_reached() -> None:
    grid = build_grid(["A"], np.array([1e200]), 1e5, TradingParams(default_lot_size=1e300))
    assert grid is not None
    none, fixed = np.zeros(1), np.zeros(1, dtype=np.bool_)
    plan = plan_lots(grid, Wish(none, none, np.array([0.1]), np.array([0.1]), fixed))
    assert plan.weights.tolist() == [0.0]


def test_added_lots_that_together_break_a_limit_are_left_out() -> None:
    wishes = (("one", "A", 0.06), ("one", "B", 0.06))
    trading = TradingParams(default_lot_size=1.0, rebalance_span=9.0)
    prices = {"A": 2000.0, "B": 2000.0}  # a unit is 0.02
    for limit, expected in ((0.17, [0.04, 0.12]), (0.15, [0.02, 0.12]), (0.12, [0.0, 0.10])):
        limits = LimitParams(max_strategy_pct=limit)
        situation = Situation(wishes, {"A": 0.02, "B": 0.14}, limits, trading, prices=prices)
        # A goes to 0.028 and would add a lot to 0.04; B comes down to 0.124; 0.12 cuts both
        assert situation.settled().weights == pytest.approx(expected)


@given(
    starts=st.lists(st.integers(-40, 40), min_size=4, max_size=4),
    sizes=st.lists(st.floats(-0.2, 0.2), min_size=6, max_size=6),
    span=st.sampled_from([0.0, 4.0, 20.0]),
    multiplier=st.sampled_from([1.0, 0.5]),
    allow_short=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_from_any_start_every_symbol_rests_at_its_aim_in_whole_lots_within_the_limits(
    starts: list[int], sizes: list[float], span: float, multiplier: float, *, allow_short: bool
) -> None:
    names = ["A", "B", "C", "D", "A", "B"]
    wishes = tuple(
        (f"s{row // 2}", name, size)
        for row, (name, size) in enumerate(zip(names, sizes, strict=True))
    )
    limits = LimitParams(allow_short=allow_short, max_strategy_pct=0.2, max_portfolio_pct=0.35)
    trading = TradingParams(default_lot_size=1.0, rebalance_span=span)
    prices = {"A": 500.0, "B": 700.0, "C": 1100.0, "D": 90.0}
    units = np.array([prices[name] / 100_000.0 for name in "ABCD"])

    def settle_from(counts: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], Situation]:
        held = dict(zip("ABCD", (counts * units).tolist(), strict=True))
        situation = Situation(wishes, held, limits, trading, multiplier=multiplier, prices=prices)
        return situation.settled().weights / units, situation

    counts, situation = settle_from(np.array(starts, dtype=np.float64))
    portfolio = situation.portfolio(situation.table())
    aims = multiplier * portfolio.side * portfolio.weights / units
    for _ in range(120):
        assert counts == pytest.approx(np.rint(counts), abs=1e-9)
        weights = np.abs(counts * units)
        assert (weights <= 0.15 * multiplier + 1e-6).all()
        assert weights.sum() <= 0.35 * multiplier + 1e-6
        before, (counts, _) = counts, settle_from(np.rint(counts))
        if (before == counts).all():
            break
    assert np.rint(counts).tolist() == np.trunc(aims + np.sign(aims) * 1e-9).tolist()
