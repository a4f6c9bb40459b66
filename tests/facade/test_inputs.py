"""Inputs of the facade: the wire's names, ranges and refusals."""

import copy
import math
import pickle
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from app.api.request.schemas import SignalRow
from app.core import types as core
from app.core.types import Action, Regime
from app.facade import CascadeIndicators, MarketRegime, TacticalAction, TacticalSignal
from app.facade.inputs import indicators_of, json_values, prices_of, quantities, signals_of

BASE: dict[str, Any] = {
    "strategy_id": "momentum",
    "symbol": "BTC-USD",
    "action": "BUY",
    "confidence": 0.85,
    "risk_score": 0.25,
    "regime": "TRENDING_UP",
    "timestamp_ns": 1_735_226_000_000_000_000,
    "expected_return": 0.02,
    "predicted_volatility": 0.2,
    "signal_strength": None,
    "sentiment_score": 0.7,
    "sentiment_confidence": 0.8,
}
WIRE: TypeAdapter[core.Signal] = TypeAdapter(SignalRow)
ODD_NUMBERS = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-3, 3),
    st.sampled_from([0.0, 1.0, -0.0, 1e-320, 2.0**63]),
    st.booleans(),
    st.text(max_size=3),
    st.none(),
)


@pytest.mark.parametrize("spelling", ["strong_buy", "STRONG_BUY", "Strong_Buy"])
def test_actions_and_regimes_are_taken_in_either_case(spelling: str) -> None:
    signal = TacticalSignal(**{**BASE, "action": spelling, "regime": "trending_DOWN"})
    assert signal.action is Action.STRONG_BUY
    assert signal.regime is Regime.TRENDING_DOWN


@pytest.mark.parametrize("member", [*MarketRegime.__members__.values(), *Regime])
def test_every_member_of_both_enums_is_a_regime(member: MarketRegime | Regime) -> None:
    assert TacticalSignal(**{**BASE, "regime": member}).regime is Regime(member.value)


def test_crisis_flight_is_crisis_by_member_and_by_name() -> None:
    assert MarketRegime.__members__["CRISIS_FLIGHT"] is MarketRegime.CRISIS
    assert TacticalSignal(**{**BASE, "regime": "crisis_flight"}).regime is Regime.CRISIS


def test_every_action_is_taken_as_a_member() -> None:
    for action in TacticalAction:
        assert TacticalSignal(**{**BASE, "action": action}).action is action


def test_a_signal_without_a_time_is_of_now() -> None:
    before = time.time_ns()
    signal = TacticalSignal(**{**BASE, "timestamp_ns": None})
    assert before <= signal.timestamp_ns <= time.time_ns()


def test_numbers_of_numpy_and_integers_are_numbers() -> None:
    changed = {"confidence": np.float32(0.5), "risk_score": 1, "timestamp_ns": np.int64(7)}
    signal = TacticalSignal(**{**BASE, **changed})
    assert (signal.confidence, signal.risk_score, signal.timestamp_ns) == (0.5, 1.0, 7)
    assert {type(signal.confidence), type(signal.risk_score)} == {float}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("confidence", 1.5, "confidence must be in [0, 1], was 1.5"),
        ("confidence", True, "confidence must be a number, was True"),
        ("risk_score", "0.2", "risk_score must be a number, was '0.2'"),
        ("risk_score", math.nan, "risk_score must be finite, was nan"),
        ("expected_return", math.inf, "expected_return must be finite, was inf"),
        ("predicted_volatility", 0, "predicted_volatility must be > 0, was 0"),
        ("predicted_volatility", -0.1, "predicted_volatility must be >= 0, was -0.1"),
        ("horizon_sec", 0, "horizon_sec must be > 0, was 0"),
        ("sentiment_score", -0.1, "sentiment_score must be in [0, 1], was -0.1"),
        ("symbol", "", "symbol must be a text that is not empty, was ''"),
        ("strategy_id", None, "strategy_id must be a text that is not empty, was None"),
        ("strategy_id", "a\x00", "strategy_id must be printable"),
        ("symbol", "x" * 257, "symbol must be printable and at most 256"),
        ("timestamp_ns", -1, "timestamp_ns must be in [0, 2^63), was -1"),
        ("timestamp_ns", 2**63, "timestamp_ns must be in [0, 2^63)"),
        ("timestamp_ns", 1.0, "timestamp_ns must be whole nanoseconds since 1970, was 1.0"),
        ("action", "HODL", "action must be one of STRONG_BUY, BUY, HOLD, SELL, STRONG_SELL"),
        ("regime", 3, "regime must be one of TRENDING_UP"),
    ],
)
def test_a_field_out_of_range_is_refused_by_name_and_value(
    field: str, value: object, sentence: str
) -> None:
    with pytest.raises(ValueError, match="must") as caught:
        TacticalSignal(**{**BASE, field: value})
    assert str(caught.value).startswith(sentence)


