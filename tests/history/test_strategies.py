"""Signals know the past only, and say what the textbook says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.types import Action, FloatArray, Regime
from app.history.market import (
    cascade_indicators,
    ewma_volatility,
    index_returns,
    regimes_of,
    risk_scores,
    simple_returns,
)
from app.history.strategies import (
    MOMENTUM_20,
    NO_EDGE_CONFIDENCE,
    TEXTBOOK,
    StrategySignals,
    action_of,
    past_slope,
    textbook_signals,
)
from tests.history.panels import random_walk

PANEL = random_walk(700, 4).closes


def outputs(closes: FloatArray) -> list[FloatArray]:
    """Every array the demo derives from prices."""
    arrays: list[FloatArray] = [
        regimes_of(closes).astype(np.float64),
        risk_scores(ewma_volatility(closes)),
        index_returns(closes),
    ]
    for each in textbook_signals(closes):
        arrays += [each.score, each.confidence, each.expected_return, each.volatility]
        arrays.append(each.direction)
    return arrays


BEFORE = outputs(PANEL)


@settings(max_examples=15, deadline=None)
@given(
    day=st.integers(0, 698),
    symbol=st.integers(0, 3),
    factor=st.floats(0.2, 5.0) | st.just(np.nan),
)
def test_changing_any_price_after_a_day_changes_nothing_at_or_before_it(
    day: int, symbol: int, factor: float
) -> None:
    changed = PANEL.copy()
    changed[day + 1 :, symbol] *= factor
    for before, after in zip(BEFORE, outputs(changed), strict=True):
        np.testing.assert_array_equal(before[: day + 1], after[: day + 1])


def test_changing_a_price_does_change_signals_from_that_day_on() -> None:
    changed = PANEL.copy()
    changed[600] *= 1.05
    assert (outputs(changed)[3][600] != BEFORE[3][600]).any()


def test_every_signal_is_valid_on_the_wire() -> None:
    for each in textbook_signals(PANEL):
        assert each.known[300:].all()
        assert np.isfinite(each.expected_return).all()
        assert (each.expected_return >= 0).all()
        assert ((each.confidence >= 0) & (each.confidence <= 1)).all()
        assert (each.volatility[each.known] > 0).all()


def test_a_score_is_the_past_return_in_volatilities() -> None:
    first = textbook_signals(PANEL, (MOMENTUM_20,))[0]
    past = np.log(PANEL[500, 2] / PANEL[480, 2])
    expected = past / (ewma_volatility(PANEL)[500, 2] * 20**0.5)
    assert first.score[500, 2] == pytest.approx(np.clip(expected, -2, 2), rel=1e-12)


def test_momentum_and_reversal_look_at_the_same_return_with_opposite_signs() -> None:
    rising = np.exp(0.01 * np.arange(400))[:, np.newaxis] * np.array([[100.0]])
    sides = {each.strategy_id: each.direction[399, 0] for each in textbook_signals(rising)}
    assert sides == {
        "momentum_20": 1.0,
        "momentum_60": 1.0,
        "momentum_250": 1.0,
        "reversal_5": -1.0,
    }


def test_a_strategy_without_edge_claims_no_return_and_little_confidence() -> None:
    rng = np.random.default_rng(3)
    score = rng.normal(size=(800, 5))
    against = np.vstack([np.zeros((1, 5)), -0.002 * score[:-1]])
    volatility = np.full((800, 5), 0.01)
    slope, confidence = past_slope(score, against, volatility)
    assert slope[-1] < 0
    assert confidence[-1] == NO_EDGE_CONFIDENCE


def test_a_strategy_with_edge_learns_its_slope_and_shrinks_it_towards_zero() -> None:
    rng = np.random.default_rng(4)
    score = rng.normal(size=(3000, 5))
    volatility = np.full((3000, 5), 0.01)
    returns = 0.01 * rng.normal(size=(3000, 5))
    returns[1:] += 0.01 * 0.05 * score[:-1]
    slope, confidence = past_slope(score, returns, volatility)
    plain = (score[:-1] * returns[1:] / 0.01).sum() / (score[:-1] ** 2).sum()
    assert 0 < slope[-1] < plain
    assert slope[-1] == pytest.approx(0.05, abs=0.02)
    assert confidence[-1] > 0.9


def test_nothing_is_claimed_before_a_year_of_days() -> None:
    first: StrategySignals = textbook_signals(PANEL, (MOMENTUM_20,))[0]
    assert (first.expected_return[:252] == 0).all()
    assert (first.confidence[:252] == NO_EDGE_CONFIDENCE).all()


@pytest.mark.parametrize(
    ("score", "action"),
    [
        (2.0, Action.STRONG_BUY),
        (1.5, Action.STRONG_BUY),
        (0.25, Action.BUY),
        (0.2, Action.HOLD),
        (-0.2, Action.HOLD),
        (-0.25, Action.SELL),
        (-1.5, Action.STRONG_SELL),
    ],
)
def test_the_action_follows_the_score(score: float, action: Action) -> None:
    assert action_of(score) is action


def test_ewma_volatility_is_the_weighted_root_mean_square() -> None:
    returns = simple_returns(PANEL)[1:101, 0]
    weights = 0.94 ** np.arange(99, -1, -1)
    expected = np.sqrt((weights * returns**2).sum() / weights.sum())
    assert ewma_volatility(PANEL)[100, 0] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(ewma_volatility(PANEL)[19, 0])


def test_a_price_that_never_moves_keeps_a_floor_of_volatility() -> None:
    flat = np.full((400, 2), 5.0)
    assert (ewma_volatility(flat)[20:] == 1e-4).all()
    assert all((each.direction == 0).all() for each in textbook_signals(flat, TEXTBOOK))


def test_regimes_tell_calm_trend_and_crash_apart() -> None:
    rng = np.random.default_rng(5)
    steps = rng.normal(0, 0.01, size=(600, 1))
    steps[500:560] += 0.004
    steps[595:, 0] = -0.12
    names = [
        tuple(Regime)[code] for code in regimes_of(100 * np.exp(np.cumsum(steps, axis=0)))[:, 0]
    ]
    assert names[10] is Regime.RANGING
    assert names[559] is Regime.TRENDING_UP
    assert names[599] is Regime.CRISIS


def test_stress_is_told_only_on_days_that_fell_more_than_4_percent() -> None:
    calm = cascade_indicators(-0.04)
    assert calm.oi_change_pct == 0.0
    assert calm.volume_ratio == 1.0
    crash = cascade_indicators(-0.10)
    assert crash.oi_change_pct == pytest.approx(-0.20)
    assert crash.volume_ratio == pytest.approx(11.0)
    assert crash.funding_rate == 0.0
    worst = cascade_indicators(-0.99)
    assert worst.oi_change_pct >= -1.0
    assert worst.exchange_netflow_zscore <= 10.0
    assert worst.onchain_whale_pressure <= 1.0
