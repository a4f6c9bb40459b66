"""The days to play, prepared once and shared by every run: prices, signals, stress.

A scenario is plain data in the form of the wire, so that all runs send the same bytes for the same
day except what the run itself carries: positions and portfolio value.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Final

import numpy as np

from app.core.errors import HimariError
from app.core.types import FloatArray, JsonObject, Regime
from app.history.market import cascade_indicators, index_returns, regimes_of, risk_scores
from app.history.prices import CLOSE_OF_DAY_NS, PricePanel
from app.history.strategies import (
    MOMENTUM_60,
    MOMENTUM_250,
    REVERSAL_5,
    Strategy,
    StrategySignals,
    action_of,
    textbook_signals,
)

PLAYED: Final = (MOMENTUM_60, MOMENTUM_250, REVERSAL_5)
# 256 returns, as many as the service keeps and sends to a policy
HISTORY_DAYS: Final = 257


class ScenarioEmpty(HimariError):
    """The window asked for holds no day that can be played."""


@dataclass(frozen=True, slots=True)
class DayPlan:
    """One trading day as the layers upstream see it at the close.

    ``signals`` and ``cascade`` are in wire form; ``next_returns`` are the symbols' own
    close-to-close returns until the next day, known only when that day is over.
    """

    day: date
    timestamp_ns: int
    prices: Mapping[str, float]
    signals: tuple[JsonObject, ...]
    cascade: Mapping[str, float]
    next_returns: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class PastCloses:
    """Closes of a day before the first decision."""

    timestamp_ns: int
    prices: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Days in order; ``last_prices`` are the closes of the day after the last one.

    ``history`` are up to 257 closes before the first day, oldest first: what a service that has
    run for a year knows.
    """

    symbols: tuple[str, ...]
    strategies: tuple[str, ...]
    days: tuple[DayPlan, ...]
    last_day: date
    last_prices: Mapping[str, float]
    history: tuple[PastCloses, ...] = ()


def prepare_scenario(
    panel: PricePanel, window: slice, strategies: tuple[Strategy, ...] = PLAYED
) -> Scenario:
    """Prepare the days of a window; history before it feeds the estimates.

    Parameters
    ----------
    panel : PricePanel
    window : slice
        Rows of the panel to decide on. Each needs a following row, so that its outcome is known;
        the panel's last row is therefore never decided on.
    strategies : tuple of Strategy

    Raises
    ------
    ScenarioEmpty
        If no row of the window has a following row, or no day has a signal.
    """
    signals = textbook_signals(panel.closes, strategies)
    rows = range(window.start, min(window.stop, len(panel.dates) - 1))
    if not rows or not any(each.known[rows.start : rows.stop].any() for each in signals):
        raise ScenarioEmpty(
            f"the window must hold a day with signals and a day after it, was {window}"
        )
    regimes = regimes_of(panel.closes)
    falls = index_returns(panel.closes)
    days = tuple(
        _day_plan(
            panel, row, _wire_signals(panel, row, signals, list(regimes[row])), float(falls[row])
        )
        for row in rows
    )
    names = tuple(strategy.strategy_id for strategy in strategies)
    return Scenario(
        symbols=panel.symbols,
        strategies=names,
        days=days,
        last_day=_date(panel, rows.stop),
        last_prices=_prices(panel, panel.closes[rows.stop]),
        history=tuple(
            PastCloses(_timestamp_ns(panel, row), _prices(panel, panel.closes[row]))
            for row in range(max(0, rows.start - HISTORY_DAYS), rows.start)
        ),
    )


def _day_plan(
    panel: PricePanel, row: int, signals: tuple[JsonObject, ...], index_return: float
) -> DayPlan:
    prices = _prices(panel, panel.closes[row])
    ahead = _prices(panel, panel.closes[row + 1])
    return DayPlan(
        day=_date(panel, row),
        timestamp_ns=_timestamp_ns(panel, row),
        prices=prices,
        signals=signals,
        cascade=asdict(cascade_indicators(index_return)),
        next_returns={
            symbol: close / prices[symbol] - 1.0
            for symbol, close in ahead.items()
            if symbol in prices
        },
    )


def _wire_signals(
    panel: PricePanel, row: int, strategies: tuple[StrategySignals, ...], regimes: list[int]
) -> tuple[JsonObject, ...]:
    names = [regime.name for regime in Regime]
    timestamp_ns = _timestamp_ns(panel, row)
    return tuple(
        {
            "strategy_id": each.strategy_id,
            "symbol": panel.symbols[column],
            "action": action_of(float(each.score[row, column])).value,
            "confidence": float(each.confidence[row, column]),
            "risk_score": float(risk_scores(each.volatility[row, column])),
            "regime": names[regimes[column]],
            "timestamp_ns": timestamp_ns,
            "expected_return": float(each.expected_return[row, column]),
            "predicted_volatility": float(each.volatility[row, column]),
        }
        for each in strategies
        for column in np.flatnonzero(each.known[row])
    )


def _prices(panel: PricePanel, closes: FloatArray) -> dict[str, float]:
    return {
        symbol: float(close)
        for symbol, close in zip(panel.symbols, closes, strict=True)
        if np.isfinite(close)
    }


def _date(panel: PricePanel, row: int) -> date:
    return date.fromisoformat(str(panel.dates[row]))


def _timestamp_ns(panel: PricePanel, row: int) -> int:
    return int(panel.dates[row].astype("datetime64[ns]").astype(np.int64)) + CLOSE_OF_DAY_NS
