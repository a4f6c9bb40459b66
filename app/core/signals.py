"""From a batch of signals to columns in one canonical order.

The order in which signals arrive must not matter, to the last bit; so they are sorted by symbol,
strategy and content before any sum is taken.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import numpy as np

from app.core.types import DIRECTION, Action, Batch, FloatArray, IntArray, Regime, Signal

NO_PRICE: Final = "no usable price in current_prices"

_by_symbol_and_strategy = attrgetter("symbol", "strategy_id")


@dataclass(frozen=True, slots=True)
class Rejection:
    """A signal that cannot be sized, by its place in the request; those that stand come behind."""

    index: int
    symbol: str
    reason: str


@dataclass(frozen=True, slots=True)
class Screen:
    """Which signals of a batch are sized, kept without a size, or refused.

    Attributes
    ----------
    prices : mapping of symbol to USD a unit
        Usable ones; a signal on any other symbol is refused unless it is idle.
    idle : collection of str
        Symbols whose signals are kept and size nothing.
    refused : mapping of index to reason
        Signals that are refused, with more to say than that their symbol has no price.
    """

    prices: Mapping[str, float]
    idle: Collection[str] = ()
    refused: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignalTable:
    """Accepted signals as columns, in canonical order.

    Attributes
    ----------
    signals : tuple of Signal, length n
    symbols, strategies : sorted distinct names, lengths m and s
    symbol_of, strategy_of : int arrays of shape (n,), indices into those
    starts : int array of shape (m,), first row of each symbol (rows of a symbol are adjacent)
    direction : array of shape (n,), +1, -1 or 0 (HOLD, or idle)
    confidence, expected_return, volatility, sentiment, sentiment_confidence : arrays of shape (n,)
        NaN where the signal did not say; over the signal's own horizon.
    horizon_sec : array of shape (n,), seconds
        NaN where the signal did not say.
    prices : array of shape (m,), USD a unit
        NaN where an idle symbol has none.
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
    horizon_sec: FloatArray
    prices: FloatArray


def tabulate(
    batch: Batch, screen: Screen | None = None
) -> tuple[SignalTable, tuple[Rejection, ...]]:
    """Sort out what cannot be sized and put the rest into columns.

    Parameters
    ----------
    batch : Batch
    screen : Screen, optional
        Absent: what the batch gives is believed, and stamps and ages refuse nothing.

    Returns
    -------
    SignalTable, tuple of Rejection
    """
    screen = screen or Screen(usable_prices(batch.prices))
    prices, idle = screen.prices, screen.idle
    accepted: list[Signal] = []
    rejected: list[Rejection] = []
    for index, signal in enumerate(batch.all_signals):
        symbol = signal.symbol
        reason = screen.refused.get(index) if screen.refused else None
        if reason is None and symbol not in prices and symbol not in idle:
            reason = NO_PRICE
        if reason is None:
            accepted.append(signal)
        else:
            rejected.append(Rejection(index, symbol, reason))
    return _columns(canonical_order(accepted), prices, idle), tuple(rejected)


def usable_prices(prices: Mapping[str, float | None]) -> dict[str, float]:
    """Return the prices that are finite and > 0, in USD a unit."""
    return {
        symbol: price
        for symbol, price in prices.items()
        if price is not None and 0.0 < price < math.inf
    }


def signal_faults(batch: Batch, max_age_sec: float, prices: Mapping[str, float]) -> dict[int, str]:
    """Say why signals are refused for their stamp, or for a price no quantity can be had at.

    Parameters
    ----------
    batch : Batch
    max_age_sec : float, seconds
        Oldest age of a signal that is still sized; 0 never refuses for age.
    prices : mapping of symbol to USD a unit, usable ones

    Returns
    -------
    dict of index to reason
    """
    until, oldest = batch.stamps_until_ns, batch.received_ns - max_age_sec * 1e9
    faults: dict[int, str] = {}
    for index, signal in enumerate(batch.all_signals):
        stamp, price = signal.timestamp_ns, prices.get(signal.symbol)
        if until is not None and stamp > until:
            faults[index] = (
                f"timestamp_ns is {(stamp - batch.received_ns) / 1e9:.10g} s ahead of the clock, "
                f"at most {(until - batch.received_ns) / 1e9:g} s are taken"
            )
        elif max_age_sec > 0.0 and stamp < oldest:
            faults[index] = f"signal is older than {max_age_sec:g} s, timestamp_ns was {stamp}"
        elif price is not None and not math.isfinite(batch.portfolio_value / price):
            faults[index] = f"price is too small for a finite quantity, was {price!r}"
    return faults


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
                signal.horizon_sec,
                signal.valid_for_sec,
            )
        ),
    )


def signal_to_json(signal: Signal) -> dict[str, Any]:
    """Return a signal as a JSON-able dict that :func:`signal_from_json` turns back exactly."""
    return {name: getattr(signal, name) for name in Signal.__slots__}


def signal_from_json(data: Mapping[str, Any]) -> Signal:
    """Rebuild a journalled signal."""
    named = {"action": Action(data["action"]), "regime": Regime(data["regime"])}
    fields: dict[str, Any] = {**data, **named}
    return Signal(**fields)


def _columns(
    signals: Sequence[Signal], prices: Mapping[str, float], idle: Collection[str]
) -> SignalTable:
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
        direction=np.array(
            [0.0 if s.symbol in idle else DIRECTION[s.action] for s in signals], dtype=np.float64
        ),
        confidence=np.array([s.confidence for s in signals], dtype=np.float64),
        expected_return=_optional([s.expected_return for s in signals]),
        volatility=_optional([s.predicted_volatility for s in signals]),
        sentiment=_optional([s.sentiment_score for s in signals]),
        sentiment_confidence=_optional([s.sentiment_confidence for s in signals]),
        horizon_sec=_optional([s.horizon_sec for s in signals]),
        prices=np.array([prices.get(symbol, math.nan) for symbol in symbols], dtype=np.float64),
    )


def _optional(values: list[float | None]) -> FloatArray:
    # with a dtype given, numpy turns None into NaN
    return np.array(values, dtype=np.float64)
