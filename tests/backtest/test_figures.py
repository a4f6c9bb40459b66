"""Figures against numbers by hand and against other ways to count them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.backtest.figures import (
    annual_return,
    calmar,
    drawdowns,
    periods_per_year,
    sortino,
)
from app.core.types import FloatArray
from app.history.gain import sharpe
from tests.backtest.panels import on_business_days
from tests.history.panels import random_walk

# mean 0.01, population variance (1 + 9 + 1 + 1) / 4 * 1e-4 about it = 3e-4
FOUR = np.array([0.02, -0.02, 0.02, 0.02])
returns_of = arrays(np.float64, 40, elements=st.floats(-0.05, 0.05))


def test_sharpe_by_hand() -> None:
    assert sharpe(FOUR, 252.0) == pytest.approx(0.01 / 3e-4**0.5 * 252**0.5)


def test_sortino_divides_by_the_downside_over_all_days() -> None:
    assert sortino(FOUR, 252.0) == pytest.approx(0.01 / (0.02 / 2.0) * 252**0.5)


def test_drawdown_is_the_fall_from_the_highest_equity_so_far() -> None:
    falls = drawdowns(np.array([0.1, -0.2, 0.25, -0.1]))
    assert falls.tolist() == pytest.approx([0.0, 0.0, 0.2, 0.0, 0.1])


def test_calmar_is_compound_growth_over_the_largest_drawdown() -> None:
    growth = (1.02**3 * 0.98) ** (252 / 4) - 1.0
    assert annual_return(FOUR, 252.0) == pytest.approx(growth)
    assert calmar(FOUR, 252.0) == pytest.approx(growth / 0.02)


def test_ratios_without_a_denominator_are_none() -> None:
    flat, rising = np.zeros(5), np.array([0.01, 0.02, 0.01])
    assert sharpe(flat, 252.0) is None
    assert sortino(rising, 252.0) is None
    assert calmar(rising, 252.0) is None


@given(returns_of, st.floats(0.1, 10.0))
def test_leverage_changes_no_sharpe_ratio(returns: FloatArray, leverage: float) -> None:
    plain, geared = sharpe(returns, 252.0), sharpe(leverage * returns, 252.0)
    if plain is None or geared is None or returns.std() < 1e-12:
        return
    assert geared == pytest.approx(plain, rel=1e-9, abs=1e-9)


def test_business_days_are_252_a_year_and_a_market_without_weekends_365() -> None:
    every_day = random_walk(320, 1)
    assert periods_per_year(every_day.dates) == 365.25
    assert periods_per_year(on_business_days(every_day).dates) == 252.0
    assert periods_per_year(every_day.dates[::7]) == pytest.approx(365.25 / 7)
