"""From a batch to columns: one canonical order, and what is rejected."""

import math
from dataclasses import replace
from itertools import permutations
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.signals import canonical_order, tabulate
from app.core.types import Action, Regime, Signal
from tests.strategies import NOW_NS, make_batch, make_signal, valid_signals

DAY_NS = 86_400_000_000_000


@settings(max_examples=50, deadline=None)
@given(st.lists(valid_signals(), max_size=8), st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_the_order_of_arrival(
    signals: list[Signal], random: Random
) -> None:
    shuffled = list(signals)
    random.shuffle(shuffled)
    assert canonical_order(shuffled) == canonical_order(signals)


@pytest.mark.parametrize(
    "change",
    [
        {"action": Action.SELL},
        {"confidence": 0.3},
        {"risk_score": 0.9},
        {"regime": Regime.CRISIS},
        {"timestamp_ns": NOW_NS - 1},
        {"expected_return": -0.01},
        {"expected_return": None},
        {"predicted_volatility": 0.06},
        {"predicted_volatility": None},
        {"signal_strength": 0.5},
        {"signal_strength": 0.0},
        {"sentiment_score": 0.5},
        {"sentiment_score": 0.0},
        {"sentiment_confidence": 0.5},
        {"sentiment_confidence": 0.0},
    ],
)
def test_duplicates_that_differ_in_one_field_alone_have_one_order(
    change: dict[str, object],
) -> None:
    one = make_signal()
    other = replace(one, **change)  # type: ignore[arg-type]
    assert canonical_order([one, other]) == canonical_order([other, one])
    both = [one, other, replace(one, symbol="AAPL"), replace(other, symbol="AAPL")]
    assert canonical_order(both) == canonical_order(both[::-1])


def test_none_zero_and_one_are_three_different_contents() -> None:
    values = (None, 0.0, 1.0)
    for signals in (
        [make_signal(expected_return=value) for value in values],
        [make_signal(signal_strength=value) for value in values],
        [make_signal(sentiment_score=value) for value in values],
        [make_signal(sentiment_confidence=value) for value in values],
    ):
        ordered = canonical_order(signals)
        assert all(canonical_order(list(way)) == ordered for way in permutations(signals))


def test_signals_are_sorted_by_symbol_then_strategy() -> None:
    names = [("B", "z"), ("A", "z"), ("B", "a"), ("A", "a")]
    signals = [make_signal(symbol=symbol, strategy_id=name) for symbol, name in names]
    ordered = [(s.symbol, s.strategy_id) for s in canonical_order(signals)]
    assert ordered == sorted(names)


def test_columns_name_their_symbols_and_strategies() -> None:
    signals = (
        make_signal(symbol="ETH-USD", strategy_id="z", action=Action.SELL, confidence=0.5),
        make_signal(symbol="BTC-USD", strategy_id="z", action=Action.HOLD, confidence=0.6),
        make_signal(symbol="ETH-USD", strategy_id="a", action=Action.STRONG_BUY),
        make_signal(symbol="SOL-USD", strategy_id="m", action=Action.STRONG_SELL),
    )
    batch = make_batch(*signals, prices={"SOL-USD": 3.0, "BTC-USD": 1.0, "ETH-USD": 2.0})
    table, rejected = tabulate(batch)
    assert rejected == ()
    assert table.signals == (signals[1], signals[2], signals[0], signals[3])
    assert table.symbols == ["BTC-USD", "ETH-USD", "SOL-USD"]
    assert table.strategies == ["a", "m", "z"]
    assert table.symbol_of.tolist() == [0, 1, 1, 2]
    assert table.strategy_of.tolist() == [2, 0, 2, 1]
    assert table.starts.tolist() == [0, 1, 3]
    assert table.direction.tolist() == [0.0, 1.0, -1.0, -1.0]
    assert table.confidence.tolist() == [0.6, 0.8, 0.5, 0.8]
    assert table.prices.tolist() == [1.0, 2.0, 3.0]


def test_what_a_signal_does_not_say_is_nan_in_its_column() -> None:
    silent = make_signal(expected_return=None, predicted_volatility=None)
    outspoken = make_signal(
        symbol="ETH-USD",
        expected_return=0.02,
        predicted_volatility=0.03,
        sentiment_score=0.7,
        sentiment_confidence=0.9,
    )
    table, _ = tabulate(make_batch(silent, outspoken))
    for column, value in [
        (table.expected_return, 0.02),
        (table.volatility, 0.03),
        (table.sentiment, 0.7),
        (table.sentiment_confidence, 0.9),
    ]:
        assert math.isnan(column[0])
        assert column[1] == value


def test_an_empty_batch_gives_empty_columns() -> None:
    table, rejected = tabulate(make_batch())
    assert rejected == ()
    assert table.symbols == table.strategies == []
    assert table.direction.shape == table.prices.shape == table.starts.shape == (0,)


def test_a_signal_without_a_price_is_rejected_by_its_place_and_the_rest_are_sized() -> None:
    batch = make_batch(
        make_signal(symbol="A"),
        make_signal(symbol="B"),
        make_signal(symbol="C"),
        prices={"A": 1.0, "C": 2.0},
    )
    table, (rejection,) = tabulate(batch)
    assert (rejection.index, rejection.symbol) == (1, "B")
    assert "price" in rejection.reason
    assert table.symbols == ["A", "C"]


@pytest.mark.parametrize(
    ("ahead_ns", "accepted"), [(DAY_NS, True), (DAY_NS + 1, False), (-(10**18), True)]
)
def test_a_timestamp_more_than_a_day_ahead_is_rejected(ahead_ns: int, accepted: bool) -> None:  # noqa: FBT001 - a case
    signal = make_signal(timestamp_ns=NOW_NS + ahead_ns)
    table, rejected = tabulate(make_batch(signal))
    assert (len(table.signals), len(rejected)) == ((1, 0) if accepted else (0, 1))
    if rejected:
        assert "24 h" in rejected[0].reason
        assert str(signal.timestamp_ns) in rejected[0].reason


@pytest.mark.parametrize(
    ("age_sec", "limit_sec", "accepted"),
    [
        (60, 60.0, True),
        (61, 60.0, False),
        (1, 0.5, False),
        (10**7, 0.0, True),
        (-5, 1.0, True),
    ],
)
def test_age_rejects_only_beyond_a_set_maximum(
    age_sec: int,
    limit_sec: float,
    accepted: bool,  # noqa: FBT001 - a case
) -> None:
    signal = make_signal(timestamp_ns=NOW_NS - age_sec * 10**9)
    table, rejected = tabulate(make_batch(signal), max_age_sec=limit_sec)
    assert (len(table.signals), len(rejected)) == ((1, 0) if accepted else (0, 1))
    if rejected:
        assert f"older than {limit_sec:g} s" in rejected[0].reason


def test_a_price_too_small_for_a_finite_quantity_is_rejected() -> None:
    signal = make_signal()
    _, (rejection,) = tabulate(make_batch(signal, prices={"BTC-USD": 1e-306}))
    assert "too small" in rejection.reason
    table, none = tabulate(make_batch(signal, prices={"BTC-USD": 1e-300}))
    assert none == ()
    assert np.isfinite(table.prices).all()
