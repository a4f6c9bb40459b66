"""Signals, indicators, prices and quantities, checked against the wire's ranges.

Both are the core's own frozen dataclasses, checked on construction, so that the engine takes them
as they are. A plain float in range costs one comparison; everything else is converted.
"""

import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NoReturn, TypedDict, TypeVar

import orjson

from app.core import types as core
from app.core.types import Action, Regime, Signal
from app.facade.plain import is_finite, mapping_of, nanoseconds_of, number_of, plain

TacticalAction = Action

INFINITY: Final = math.inf
LAST_NS: Final = 2**63
LONGEST_NAME: Final = 256

Built = TypeVar("Built")
Member = TypeVar("Member")


class MarketRegime(StrEnum):
    """Market regime of a symbol; CRISIS_FLIGHT is another name of CRISIS."""

    TRENDING_UP = "trending_up"
    TRENDING_DOWN = "trending_down"
    RANGING = "ranging"
    HIGH_VOLATILITY = "high_volatility"
    CRISIS = "crisis"
    CRISIS_FLIGHT = "crisis"


_ACTIONS: Final[dict[str, Action]] = {action.value: action for action in Action}
_REGIMES: Final[dict[str, Regime]] = {
    name: Regime(member.value) for name, member in MarketRegime.__members__.items()
}


def number(name: str, value: object, low: float, high: float) -> float:
    """Return a value as a float, if it is a finite number within closed bounds.

    Parameters
    ----------
    name : str
        Of the field, for the message.
    value : object
        Numbers of numpy and a Decimal count as numbers; strings and booleans do not.
    low, high : float

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Naming the field, what must hold and what it was.
    """
    if type(value) is float and low <= value <= high and -INFINITY < value < INFINITY:
        return value
    return _converted(name, value, low, high)


def positive(name: str, value: object) -> float:
    """Return a value as a float above zero; raises ValueError."""
    converted = number(name, value, 0.0, INFINITY)
    if converted == 0.0:
        refuse(name, "be > 0", value)
    return converted


def prices_of(name: str, values: Mapping[str, float | None]) -> Mapping[str, float | None]:
    """Return a mapping of symbols to prices; raises ValueError.

    None, NaN (None in the result), zero and less say that a symbol has no price.
    """
    return {
        identifier(name, key): value
        if type(value) is float and 0.0 < value < INFINITY
        else _price(f"{name}.{key}", value)
        for key, value in _mapping(name, values).items()
    }


def _price(name: str, value: object) -> float | None:
    if value is None or number_of(value) != number_of(value):
        return None
    return number(name, value, -INFINITY, INFINITY)


def quantities(name: str, values: Mapping[str, float]) -> Mapping[str, float]:
    """Return a mapping of symbols to finite signed floats; raises ValueError."""
    return {
        identifier(name, key): number(f"{name}.{key}", value, -INFINITY, INFINITY)
        for key, value in _mapping(name, values).items()
    }


def signals_of(signals: Iterable[Signal | Mapping[str, Any]]) -> tuple[Signal, ...]:
    """Return signals; mappings of the wire's fields become signals.

    Raises
    ------
    ValueError
        If one is neither, or a field of it breaks its range.
    """
    return tuple(
        [
            signal if isinstance(signal, Signal) else _from_mapping(index, signal)
            for index, signal in enumerate(signals)
        ]
    )


