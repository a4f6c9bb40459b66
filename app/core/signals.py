"""From a batch of signals to columns in one canonical order.

The order in which signals arrive must not matter, to the last bit; so they are sorted by symbol,
strategy and content before any sum is taken.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np

from app.core.types import DIRECTION, Batch, FloatArray, IntArray, Signal

DAY_NS = 86_400 * 1_000_000_000

_by_symbol_and_strategy = attrgetter("symbol", "strategy_id")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A signal that cannot be sized, by its place in the request."""

    index: int
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True)
class SignalTable:
    """Accepted signals as columns, in canonical order.

    Attributes
    ----------
    signals : tuple of Signal, length n
    symbols, strategies : sorted distinct names, lengths m and s
    symbol_of, strategy_of : int arrays of shape (n,), indices into those
    starts : int array of shape (m,), first row of each symbol (rows of a symbol are adjacent)
    direction : array of shape (n,), +1, -1 or 0 (HOLD)
    confidence, expected_return, volatility, sentiment, sentiment_confidence : arrays of shape (n,)
        NaN where the signal did not say.
    prices : array of shape (m,), USD a unit
    """

    signals: tuple[Signal, ...]
    symbols: list[str]
    strategies: list[str]
    symbol_of: IntArray
    strategy_of: IntArray
    starts: IntArray
    direction: FloatArray
    confidence: FloatArray
    expected_return: FloatArray
    volatility: FloatArray
    sentiment: FloatArray
    sentiment_confidence: FloatArray
    prices: FloatArray


def tabulate(
    batch: Batch, *, max_age_sec: float = 0.0
) -> tuple[SignalTable, tuple[Rejection, ...]]:
    """Sort out what cannot be sized and put the rest into columns.

    Parameters
    ----------
    batch : Batch
    max_age_sec : float, seconds
        Oldest age of a signal that is still sized; 0 never refuses for age.

    Returns
    -------
    SignalTable, tuple of Rejection
    """
    accepted: list[Signal] = []
    rejected: list[Rejection] = []
    for index, signal in enumerate(batch.signals):
        reason = _why_rejected(signal, batch, max_age_sec)
        if reason is None:
            accepted.append(signal)
        else:
            rejected.append(Rejection(index, signal.symbol, reason))
    return _columns(canonical_order(accepted), batch.prices), tuple(rejected)


def _why_rejected(signal: Signal, batch: Batch, max_age_sec: float) -> str | None:
    price = batch.prices.get(signal.symbol)
    if price is None:
        return "no usable price in current_prices"
    if signal.timestamp_ns > batch.received_ns + DAY_NS:
        return f"timestamp_ns is more than 24 h ahead of the clock, was {signal.timestamp_ns}"
    if max_age_sec > 0.0 and batch.received_ns - signal.timestamp_ns > max_age_sec * 1e9:
        return f"signal is older than {max_age_sec:g} s, timestamp_ns was {signal.timestamp_ns}"
    if not math.isfinite(batch.portfolio_value / price):
        return f"price is too small for a finite quantity, was {price!r}"
    return None


def canonical_order(signals: list[Signal]) -> list[Signal]:
    """Sort by symbol and strategy, and by the whole content where those agree."""
    ordered = sorted(signals, key=_by_symbol_and_strategy)
    keys = [_by_symbol_and_strategy(signal) for signal in ordered]
    if len(set(keys)) < len(keys):
        ordered.sort(key=_whole_content)
    return ordered


def _whole_content(signal: Signal) -> tuple[Any, ...]:
    return (
        signal.symbol,
        signal.strategy_id,
        signal.action.value,
        signal.confidence,
        signal.timestamp_ns,
        signal.risk_score,
        signal.regime.value,
        *(
            (value is not None, value or 0.0)
            for value in (
                signal.expected_return,
                signal.predicted_volatility,
                signal.signal_strength,
                signal.sentiment_score,
                signal.sentiment_confidence,
            )
        ),
    )


def _columns(signals: Sequence[Signal], prices: Mapping[str, float]) -> SignalTable:
    names = [signal.symbol for signal in signals]
    symbols = list(dict.fromkeys(names))
    row_of = {symbol: row for row, symbol in enumerate(symbols)}
    symbol_of = np.array([row_of[name] for name in names], dtype=np.int64)
    strategies = sorted({signal.strategy_id for signal in signals})
    place_of = {name: place for place, name in enumerate(strategies)}
    return SignalTable(
        signals=tuple(signals),
        symbols=symbols,
        strategies=strategies,
        symbol_of=symbol_of,
        strategy_of=np.array([place_of[s.strategy_id] for s in signals], dtype=np.int64),
        starts=symbol_of.searchsorted(np.arange(len(symbols))),
        direction=np.array([DIRECTION[s.action] for s in signals], dtype=np.float64),
        confidence=np.array([s.confidence for s in signals], dtype=np.float64),
        expected_return=_optional([s.expected_return for s in signals]),
        volatility=_optional([s.predicted_volatility for s in signals]),
        sentiment=_optional([s.sentiment_score for s in signals]),
        sentiment_confidence=_optional([s.sentiment_confidence for s in signals]),
        prices=np.array([prices[symbol] for symbol in symbols], dtype=np.float64),
    )


def _optional(values: list[float | None]) -> FloatArray:
    # with a dtype given, numpy turns None into NaN
    return np.array(values, dtype=np.float64)