def test_a_decimal_and_an_aware_datetime_are_taken() -> None:
    at = datetime(2024, 12, 26, 15, 13, 20, 1, tzinfo=timezone(timedelta(hours=1)))
    signal = TacticalSignal(**{**BASE, "confidence": Decimal("0.8"), "timestamp_ns": at})
    assert signal.confidence == 0.8
    assert signal.timestamp_ns == 1_735_222_400_000_001_000
    naive = at.replace(tzinfo=None)
    with pytest.raises(ValueError, match="timestamp_ns must have a time zone"):
        TacticalSignal(**{**BASE, "timestamp_ns": naive})
    with pytest.raises(ValueError, match="confidence must be finite"):
        TacticalSignal(**{**BASE, "confidence": Decimal("NaN")})


@given(
    st.sampled_from(
        [
            *("confidence", "risk_score", "expected_return", "predicted_volatility"),
            *("signal_strength", "horizon_sec"),
        ]
    ),
    ODD_NUMBERS,
)
def test_a_number_is_taken_here_exactly_when_the_wire_takes_it(field: str, value: object) -> None:
    changed = {**BASE, field: value}
    try:
        wire: core.Signal | None = WIRE.validate_python(changed)
    except ValidationError:
        wire = None
    try:
        mine: core.Signal | None = TacticalSignal(**changed)
    except ValueError:
        mine = None
    assert (mine is None) == (wire is None)
    if mine is not None:
        assert getattr(mine, field) == getattr(wire, field)


def test_signals_can_be_copied_and_pickled_and_are_equal_by_content() -> None:
    signal = TacticalSignal(**BASE)
    assert pickle.loads(pickle.dumps(signal)) == signal == copy.deepcopy(signal)  # noqa: S301 (our own bytes)
    assert isinstance(signal, core.Signal)


def test_mappings_become_signals_and_their_faults_are_placed() -> None:
    assert signals_of([BASE]) == (TacticalSignal(**BASE),)
    with pytest.raises(ValueError, match=r"signals\.1\.confidence must be in \[0, 1\], was 2"):
        signals_of([BASE, {**BASE, "confidence": 2}])
    with pytest.raises(ValueError, match=r"signals\.0: .*unexpected keyword argument 'leverage'"):
        signals_of([{**BASE, "leverage": 2}])
    with pytest.raises(ValueError, match=r"signals\.0 must be a TacticalSignal, was 'BUY'"):
        signals_of(["BUY"])  # type: ignore[list-item]


def test_indicators_that_are_not_given_are_calm_and_named() -> None:
    plain, calm = indicators_of(CascadeIndicators(funding_rate=0.001, volume_ratio=3))
    assert plain == core.CascadeIndicators(funding_rate=0.001, volume_ratio=3.0)
    assert calm == ("oi_change_pct", "onchain_whale_pressure", "exchange_netflow_zscore")
    assert indicators_of({"funding_rate": 0.001})[0] == core.CascadeIndicators(funding_rate=0.001)
    assert indicators_of(core.CascadeIndicators()) == (core.CascadeIndicators(), ())


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("funding_rate", 1.1, r"funding_rate must be in \[-1, 1\], was 1.1"),
        ("oi_change_pct", -1.1, r"oi_change_pct must be in \[-1, 1\]"),
        ("volume_ratio", -0.1, "volume_ratio must be >= 0, was -0.1"),
        ("onchain_whale_pressure", 2, r"onchain_whale_pressure must be in \[0, 1\], was 2"),
        ("exchange_netflow_zscore", 11.0, r"exchange_netflow_zscore must be in \[-10, 10\]"),
    ],
)
def test_an_indicator_out_of_range_is_refused_by_name(
    field: str, value: float, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        CascadeIndicators(**{field: value})
    with pytest.raises(ValueError, match="cascade_indicators." + sentence):
        indicators_of({field: value})


def test_indicators_of_another_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="cascade_indicators must be CascadeIndicators, was None"):
        indicators_of(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("price", ["1", True, math.inf, object()])
def test_a_price_that_is_not_a_number_is_refused_by_its_symbol(price: Any) -> None:
    with pytest.raises(ValueError, match=r"current_prices\.BTC must be"):
        prices_of("current_prices", {"ETH": 1.0, "BTC": price})


def test_prices_and_quantities_are_floats_and_a_missing_price_is_none() -> None:
    mixed: dict[str, Any] = {"A": 1, "B": np.float32(2.5), "C": None, "D": np.nan, "E": 0, "F": -1}
    assert prices_of("p", mixed) == {"A": 1.0, "B": 2.5, "C": None, "D": None, "E": 0.0, "F": -1.0}
    assert quantities("q", {"A": -1, "B": 0.0}) == {"A": -1.0, "B": 0.0}
    with pytest.raises(ValueError, match=r"q\.A must be finite, was nan"):
        quantities("q", {"A": math.nan})
    with pytest.raises(ValueError, match="p must map symbols to numbers"):
        prices_of("p", [1.0])  # type: ignore[arg-type]


def test_market_data_must_be_plain_json_values() -> None:
    assert json_values("market_data", {"spread": [1, None, "x"]})
    assert json_values("market_data", {"spread": np.float64(0.5)}) == {"spread": 0.5}
    with pytest.raises(ValueError, match=r"market_data\.when must be a number, text"):
        json_values("market_data", {"when": object()})
    with pytest.raises(ValueError, match="market_data must hold plain JSON values"):
        json_values("market_data", {"huge": 2**70})
