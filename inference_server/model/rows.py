"""A signal and a prediction, with the ranges of the wire as types."""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PlainValidator
from pydantic_core import PydanticCustomError

FloatArray = NDArray[np.float32]

MAX_RETURNS: Final = 256
MAX_REASON: Final = 1000
_NO_RETURNS: Final = np.zeros(0, np.float32)
_NUMBERS: Final = frozenset({float, int})
_FLOAT_BYTES: Final = 4


class Action(StrEnum):
    """What a strategy asks for; a value of the wire in either case.

    >>> Action("strong_buy").direction
    1
    """

    STRONG_BUY = "STRONG_BUY"
    BUY = "BUY"
    HOLD = "HOLD"
    SELL = "SELL"
    STRONG_SELL = "STRONG_SELL"

    @classmethod
    def _missing_(cls, value: object) -> "Action | None":
        return cls.__members__.get(value.upper()) if isinstance(value, str) else None

    @property
    def direction(self) -> int:
        """+1 for a buy, -1 for a sell, 0 for HOLD."""
        return _DIRECTIONS[self]


_DIRECTIONS: Final = {
    Action.STRONG_BUY: 1,
    Action.BUY: 1,
    Action.HOLD: 0,
    Action.SELL: -1,
    Action.STRONG_SELL: -1,
}


class Regime(StrEnum):
    """State of a symbol's market; a value of the wire in either case, CRISIS_FLIGHT is CRISIS."""

    TRENDING_UP = "TRENDING_UP"
    TRENDING_DOWN = "TRENDING_DOWN"
    RANGING = "RANGING"
    HIGH_VOLATILITY = "HIGH_VOLATILITY"
    CRISIS = "CRISIS"

    @classmethod
    def _missing_(cls, value: object) -> "Regime | None":
        if not isinstance(value, str):
            return None
        name = value.upper()
        return cls.CRISIS if name == "CRISIS_FLIGHT" else cls.__members__.get(name)


def read_returns(value: Any) -> FloatArray:
    """Read the last ``MAX_RETURNS`` of a list of numbers, or of packed float32.

    Parameters
    ----------
    value : list of numbers, bytes of little-endian float32, or None
        Oldest first, simple returns per interval; older ones than the last 256 are dropped.

    Returns
    -------
    ndarray of shape (k,), float32, k <= 256
        Read-only where it came packed. NaN and infinities are found by `returns_are_usable`.

    Raises
    ------
    PydanticCustomError
        If it is something else.
    """
    if type(value) is bytes:
        if len(value) % _FLOAT_BYTES:
            raise PydanticCustomError(
                "returns", "must be whole float32 numbers, 4 bytes each, if packed"
            )
        return np.frombuffer(value[-_FLOAT_BYTES * MAX_RETURNS :], "<f4")
    if type(value) is list and _NUMBERS.issuperset(map(type, value)):
        return np.array(value[-MAX_RETURNS:], np.float32)
    if value is None:
        return _NO_RETURNS
    raise PydanticCustomError("returns", "must be a list of numbers, or packed float32")


def returns_are_usable(returns: FloatArray) -> bool:
    """Return whether all returns are finite and none is below -1.

    Parameters
    ----------
    returns : ndarray of shape (k,), simple returns per interval
        May be empty. A NaN, an infinity (also one that float32 made) or a number below -1 is
        unusable.
    """
    # min passes a NaN on, and no comparison with a NaN holds
    return not returns.size or bool(returns.min() >= -1.0 and returns.max() < math.inf)


_Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Fraction = Annotated[_Finite, Field(ge=0, le=1)]
_Positive = Annotated[_Finite, Field(gt=0)]
_Symbol = Annotated[str, Field(strict=True, min_length=1, max_length=256, pattern=r"^[^\p{C}]+$")]


@dataclass(frozen=True, slots=True, eq=False)
class SignalRow:
    """One signal of a request, checked.

    Attributes
    ----------
    symbol : str
        Only groups signals: no prediction may depend on it otherwise.
    action : Action
    confidence, risk_score : float in [0, 1]
    regime : Regime
    expected_return : float or None, simple return of the trade per horizon
        Positive is favourable, for SELL too.
    predicted_volatility : float or None, per horizon, > 0
    baseline_pct : float or None, signed fraction of portfolio value
        The symbol's Phase 2 weight at cascade multiplier 1, before smoothing.
    current_pct : float or None, signed fraction of portfolio value
        The symbol's weight now; prices may have carried it beyond 1.
    returns : ndarray of shape (k,), float32, simple returns, oldest first
        k <= 256; empty where absent. Finite, none below -1.
    interval_sec : float or None, seconds between two returns, > 0
    """

    symbol: _Symbol
    action: Action
    confidence: _Fraction
    risk_score: _Fraction
    regime: Regime
    expected_return: Annotated[_Finite, Field(ge=-1, le=1000)] | None = None
    predicted_volatility: _Positive | None = None
    # the sender's limits hold within 1e-6 of portfolio value
    baseline_pct: Annotated[_Finite, Field(ge=-1.000001, le=1.000001)] | None = None
    current_pct: _Finite | None = None
    returns: Annotated[FloatArray, PlainValidator(read_returns)] = field(
        default_factory=lambda: _NO_RETURNS
    )
    interval_sec: _Positive | None = None

    @property
    def direction(self) -> int:
        """+1 for a buy, -1 for a sell, 0 for HOLD."""
        return self.action.direction


# no slots: the JSON encoder reads attributes from a dict five times as fast
@dataclass(frozen=True)
class RowPrediction:
    """The prediction for one row; its fields are those of the reply.

    Attributes
    ----------
    position_pct : float in [-1, 1], signed fraction of portfolio value
        Target of the signal's symbol.
    confidence : float, 0 or in [0.5, 1]
        The weight that the service blends it with.
    predicted_return : float, simple return per horizon
    predicted_volatility : float, per horizon, >= 0
    hit_probability : float in [0, 1] or None
        Calibrated probability that the trade pays.
    reason : str or None
        Why the confidence is 0: a few words, and details behind a colon.
    """

    position_pct: float
    confidence: float
    predicted_return: float
    predicted_volatility: float
    hit_probability: float | None = None
    reason: str | None = None


def is_in_range(row: RowPrediction) -> bool:
    """Return whether a prediction is finite and within every range; NaN is not."""
    hit, reason = row.hit_probability, row.reason
    return (
        -1.0 <= row.position_pct <= 1.0
        and (row.confidence == 0.0 or 0.5 <= row.confidence <= 1.0)
        and -math.inf < row.predicted_return < math.inf
        and 0.0 <= row.predicted_volatility < math.inf
        and (hit is None or 0.0 <= hit <= 1.0)
        and (reason is None or (len(reason) <= MAX_REASON and reason.isprintable()))
    )