class TacticalSignal(Signal):
    """One strategy's view of one symbol.

    Parameters
    ----------
    strategy_id, symbol : str
        Not empty.
    action : TacticalAction or str
        In either case.
    confidence, risk_score : float in [0, 1]
    regime : MarketRegime or str
        In either case; CRISIS_FLIGHT is CRISIS.
    timestamp_ns : int, nanoseconds since 1970 UTC, or datetime with a time zone
        In [0, 2^63); now by default.
    expected_return : float, simple return of the trade over its horizon, optional
    predicted_volatility : float > 0, standard deviation over the same horizon, optional
    signal_strength : float, optional
    sentiment_score, sentiment_confidence : float in [0, 1], optional
    horizon_sec : float > 0, seconds, optional
        Horizon of both claims and of the outcome; that of the settings, a day, by default.
    valid_for_sec : float >= 0, seconds, optional
        How long it stays in force where signals stand.

    Raises
    ------
    ValueError
        Naming the field, what must hold and what it was.
    """

    __slots__ = ()

    def __init__(  # noqa: PLR0913, PLR0917 (the fields of the wire, in its order)
        self,
        strategy_id: str,
        symbol: str,
        action: Action | str,
        confidence: float,
        risk_score: float,
        regime: Regime | MarketRegime | str,
        timestamp_ns: int | datetime | None = None,
        expected_return: float | None = None,
        predicted_volatility: float | None = None,
        signal_strength: float | None = None,
        sentiment_score: float | None = None,
        sentiment_confidence: float | None = None,
        horizon_sec: float | None = None,
        valid_for_sec: float | None = None,
    ) -> None:
        Signal.__init__(
            self,
            identifier("strategy_id", strategy_id),
            identifier("symbol", symbol),
            action if type(action) is Action else _named("action", action, _ACTIONS),
            number("confidence", confidence, 0.0, 1.0),
            number("risk_score", risk_score, 0.0, 1.0),
            regime if type(regime) is Regime else _named("regime", regime, _REGIMES),
            time.time_ns() if timestamp_ns is None else _timestamp(timestamp_ns),
            maybe("expected_return", expected_return, -INFINITY, INFINITY),
            maybe_positive("predicted_volatility", predicted_volatility),
            maybe("signal_strength", signal_strength, -INFINITY, INFINITY),
            maybe("sentiment_score", sentiment_score, 0.0, 1.0),
            maybe("sentiment_confidence", sentiment_confidence, 0.0, 1.0),
            maybe_positive("horizon_sec", horizon_sec),
            maybe("valid_for_sec", valid_for_sec, 0.0, INFINITY),
        )


class Claim(TypedDict, total=False):
    """What a strategy claimed of a trade that has no decision; the three go together."""

    strategy_id: str | None
    predicted_return: float | None
    predicted_volatility: float | None


def claim_of(
    *,
    strategy_id: str | None = None,
    predicted_return: float | None = None,
    predicted_volatility: float | None = None,
) -> Claim:
    """Return the claim with its numbers as floats.

    Raises
    ------
    ValueError
        If a number breaks its range.
    """
    return {
        "strategy_id": strategy_id,
        "predicted_return": maybe("predicted_return", predicted_return, -INFINITY, INFINITY),
        "predicted_volatility": maybe_positive("predicted_volatility", predicted_volatility),
    }


@dataclass(frozen=True, slots=True, init=False)
class CascadeIndicators(core.CascadeIndicators):
    """What announces a liquidation cascade.

    An indicator that is not given counts as calm and is named in the answer's ``warnings``.

    Parameters
    ----------
    funding_rate, oi_change_pct : float in [-1, 1]
    volume_ratio : float >= 0
        Volume against its usual size.
    onchain_whale_pressure : float in [0, 1]
    exchange_netflow_zscore : float in [-10, 10]

    Raises
    ------
    ValueError
        Naming the field, what must hold and what it was.
    """

    calm_by_default: tuple[str, ...] = field(default=(), init=False, repr=False, compare=False)

    def __init__(
        self,
        funding_rate: float | None = None,
        oi_change_pct: float | None = None,
        volume_ratio: float | None = None,
        onchain_whale_pressure: float | None = None,
        exchange_netflow_zscore: float | None = None,
    ) -> None:
        given = {
            "funding_rate": maybe("funding_rate", funding_rate, -1.0, 1.0),
            "oi_change_pct": maybe("oi_change_pct", oi_change_pct, -1.0, 1.0),
            "volume_ratio": maybe("volume_ratio", volume_ratio, 0.0, INFINITY),
            "onchain_whale_pressure": maybe(
                "onchain_whale_pressure", onchain_whale_pressure, 0.0, 1.0
            ),
            "exchange_netflow_zscore": maybe(
                "exchange_netflow_zscore", exchange_netflow_zscore, -10.0, 10.0
            ),
        }
        known = {name: value for name, value in given.items() if value is not None}
        core.CascadeIndicators.__init__(self, **known)
        calm = tuple(name for name, value in given.items() if value is None)
        object.__setattr__(self, "calm_by_default", calm)


