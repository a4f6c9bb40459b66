"""From a batch to columns: one canonical order, and what is rejected."""

import math
from dataclasses import replace
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.signals import Screen, canonical_order, signal_faults, tabulate, usable_prices
from app.core.types import Action, Regime, Signal
from tests.strategies import NOW_NS, make_batch, make_signal, valid_signals


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


def test_signals_on_an_idle_symbol_are_kept_and_want_no_direction() -> None:
    batch = make_batch(make_signal(symbol="A"), make_signal(symbol="B"), prices={"A": 1.0})
    table, rejected = tabulate(batch, Screen({"A": 1.0}, idle={"B"}))
    assert rejected == ()
    assert table.direction.tolist() == [1.0, 0.0]
    assert math.isnan(table.prices[1])


def test_signals_that_are_refused_for_themselves_say_why() -> None:
    batch = make_batch(make_signal(symbol="A"), make_signal(symbol="B"))
    table, (rejection,) = tabulate(batch, Screen({"A": 1.0, "B": 1.0}, refused={1: "too late"}))
    assert (rejection.index, rejection.symbol, rejection.reason) == (1, "B", "too late")
    assert table.symbols == ["A"]


@pytest.mark.parametrize("price", [None, 0.0, -1.0, math.inf, math.nan])
def test_a_price_is_usable_where_it_is_finite_and_above_zero(price: float | None) -> None:
    assert usable_prices({"A": price, "B": 5e-324}) == {"B": 5e-324}


@pytest.mark.parametrize(("ahead_sec", "refused"), [(60, False), (61, True), (-(10**9), False)])
def test_a_timestamp_beyond_the_doors_bound_is_refused_and_says_by_how_much(
    ahead_sec: int,
    refused: bool,  # noqa: FBT001 - a case
) -> None:
    signal = make_signal(timestamp_ns=NOW_NS + ahead_sec * 10**9)
    faults = signal_faults(make_batch(signal, stamps_until_ns=NOW_NS + 60 * 10**9), 0.0, {})
    assert bool(faults) is refused
    if refused:
        assert "61 s ahead of the clock, at most 60 s" in faults[0]


def test_without_a_door_no_timestamp_is_ahead() -> None:
    assert signal_faults(make_batch(make_signal(timestamp_ns=2**62)), 0.0, {}) == {}


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
    faults = signal_faults(make_batch(signal), limit_sec, {})
    assert bool(faults) is not accepted
    if faults:
        assert f"older than {limit_sec:g} s" in faults[0]


def test_a_price_too_small_for_a_finite_quantity_is_rejected() -> None:
    batch = make_batch(make_signal())
    assert "too small" in signal_faults(batch, 0.0, {"BTC-USD": 1e-306})[0]
    assert signal_faults(batch, 0.0, {"BTC-USD": 1e-300}) == {}
