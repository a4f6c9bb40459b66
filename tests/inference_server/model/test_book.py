"""The book of a request: what the strategies claim, symbol by symbol."""

from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference_server.model.book import Claims, book_of_arrays, gather_book, select_symbols
from inference_server.model.features import Book
from inference_server.model.rows import Action, SignalRow
from inference_server.model.volatility import ewma_volatility
from tests.inference_server.model.books import history, market, row


def columns(book: Book) -> dict[str, Any]:
    return {each.name: getattr(book, each.name) for each in fields(book)}


def test_signals_are_grouped_by_symbol_and_the_first_speaks_for_it() -> None:
    first = row(symbol="B", baseline_pct=0.1, current_pct=0.05)
    gathered = gather_book(
        [
            first,
            row(symbol="A", baseline_pct=-0.02, returns=history(1, 20)),
            row(symbol="B", baseline_pct=0.9, current_pct=0.9, returns=history(2)),
        ]
    )
    assert gathered.symbol_of_row == [0, 1, 0]
    assert gathered.first_rows[0] is first
    assert gathered.book.baseline.tolist() == [0.1, -0.02]
    assert gathered.book.current.tolist() == [0.05, 0.02]
    assert gathered.book.returns[0].tolist() == history(7).tolist()


def test_short_histories_are_led_by_zeros_and_what_is_absent_is_zero() -> None:
    gathered = gather_book([row(returns=history(1, 20), baseline_pct=None, current_pct=None)])
    assert gathered.book.returns.dtype == np.float64
    assert gathered.book.returns[0, :236].tolist() == [0.0] * 236
    assert gathered.book.returns[0, 236:].tolist() == history(1, 20).tolist()
    assert (gathered.book.baseline[0], gathered.book.current[0]) == (0.0, 0.0)


def test_claims_on_a_symbol_are_joined_as_written_down() -> None:
    shared = row(baseline_pct=0.05)
    buys = [
        replace(shared, confidence=0.5, expected_return=0.002, predicted_volatility=0.02),
        replace(shared, confidence=0.8, expected_return=0.003, predicted_volatility=0.04),
    ]
    sell = replace(
        shared,
        action=Action.STRONG_SELL,
        confidence=0.2,
        expected_return=0.004,
        predicted_volatility=0.01,
    )
    book = gather_book([*buys, sell]).book
    # by hand: 0.25 x 0.5 x 0.002 / 0.0004, against 0.25 x 0.8 x 0.003 / 0.0016
    assert book.long_size[0] == pytest.approx(0.625, rel=1e-12)
    assert book.short_size[0] == pytest.approx(2.0, rel=1e-12)
    # 0.8 x 0.003 / 0.04 on the baseline's side; the sell's 0.08 is on the other
    assert book.edge[0] == pytest.approx(0.06, rel=1e-12)
    assert book.agreement[0] == pytest.approx(1 / 3, rel=1e-12)
    assert book.confidence[0] == pytest.approx(0.5, rel=1e-12)


def test_edge_and_agreement_are_seen_from_the_side_of_a_short_baseline() -> None:
    sell = row(action=Action.SELL, baseline_pct=-0.05)
    book = gather_book([sell, replace(sell, action=Action.BUY, confidence=0.3), sell]).book
    assert book.agreement[0] == pytest.approx(1 / 3, rel=1e-12)
    assert book.edge[0] == pytest.approx(0.6 * 0.001 / 0.01, rel=1e-12)


def test_a_hold_claims_nothing() -> None:
    shared = row()
    hold = replace(shared, action=Action.HOLD, confidence=1.0, expected_return=1.0)
    for name, value in columns(gather_book([hold, shared]).book).items():
        np.testing.assert_array_equal(value, columns(gather_book([shared]).book)[name])
    alone = gather_book([hold]).book
    claims = [alone.long_size, alone.short_size, alone.edge, alone.agreement, alone.confidence]
    assert [float(claim[0]) for claim in claims] == [0.0] * 5


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({"expected_return": None}, 0.0),
        ({"expected_return": -0.5}, 0.0),
        ({"confidence": 0.0}, 0.0),
        ({"predicted_volatility": 1e-200}, 0.0),
        ({"predicted_volatility": 1e200}, 0.0),
        ({"predicted_volatility": None, "returns": np.zeros(0, np.float32)}, 0.0),
        ({"predicted_volatility": 1e-160}, np.inf),
    ],
)
def test_what_makes_no_size_is_no_claim(changes: dict[str, Any], size: float) -> None:
    assert gather_book([row(**changes)]).book.long_size.tolist() == [size]


def test_a_missing_volatility_is_that_of_the_returns() -> None:
    returns = history(3)
    claimed = float(ewma_volatility(returns.astype(np.float64)[None, :])[0])
    silent, spoken = (
        gather_book([row(returns=returns, predicted_volatility=volatility)]).book
        for volatility in (None, claimed)
    )
    assert silent.long_size[0] == spoken.long_size[0] > 0.0
    assert silent.edge[0] == spoken.edge[0] > 0.0


def test_no_signals_make_an_empty_book() -> None:
    gathered = gather_book([])
    assert gathered.book.returns.shape == (0, 256)
    assert gathered.symbol_of_row == []


def test_symbols_can_be_taken_out() -> None:
    gathered = gather_book(market(1, 4))
    for name, value in columns(select_symbols(gathered.book, [3, 1])).items():
        np.testing.assert_array_equal(value, columns(gathered.book)[name][[3, 1]])


def arrays_of(rows: list[SignalRow], symbols: int, strategies: int) -> Book:
    """Lay the rows out as training has them: symbols by strategies, NaN where nothing is said."""
    claimed = np.full((4, symbols, strategies), np.nan)
    for place, asked in enumerate(rows):
        symbol, strategy = divmod(place, strategies)
        claim = (
            asked.direction,
            asked.confidence,
            asked.expected_return,
            asked.predicted_volatility,
        )
        claimed[:, symbol, strategy] = np.array(claim, np.float64)
    firsts = rows[::strategies]
    return book_of_arrays(
        np.stack([asked.returns for asked in firsts]).astype(np.float64),
        np.array([asked.baseline_pct for asked in firsts]),
        np.array([asked.current_pct for asked in firsts]),
        Claims(*claimed),
    )


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    symbols=st.integers(1, 6),
    strategies=st.integers(1, 4),
    order=st.randoms(use_true_random=False),
)
def test_training_makes_the_same_book_of_arrays(
    seed: int, symbols: int, strategies: int, order: Any
) -> None:
    rows = market(seed, symbols, strategies)
    expected = columns(arrays_of(rows, symbols, strategies))
    shuffled = rows[:]
    order.shuffle(shuffled)
    gathered = gather_book(shuffled)
    places = [int(asked.symbol[1:]) for asked in gathered.first_rows]
    for name, value in columns(gathered.book).items():
        np.testing.assert_allclose(value, expected[name][places], rtol=1e-12, atol=1e-12)


def test_training_reads_returns_as_the_wire_carries_them() -> None:
    returns = np.full((1, 256), 0.1)
    claims = Claims(*(np.full((1, 1), np.nan) for _ in range(4)))
    book = book_of_arrays(returns, np.ones(1), np.zeros(1), claims)
    assert book.returns[0, 0] == float(np.float32(0.1))
    assert (book.agreement[0], book.confidence[0], book.edge[0]) == (0.0, 0.0, 0.0)
