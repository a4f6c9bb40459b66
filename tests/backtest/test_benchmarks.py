"""The benchmarks hold the pipeline's caps, smooth as it does, and hit their target."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.backtest.benchmarks import (
    ANNUAL_VOLATILITY,
    Benchmark,
    EqualWeight,
    VolatilityTarget,
    within,
)
from app.backtest.simulate import Run, Terms, simulate
from app.backtest.tape import Tape
from app.core.params import LimitParams
from app.core.types import FloatArray
from tests.backtest.panels import gappy, with_prices
from tests.history.panels import random_walk

PANEL = random_walk(400, 8)
TAPE = Tape(PANEL)
LIMITS = LimitParams()
FREE = Terms(100_000.0, 0.0)


def equal_weight(tape: Tape, span: float, rows: range, limits: LimitParams = LIMITS) -> Run:
    aim = EqualWeight(limits.max_portfolio_pct)
    policy = Benchmark(tape.panel.symbols, aim, limits, span=span)
    return asyncio.run(simulate(policy, tape, rows, FREE))


def vol_target(tape: Tape, span: float, rows: range, limits: LimitParams = LIMITS) -> Run:
    symbols = tape.panel.symbols
    policy = Benchmark(symbols, VolatilityTarget(len(symbols), 252.0), limits, span=span)
    return asyncio.run(simulate(policy, tape, rows, FREE))


def test_equal_weight_shares_the_gross_limit() -> None:
    weights = equal_weight(TAPE, 1.0, range(300, 310)).weights
    np.testing.assert_allclose(weights, 0.1, rtol=1e-12)


def test_equal_weight_of_few_symbols_stops_at_the_cap() -> None:
    weights = equal_weight(Tape(random_walk(310, 3)), 1.0, range(300, 305)).weights
    np.testing.assert_allclose(weights, 0.15, rtol=1e-12)


def test_smoothing_moves_two_over_span_plus_one_of_the_way() -> None:
    weights = equal_weight(TAPE, 9.0, range(300, 302)).weights
    np.testing.assert_allclose(weights[0], 0.2 * 0.1, rtol=1e-12)
    grown = weights[0] * PANEL.closes[301] / PANEL.closes[300]
    drifted = grown / (1.0 - weights[0].sum() + grown.sum())
    np.testing.assert_allclose(weights[1], drifted + 0.2 * (0.1 - drifted), rtol=1e-12)


def test_the_volatility_target_is_met_by_the_covariance_it_sees() -> None:
    wide = LimitParams(max_position_pct=10.0, max_portfolio_pct=100.0)
    weights = vol_target(TAPE, 1.0, range(300, 301), wide).weights[0]
    returns = PANEL.closes[1:301] / PANEL.closes[:300] - 1.0
    decay = 0.94 ** np.arange(299, -1, -1)
    covariance = (returns * decay[:, np.newaxis]).T @ returns / decay.sum()
    assert np.sqrt(weights @ covariance @ weights * 252) == pytest.approx(ANNUAL_VOLATILITY)
    parts = weights * np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(parts, parts[0], rtol=1e-9)


def test_a_symbol_of_less_than_20_returns_has_no_part_in_the_volatility_target() -> None:
    closes = PANEL.closes.copy()
    closes[:285, 3] = np.nan
    weights = vol_target(Tape(with_prices(PANEL, closes)), 1.0, range(300, 310)).weights
    assert not weights[:5, 3].any()
    assert weights[5:, 3].all()


@pytest.mark.parametrize("play", [equal_weight, vol_target])
def test_weights_never_break_a_limit_and_never_are_short(play: type) -> None:
    weights = play(Tape(gappy(n_symbols=9)), 10.0, range(310, 410)).weights
    assert (weights >= 0.0).all()
    assert weights.sum(axis=1).max() <= 0.8 + 1e-9
    # a symbol without a price drifts until it can be traded again
    assert np.delete(weights, 2, axis=1).max() <= 0.15 + 1e-2


def test_what_has_no_price_is_not_traded() -> None:
    run = equal_weight(Tape(gappy()), 10.0, range(375, 400))
    held = run.weights[6:, 2] * run.equity_usd[6:-1]
    np.testing.assert_allclose(held, held[0], rtol=1e-9)
    assert held[0] > 0.0


@given(
    arrays(np.float64, 6, elements=st.floats(0.0, 3.0)), st.floats(0.01, 1.0), st.floats(0.0, 2.0)
)
def test_within_keeps_order_and_both_limits(wanted: FloatArray, cap: float, gross: float) -> None:
    kept = within(wanted, cap, gross)
    assert (kept <= cap + 1e-12).all()
    assert kept.sum() <= gross + 1e-12
    assert (np.diff(kept[wanted.argsort()]) >= -1e-15).all()
