"""The days of a panel as the layers upstream would send them: prices, signals, outcomes.

Signals are the textbook ones without a dead zone, so that a policy sees every score; regime is
RANGING and the cascade calm, since closes carry neither. Row t knows rows 0 to t alone, except for
``next_returns``, which are handed out when that day is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.errors import HimariError
from app.core.types import FloatArray, Regime, Signal
from app.history.market import risk_scores
from app.history.prices import CLOSE_OF_DAY_NS, PricePanel
from app.history.strategies import TEXTBOOK, Strategy, action_of, textbook_signals

MIN_DAYS: Final = 300


class TooFewDays(HimariError):
    """The panel or the window is too short for a figure to mean anything."""


@dataclass(frozen=True, slots=True)
class MarketDay:
    """One close.

    Parameters
    ----------
    row : int
        Of the panel.
    timestamp_ns : int
    signals : tuple of Signal
    prices : mapping of symbol to price
        Symbols with a close that day.
    marks : mapping of symbol to price
        Last known close, for every symbol that ever had one.
    next_returns : mapping of symbol to simple return
        Until the next row, of symbols with a close on both; known only when that day is over.
    """

    row: int
    timestamp_ns: int
    signals: tuple[Signal, ...]
    prices: Mapping[str, float]
    marks: Mapping[str, float]
    next_returns: Mapping[str, float]


class Tape:
    """A price panel with its signals, read day by day.

    Parameters
    ----------
    panel : PricePanel
    strategies : tuple of Strategy

    Raises
    ------
    TooFewDays
        If the panel has fewer than 300 days, or none of them has a signal.
    """

    def __init__(self, panel: PricePanel, strategies: tuple[Strategy, ...] = TEXTBOOK) -> None:
        days = len(panel.dates)
        if days < MIN_DAYS:
            raise TooFewDays(f"a backtest needs at least {MIN_DAYS} days of prices, had {days}")
        self.panel = panel
        self.strategies = tuple(strategy.strategy_id for strategy in strategies)
        self._signals = textbook_signals(panel.closes, strategies, hold_below=0.0)
        self._risk = [risk_scores(each.volatility) for each in self._signals]
        self._marks = last_known(panel.closes)
        self._stamps = panel.dates.astype("datetime64[ns]").astype(np.int64) + CLOSE_OF_DAY_NS
        known = np.any([each.known.any(axis=1) for each in self._signals], axis=0)
        if not known[:-1].any():
            raise TooFewDays("no symbol has enough closes in a row for a signal")
        self.first_row: int = int(known.argmax())

    def day(self, row: int) -> MarketDay:
        """Read one row; the last one has no ``next_returns``."""
        closes = self.panel.closes
        prices = self._named(closes[row])
        ahead = self._named(closes[row + 1]) if row + 1 < len(closes) else {}
        return MarketDay(
            row=row,
            timestamp_ns=int(self._stamps[row]),
            signals=self._signals_of(row),
            prices=prices,
            marks=self._named(self._marks[row]),
            next_returns={
                symbol: close / prices[symbol] - 1.0
                for symbol, close in ahead.items()
                if symbol in prices
            },
        )

    def _named(self, closes: FloatArray) -> dict[str, float]:
        pairs = zip(self.panel.symbols, closes.tolist(), strict=True)
        return {symbol: close for symbol, close in pairs if close == close}  # noqa: PLR0124 - NaN

    def _signals_of(self, row: int) -> tuple[Signal, ...]:
        stamp, symbols = int(self._stamps[row]), self.panel.symbols
        return tuple(
            Signal(
                strategy_id=each.strategy_id,
                symbol=symbol,
                action=action_of(score, each.hold_below),
                confidence=confidence,
                risk_score=risk,
                regime=Regime.RANGING,
                timestamp_ns=stamp,
                expected_return=expected,
                predicted_volatility=volatility,
            )
            for each, risks in zip(self._signals, self._risk, strict=True)
            for symbol, score, confidence, risk, expected, volatility in zip(
                symbols,
                each.score[row].tolist(),
                each.confidence[row].tolist(),
                risks[row].tolist(),
                each.expected_return[row].tolist(),
                each.volatility[row].tolist(),
                strict=True,
            )
            if score == score  # noqa: PLR0124 - NaN is no signal
        )


def last_known(closes: FloatArray) -> FloatArray:
    """Carry each close forward over missing ones, (n_days, n_symbols); NaN before the first."""
    rows = np.where(np.isfinite(closes), np.arange(len(closes))[:, np.newaxis], 0)
    filled: FloatArray = np.take_along_axis(closes, np.maximum.accumulate(rows, axis=0), axis=0)
    return filled
