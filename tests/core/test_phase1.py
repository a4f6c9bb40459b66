"""Phase 1: the stages in their order, what stands in for what is missing, and its warnings."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.books.market import MarketBook
from app.core.books.records import RecordBook
from app.core.params import EngineParams, KellyParams, RecordParams, SignalParams
from app.core.phase1 import Phase1, size_signals
from app.core.signals import tabulate
from app.core.types import Action, Regime, Signal
from tests.core.lessons import lesson
from tests.strategies import make_batch, make_signal, valid_signals

PARAMS = EngineParams()
# nothing is forgotten
LASTING = RecordParams(half_life=1e9)


def sized(
    *signals: Signal,
    records: RecordBook | None = None,
    market: MarketBook | None = None,
    regimes: dict[str, Regime] | None = None,
    params: EngineParams = PARAMS,
) -> Phase1:
    table, _ = tabulate(make_batch(*signals))
    flat = dict.fromkeys(table.symbols, Regime.RANGING)
    return size_signals(
        table,
        records or RecordBook(params.conformal, params.records, 100),
        market or MarketBook(params.market),
        flat | (regimes or {}),
        params,
    )


def record_of(*outcomes: tuple[float, int], name: str = "momentum") -> RecordBook:
    book = RecordBook(PARAMS.conformal, LASTING, 100)
    for value, times in outcomes:
        for _ in range(times):
            assert book.observe(lesson(name, value, 0.0, 1.0))
    return book


def test_each_stage_multiplies_the_one_before() -> None:
    signal = make_signal(
        expected_return=0.002, confidence=0.5, predicted_volatility=0.1,
        sentiment_score=0.8, sentiment_confidence=0.6,
    )  # fmt: skip
    # twenty outcomes of 0.4 with volatility 0.1 and no prediction: residuals of 4
    records = RecordBook(PARAMS.conformal, LASTING, 10)
    for step in range(20):
        records.observe(lesson("momentum", 0.4 if step % 2 else -0.4, 0.0, 0.1))
    phase1 = sized(signal, records=records, regimes={"BTC-USD": Regime.TRENDING_UP})
    kelly = 0.25 * 0.001 / (0.01 * (1 + 1 / 1020))
    conformal = kelly * (1.645 / 4.0) ** 2
    sentiment = conformal * (1.0 + 0.15 * 0.6 * 0.5)
    assert phase1.kelly == pytest.approx([kelly])
    assert phase1.scale == pytest.approx([(1.645 / 4.0) ** 2])
    assert phase1.conformal == pytest.approx([conformal])
    assert phase1.sentiment == pytest.approx([sentiment])
    assert phase1.regime == pytest.approx([sentiment * 1.2])
    assert phase1.edge == pytest.approx([0.5 * 0.002])
    assert phase1.volatility.tolist() == [0.1]
    assert phase1.sharpe == pytest.approx([0.01])
    assert phase1.uncapped == pytest.approx(phase1.regime)
    assert phase1.sizing_volatility == pytest.approx([0.1 * 4.0 / 1.645])
    assert phase1.notices == ()


def test_a_short_mirrors_sentiment_and_trend() -> None:
    changes: dict[str, Any] = {
        "action": Action.SELL, "expected_return": 0.002, "predicted_volatility": 0.1,
        "sentiment_score": 0.8, "sentiment_confidence": 0.6,
    }  # fmt: skip
    phase1 = sized(make_signal(**changes), regimes={"BTC-USD": Regime.TRENDING_UP})
    assert phase1.kelly[0] > 0.0
    assert phase1.sentiment == pytest.approx(phase1.kelly * 0.955)
    assert phase1.regime == pytest.approx(phase1.sentiment * 0.8)


def test_strong_and_plain_size_alike_and_hold_not_at_all() -> None:
    actions = (Action.BUY, Action.STRONG_BUY, Action.SELL, Action.STRONG_SELL, Action.HOLD)
    signals = [make_signal(strategy_id=f"s{i}", action=a) for i, a in enumerate(actions)]
    sizes = sized(*signals).regime.tolist()
    assert sizes[0] == sizes[1] == sizes[2] == sizes[3] > 0.0
    assert sizes[4] == 0.0


def test_neither_risk_score_nor_strength_sizes() -> None:
    plain = sized(make_signal()).regime.tolist()
    assert sized(make_signal(risk_score=1.0, signal_strength=0.1)).regime.tolist() == plain


def test_each_signal_uses_its_own_strategys_record_and_its_symbols_regime() -> None:
    signals = (
        make_signal(strategy_id="good", symbol="A", expected_return=0.001),
        make_signal(strategy_id="new", symbol="A", expected_return=0.001),
        make_signal(strategy_id="good", symbol="B", expected_return=0.001),
    )
    records = record_of((0.004, 20), name="good")
    phase1 = sized(*signals, records=records, regimes={"B": Regime.CRISIS})
    # a claim of 0.8 x 0.001; 20 outcomes of 0.004 volatilities add 0.05 x 0.08 / 1020
    assert phase1.edge == pytest.approx([0.0008 + 0.004 / 1020, 0.0008, 0.0008 + 0.004 / 1020])
    assert phase1.regime[2] == pytest.approx(0.2 * phase1.regime[0])


def test_a_negative_claim_is_sized_zero_and_says_so() -> None:
    phase1 = sized(make_signal(expected_return=-0.01), records=record_of((0.5, 50)))
    assert phase1.kelly.tolist() == [0.0]
    (warning,) = [notice.detail for notice in phase1.notices]
    assert "momentum/BTC-USD" in warning
    assert "-0.01" in warning


def test_a_claim_of_zero_is_sized_by_the_record_without_a_warning() -> None:
    phase1 = sized(make_signal(expected_return=0.0), records=record_of((0.01, 20)))
    assert phase1.kelly[0] > 0.0
    assert phase1.notices == ()


def test_a_missing_claim_is_sized_by_the_record_alone_and_says_so() -> None:
    phase1 = sized(make_signal(expected_return=None), records=record_of((0.01, 20)))
    assert phase1.edge == pytest.approx([0.05 * 0.2 / 1020])
    assert phase1.kelly[0] > 0.0
    assert len(phase1.notices) == 1
    assert phase1.notices[0].what == "claim_missing"
    assert "expected_return" in phase1.notices[0].detail
    assert sized(make_signal(expected_return=None)).kelly.tolist() == [0.0]


@pytest.mark.parametrize(("losses", "open_for_trade"), [(2, True), (3, False)])
def test_a_win_rate_below_the_floor_is_sized_zero_and_says_so(
    losses: int,
    open_for_trade: bool,  # noqa: FBT001 - a case
) -> None:
    # ten prior wins of 20 + losses: 10/22 = 0.4545, 10/23 = 0.4348
    params = EngineParams(kelly=KellyParams(min_win_rate=0.45))
    records = record_of((-0.001, losses), (0.0, 5))
    phase1 = sized(make_signal(), records=records, params=params)
    assert (phase1.kelly[0] > 0.0) == open_for_trade
    assert len(phase1.notices) == (0 if open_for_trade else 1)
    if not open_for_trade:
        assert "0.4348" in phase1.notices[0].detail
        assert "0.45" in phase1.notices[0].detail


def test_a_win_rate_of_exactly_the_floor_is_sized() -> None:
    # 18 of 40, prior included
    params = EngineParams(kelly=KellyParams(min_win_rate=0.45 - 1e-6))
    records = record_of((0.05, 8), (-0.001, 12))
    assert sized(make_signal(), records=records, params=params).kelly[0] > 0.0


def test_a_trend_follower_who_seldom_wins_is_sized() -> None:
    records = record_of((3.0, 35), (-1.0, 65))
    phase1 = sized(make_signal(), records=records)
    assert phase1.kelly[0] > sized(make_signal()).kelly[0]
    assert phase1.notices == ()


@pytest.mark.parametrize(
    ("claim", "sharpe", "cut"), [(0.00624, 0.09984, False), (0.01, 0.1, True), (3.0, 0.1, True)]
)
def test_a_claim_beyond_what_is_believed_is_cut_and_told(
    claim: float, sharpe: float, *, cut: bool
) -> None:
    phase1 = sized(make_signal(expected_return=claim))
    assert phase1.sharpe == pytest.approx([sharpe])
    assert phase1.edge == pytest.approx([0.05 * sharpe])
    assert [notice.what for notice in phase1.notices] == ["claim_cut"] * cut


def test_a_negative_claim_teaches_nothing_and_a_missing_one_is_a_claim_of_nothing() -> None:
    assert np.isnan(sized(make_signal(expected_return=-0.01)).sharpe[0])
    assert sized(make_signal(expected_return=None)).sharpe.tolist() == [0.0]
    assert sized(make_signal(expected_return=0.0)).sharpe.tolist() == [0.0]


@pytest.mark.parametrize(("floor", "open_for_trade"), [(0.00399, True), (0.00401, False)])
def test_an_edge_below_the_least_edge_is_sized_zero(
    floor: float,
    open_for_trade: bool,  # noqa: FBT001 - a case
) -> None:
    params = EngineParams(kelly=KellyParams(min_edge=floor))
    assert (sized(make_signal(), params=params).kelly[0] > 0.0) == open_for_trade


def moving_market() -> MarketBook:
    market = MarketBook(PARAMS.market)
    for step in range(12):
        market.observe_returns(step * 86_400 * 10**9, {"BTC-USD": 0.02 if step % 2 else -0.02})
    return market


def test_a_missing_volatility_is_learnt_from_returns_or_else_the_default() -> None:
    silent = make_signal(predicted_volatility=None)
    learnt = sized(silent, market=moving_market())
    assert learnt.volatility == pytest.approx([0.02])
    assert learnt.notices[0].what == "sigma_missing"
    assert "EWMA" in learnt.notices[0].detail
    assert "0.02" in learnt.notices[0].detail
    default = sized(silent)
    assert default.volatility.tolist() == [0.05]
    assert "default" in default.notices[0].detail
    claimed = sized(make_signal(predicted_volatility=0.05), market=moving_market())
    assert claimed.volatility.tolist() == [0.05]
    assert claimed.notices == ()


@pytest.mark.parametrize(
    ("horizon_sec", "over_own"), [(86_400.0, 0.02), (3_600.0, 0.02 / 24**0.5), (345_600.0, 0.04)]
)
def test_a_missing_volatility_is_that_of_the_horizon(horizon_sec: float, over_own: float) -> None:
    silent = make_signal(predicted_volatility=None, horizon_sec=horizon_sec)
    learnt = sized(silent, market=moving_market())
    assert learnt.volatility == pytest.approx([0.02])
    assert learnt.own_volatility == pytest.approx([over_own])
    assert f"{over_own:.6g} over {horizon_sec:.10g} s" in learnt.notices[0].detail
    default = sized(silent)
    assert default.volatility == pytest.approx([0.05])
    assert default.own_volatility == pytest.approx([2.5 * over_own])


def test_with_another_horizon_of_claims_default_and_learnt_volatility_are_over_that() -> None:
    params = EngineParams(signals=SignalParams(horizon_sec=4 * 86_400.0))
    silent = make_signal(predicted_volatility=None)
    assert sized(silent, params=params).volatility == pytest.approx([0.1])
    learnt = sized(silent, market=moving_market(), params=params)
    assert learnt.volatility == pytest.approx([0.04])


@pytest.mark.parametrize(
    ("claimed", "horizon_sec", "told"),
    [
        (0.0599, None, False),
        (0.0601, None, True),
        (0.00667, None, False),
        (0.00666, None, True),
        # 0.02 of a day is 0.0041 of an hour
        (0.0041, 3_600.0, False),
        (0.0125, 3_600.0, True),
        (0.0013, 3_600.0, True),
    ],
)
def test_a_claimed_volatility_beyond_a_factor_of_three_of_its_returns_is_told(
    claimed: float, horizon_sec: float | None, *, told: bool
) -> None:
    signal = make_signal(
        predicted_volatility=claimed, horizon_sec=horizon_sec, expected_return=0.00001
    )
    notices = sized(signal, market=moving_market()).notices
    assert len(notices) == told
    for notice in notices:
        assert (notice.what, notice.symbol) == (None, "BTC-USD")
        assert notice.detail.endswith("horizon_sec?")
    hold = make_signal(action=Action.HOLD, predicted_volatility=claimed, horizon_sec=horizon_sec)
    assert sized(hold, market=moving_market()).notices == ()


HOURS = {"expected_return": 0.003 / 24, "predicted_volatility": 0.05 / 24**0.5}


@pytest.mark.parametrize("outcomes", [0, 30])
def test_the_same_bet_in_hours_and_in_days_gets_the_same_size(outcomes: int) -> None:
    records = record_of((0.002, outcomes))
    days = sized(make_signal(expected_return=0.003), records=records)
    hours = sized(make_signal(horizon_sec=3_600.0, **HOURS), records=records)
    assert 0.0 < days.kelly[0] < 0.5
    assert hours.kelly == pytest.approx(days.kelly)
    assert hours.edge == pytest.approx(days.edge)
    assert hours.volatility == pytest.approx(days.volatility)
    assert hours.own_edge == pytest.approx(days.edge / 24.0)
    assert hours.own_volatility == pytest.approx(days.volatility / 24.0**0.5)


@pytest.mark.parametrize(("floor", "open_for_trade"), [(0.0023, True), (0.0025, False)])
def test_the_least_edge_is_of_the_one_horizon(floor: float, *, open_for_trade: bool) -> None:
    # 0.8 x 0.003 of a day, whatever it was said in
    params = EngineParams(kelly=KellyParams(min_edge=floor))
    hours = make_signal(horizon_sec=3_600.0, **HOURS)
    assert (sized(hours, params=params).kelly[0] > 0.0) == open_for_trade


def test_missing_volatilities_do_not_touch_those_given() -> None:
    signals = (
        make_signal(strategy_id="a", predicted_volatility=None),
        make_signal(strategy_id="b", predicted_volatility=0.07),
    )
    assert sized(*signals).volatility.tolist() == [0.05, 0.07]


def test_hold_warns_of_nothing() -> None:
    hold = make_signal(action=Action.HOLD, expected_return=None, predicted_volatility=None)
    assert sized(hold).notices == ()
    negative = make_signal(action=Action.HOLD, expected_return=-0.5)
    assert sized(negative, records=record_of((-0.5, 50))).notices == ()


def test_an_empty_batch_has_empty_sizes() -> None:
    phase1 = sized()
    assert phase1.regime.shape == (0,)
    assert phase1.notices == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"expected_return": 1.7e308},
        {"expected_return": 5e-324},
        {"predicted_volatility": 1e-200},
        {"predicted_volatility": 5e-324},
        {"predicted_volatility": 1.7e308},
        {"expected_return": 1.7e308, "predicted_volatility": 5e-324},
        {"expected_return": 1.7e308, "predicted_volatility": 1.7e308},
        {"confidence": 0.0, "expected_return": 1.7e308},
        {"confidence": 0.0, "expected_return": 1.7e308, "horizon_sec": 1e-300},
        {"expected_return": 1e-300, "horizon_sec": 1e300},
        {"predicted_volatility": 5e-324, "horizon_sec": 1e300},
        {"predicted_volatility": 1.7e308, "horizon_sec": 1e-300},
    ],
)
def test_numbers_at_the_ends_of_their_range_give_sizes_within_bounds(
    changes: dict[str, float],
) -> None:
    phase1 = sized(make_signal(**changes))
    assert 0.0 <= phase1.kelly[0] <= 0.5
    assert math.isfinite(phase1.regime[0])


@given(st.lists(valid_signals(), max_size=6))
@settings(max_examples=50, deadline=None)
def test_sizes_are_finite_and_never_above_the_cap_times_tilt_and_regime(
    signals: list[Signal],
) -> None:
    phase1 = sized(*signals)
    assert ((phase1.kelly >= 0.0) & (phase1.kelly <= 0.5)).all()
    assert (phase1.conformal <= phase1.kelly).all()
    assert ((phase1.regime >= 0.0) & (phase1.regime <= 0.5 * 1.15 * 1.2)).all()
    assert np.isfinite(phase1.edge).all()


@given(
    low=st.floats(0.0, 1.0), high=st.floats(0.0, 1.0),
    claim=st.floats(0.0, 0.1), volatility=st.floats(0.001, 1.0), factor=st.floats(1.0, 10.0),
)  # fmt: skip
def test_more_confidence_never_means_less_and_more_volatility_never_more(
    low: float, high: float, claim: float, volatility: float, factor: float
) -> None:
    def size(confidence: float, sigma: float) -> float:
        signal = make_signal(
            confidence=confidence, expected_return=claim, predicted_volatility=sigma
        )
        return float(sized(signal).regime[0])

    low, high = min(low, high), max(low, high)
    assert size(low, volatility) <= size(high, volatility)
    assert size(high, volatility * factor) <= size(high, volatility)