def indicators_of(
    indicators: core.CascadeIndicators | Mapping[str, float | None],
) -> tuple[core.CascadeIndicators, tuple[str, ...]]:
    """Return the indicators and the names of those that were not given.

    Raises
    ------
    ValueError
        If they are neither indicators nor a mapping of the wire's fields.
    """
    fields = mapping_of(indicators)
    if fields is not None:
        indicators = _built("cascade_indicators", CascadeIndicators, fields)
    if not isinstance(indicators, core.CascadeIndicators):
        refuse("cascade_indicators", "be CascadeIndicators", indicators)
    if not isinstance(indicators, CascadeIndicators):
        return indicators, ()
    plain = core.CascadeIndicators(
        indicators.funding_rate,
        indicators.oi_change_pct,
        indicators.volume_ratio,
        indicators.onchain_whale_pressure,
        indicators.exchange_netflow_zscore,
    )
    return plain, indicators.calm_by_default


def refuse(name: str, must: str, was: object) -> NoReturn:
    """Raise the ValueError of an input: field, what must hold, what it was."""
    raise ValueError(f"{name} must {must}, was {was!r}")


def _from_mapping(index: int, signal: object) -> Signal:
    fields = mapping_of(signal)
    if fields is None:
        refuse(f"signals.{index}", "be a TacticalSignal", signal)
    return _built(f"signals.{index}", TacticalSignal, fields)


def _built(name: str, kind: Callable[..., Built], fields: Mapping[str, Any]) -> Built:
    try:
        return kind(**fields)
    except ValueError as error:
        raise ValueError(f"{name}.{error}") from None
    except TypeError as error:
        # Python's own words name the field that is missing or unknown, after the callable's name
        raise ValueError(f"{name}: {str(error).partition('() ')[2]}") from None


def _mapping(name: str, values: object) -> Mapping[str, Any]:
    found = mapping_of(values)
    if found is None:
        refuse(name, "map symbols to numbers", values)
    return found


def identifier(name: str, value: object) -> str:
    """Return a value that can be a name on the wire; raises ValueError."""
    if not isinstance(value, str) or not value or value.isspace():
        refuse(name, "be a text that is not empty", value)
    if len(value) > LONGEST_NAME or not value.isprintable():
        refuse(name, f"be printable and at most {LONGEST_NAME} characters long", value)
    return value


def _named(name: str, value: object, table: Mapping[str, Member]) -> Member:
    member = table.get(value.upper()) if isinstance(value, str) else None
    if member is None:
        refuse(name, f"be one of {', '.join(table)}", value)
    return member


def _timestamp(value: object) -> int:
    whole = nanoseconds_of(value) if isinstance(value, datetime) else number_of(value)
    if not isinstance(whole, int):
        must = (
            "have a time zone" if isinstance(value, datetime) else "be whole nanoseconds since 1970"
        )
        refuse("timestamp_ns", must, value)
    if not 0 <= whole < LAST_NS:
        refuse("timestamp_ns", "be in [0, 2^63)", value)
    return whole


def maybe(name: str, value: object, low: float, high: float) -> float | None:
    """Return a number that may be missing; raises ValueError."""
    return None if value is None else number(name, value, low, high)


def maybe_positive(name: str, value: object) -> float | None:
    """Return a number above zero that may be missing; raises ValueError."""
    return None if value is None else positive(name, value)


def json_values(name: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a mapping of plain JSON values; raises ValueError."""
    found: Mapping[str, Any] = plain(name, _mapping(name, values))
    try:
        orjson.dumps(found)
    except TypeError as error:
        raise ValueError(f"{name} must hold plain JSON values: {error}") from None
    return found


def _converted(name: str, value: object, low: float, high: float) -> float:
    found = number_of(value)
    if found is None:
        refuse(name, "be a number", value)
    if not is_finite(found):
        refuse(name, "be finite", value)
    if not low <= found <= high:
        refuse(name, _bounds(low, high), value)
    return float(found)


def _bounds(low: float, high: float) -> str:
    return f"be >= {low:g}" if high == INFINITY else f"be in [{low:g}, {high:g}]"
