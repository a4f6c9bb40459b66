"""The tape knows the past only, and hands out outcomes apart."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.backtest.tape import MarketDay, Tape, TooFewDays, last_known
from app.core.types import Action, Regime
from app.history.strategies import STRONG_FROM, action_of
from tests.backtest.panels import gappy, with_prices
from tests.history.panels import random_walk

PANEL = random_walk(320, 3)
TAPE = Tape(PANEL)


def known_then(day: MarketDay) -> MarketDay:
    """Leave out what the day could not know at its close."""
    return replace(day, next_returns={})


@settings(max_examples=20, deadline=None)
@given(
    row=st.integers(0, 318),
    column=st.integers(0, 2),
    factor=st.floats(0.2, 5.0).filter(lambda factor: factor != 1.0) | st.just(np.nan),
)
def test_changing_any_price_after_a_day_changes_nothing_the_day_knew(
    row: int, column: int, factor: float
) -> None:
    changed = PANEL.closes.copy()
    changed[row + 1 :, column] *= factor
    assert known_then(Tape(with_prices(PANEL, changed)).day(row)) == known_then(TAPE.day(row))


def test_outcomes_are_each_symbols_own_return_until_the_next_close() -> None:
    ahead = TAPE.day(250).next_returns
    expected = PANEL.closes[251] / PANEL.closes[250] - 1.0
    assert [ahead[symbol] for symbol in PANEL.symbols] == pytest.approx(expected.tolist())
    assert TAPE.day(319).next_returns == {}


def test_every_score_but_exactly_zero_is_a_direction() -> None:
    actions = [signal.action for row in range(60, 319) for signal in TAPE.day(row).signals]
    assert Action.HOLD not in actions
    assert {Action.BUY, Action.SELL, Action.STRONG_BUY, Action.STRONG_SELL} == set(actions)
    assert action_of(0.0, 0.0) is Action.HOLD
    assert action_of(1e-12, 0.0) is Action.BUY
    assert action_of(-1e-12, 0.0) is Action.SELL
    assert action_of(-STRONG_FROM, 0.0) is Action.STRONG_SELL


def test_the_demos_dead_zone_stays_where_it_was() -> None:
    assert action_of(0.24) is Action.HOLD
    assert action_of(0.25) is Action.BUY


def test_small_scores_expect_a_small_return_instead_of_none() -> None:
    rising = with_prices(PANEL, np.exp(0.001 * np.arange(320))[:, np.newaxis] * PANEL.closes)
    signals = Tape(rising).day(319).signals
    wanted = [signal.expected_return for signal in signals if signal.strategy_id == "momentum_60"]
    assert all(each is not None and each > 0.0 for each in wanted)


def test_signals_say_ranging_and_name_their_close() -> None:
    day = TAPE.day(300)
    assert {signal.regime for signal in day.signals} == {Regime.RANGING}
    assert {signal.timestamp_ns for signal in day.signals} == {day.timestamp_ns}
    assert len(day.signals) == 4 * 3


def test_a_symbol_without_a_close_has_no_signal_and_keeps_its_last_mark() -> None:
    tape = Tape(gappy())
    day = tape.day(400)
    assert "S02" not in day.prices
    assert all(signal.symbol != "S02" for signal in day.signals)
    last = tape.panel.closes[:, 2]
    assert day.marks["S02"] == last[np.isfinite(last)][-1]
    assert "S01" not in tape.day(100).marks


def test_last_known_carries_forward_and_never_back() -> None:
    closes = np.array([[np.nan, 1.0], [2.0, np.nan], [np.nan, np.nan], [3.0, 4.0]])
    expected = np.array([[np.nan, 1.0], [2.0, 1.0], [2.0, 1.0], [3.0, 4.0]])
    np.testing.assert_array_equal(last_known(closes), expected)


def test_fewer_than_300_days_are_refused() -> None:
    with pytest.raises(TooFewDays, match="at least 300 days of prices, had 299"):
        Tape(random_walk(299, 2))


def test_prices_without_two_in_a_row_are_refused() -> None:
    closes = np.where(np.arange(320)[:, np.newaxis] % 2, PANEL.closes, np.nan)
    with pytest.raises(TooFewDays, match="enough closes in a row"):
        Tape(with_prices(PANEL, closes))
