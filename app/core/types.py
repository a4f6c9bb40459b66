"""The nouns of sizing: actions, regimes, signals, batches, predictions.

Everything here is frozen and free of I/O. Units are part of names: ``_usd``, ``_pct`` (a fraction
of portfolio value), ``_sec``, ``_ns``. ``weight`` is a signed fraction of portfolio value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

# the one book that there is until there are several
DEFAULT_PORTFOLIO: Final = "default"

JsonObject = dict[str, Any]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
# ndarray or scipy.sparse.csr_array of shape (rows, columns); scipy ships no types
LimitMatrix = Any


class Action(StrEnum):
    """What a strategy wants done; plain and STRONG size alike."""

    STRONG_BUY = "STRONG_BUY"
    BUY = "BUY"
    HOLD = "HOLD"
    SELL = "SELL"
    STRONG_SELL = "STRONG_SELL"


DIRECTION: Final[dict[Action, float]] = {
    Action.STRONG_BUY: 1.0,
    Action.BUY: 1.0,
    Action.HOLD: 0.0,
    Action.SELL: -1.0,
    Action.STRONG_SELL: -1.0,
}


class Regime(StrEnum):
    """Market regime of a symbol, from the least to the most defensive."""

    TRENDING_UP = "trending_up"
    RANGING = "ranging"
    TRENDING_DOWN = "trending_down"
    HIGH_VOLATILITY = "high_volatility"
    CRISIS = "crisis"


REGIMES: Final[tuple[Regime, ...]] = tuple(Regime)
DEFENSIVENESS: Final[dict[Regime, int]] = {regime: rank for rank, regime in enumerate(REGIMES)}


class TradingState(StrEnum):
    """The kill switch: trade, only reduce, or stay where we are."""

    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING"
    HALTED = "HALTED"


class FallbackReason(StrEnum):
    """Why a decision is Phase 2's and not the policy's."""

    RL_DISABLED = "rl_disabled"
    CIRCUIT_OPEN = "circuit_open"
    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    BAD_STATUS = "bad_status"
    INVALID_PREDICTION = "invalid_prediction"
    LOW_CONFIDENCE = "low_confidence"
    OVERLOADED = "overloaded"
    EMPTY_BATCH = "empty_batch"


@dataclass(frozen=True, slots=True)
class Signal:
    """One strategy's view of one symbol; field names and ranges are those of the wire."""

    strategy_id: str
    symbol: str
    action: Action
    confidence: float
    risk_score: float
    regime: Regime
    timestamp_ns: int
    expected_return: float | None = None
    predicted_volatility: float | None = None
    signal_strength: float | None = None
    sentiment_score: float | None = None
    sentiment_confidence: float | None = None
    horizon_sec: float | None = None
    valid_for_sec: float | None = None


@dataclass(frozen=True, slots=True)
class CascadeIndicators:
    """What announces a liquidation cascade; the defaults are a calm market."""

    funding_rate: float = 0.0
    oi_change_pct: float = 0.0
    volume_ratio: float = 1.0
    onchain_whale_pressure: float = 0.0
    exchange_netflow_zscore: float = 0.0


@dataclass(frozen=True, slots=True)
class Batch:
    """One validated request of ``POST /allocate``, as the core sees it.

    ``positions`` are signed quantities; None (not given) counts as flat. ``received_ns`` is the
    wall clock at receipt, part of the batch so that a replay sees what the decision saw.
    ``prices`` are as they were given: null, zero or negative where there is none.
    ``calm_by_default`` names the cascade indicators that the caller left out.
    ``stamps_until_ns`` is the latest stamp that the door lets pass, None where there is no door;
    ``value_given`` is False where the portfolio value is that of the settings. ``standing`` are
    signals of earlier batches that are still in force.
    """

    signals: tuple[Signal, ...]
    cascade: CascadeIndicators
    prices: Mapping[str, float | None]
    portfolio_value: float
    received_ns: int
    positions: Mapping[str, float] | None = None
    market_data: Mapping[str, Any] = field(default_factory=dict)
    calm_by_default: tuple[str, ...] = ()
    stamps_until_ns: int | None = None
    value_given: bool = True
    standing: tuple[Signal, ...] = ()

    @property
    def all_signals(self) -> tuple[Signal, ...]:
        """Its own signals, and behind them those that stand."""
        return self.signals + self.standing if self.standing else self.signals


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence for the caller of a decision.

    ``what`` is its word in the answer's ``notices``, None where it stands in ``warnings`` alone;
    ``symbol`` is None where it is not of one symbol.
    """

    what: str | None
    symbol: str | None
    detail: str


@dataclass(frozen=True, slots=True)
class PolicyInput:
    """Input of the policy for one directional signal.

    ``baseline_pct`` is the symbol's signed Phase 2 weight at cascade multiplier 1 before
    smoothing, ``current_pct`` its current weight, ``returns`` its last returns, oldest first,
    ``interval_sec`` the median time between them (None when unknown). ``expected_return`` and
    ``predicted_volatility`` are over the one horizon of all claims, whatever the signal's own.
    """

    symbol: str
    action: Action
    confidence: float
    risk_score: float
    regime: Regime
    expected_return: float
    predicted_volatility: float
    baseline_pct: float
    current_pct: float
    returns: FloatArray
    interval_sec: float | None
    market_data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction:
    """One valid answer of the policy: a target weight for the signal's symbol."""

    position_pct: float
    confidence: float
    predicted_return: float
    predicted_volatility: float
    model_version: str
    hit_probability: float | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """Outcome of asking the policy once: predictions in the order of the inputs, or a reason.

    ``predictions[i]`` is None where the i-th row was unusable. With no usable row at all
    ``predictions`` is empty and ``reason`` says why; ``detail`` is for the log.
    """

    predictions: tuple[Prediction | None, ...] = ()
    reason: FallbackReason | None = None
    model_version: str | None = None
    detail: str = ""
    latency_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A realised return of a symbol over a decision's horizon, the symbol's own sign."""

    symbol: str
    realized_return: float
    decision_id: str | None = None
    used_rl: bool | None = None
    strategy_id: str | None = None
    predicted_return: float | None = None
    predicted_volatility: float | None = None
