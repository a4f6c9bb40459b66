"""Group the signals of one request by symbol, and make the same book of arrays for training.

Returns, baseline and current weight of a symbol are those of its first signal. The claims of
strategies are joined from all of its signals; HOLD claims nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference_server.model.features import WINDOW, Array, Book
from inference_server.model.rows import SignalRow
from inference_server.model.volatility import ewma_volatility

Indices = NDArray[np.intp]

_KELLY_FRACTION: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class GatheredBook:
    """The symbols of one request, in the order in which its rows name them first.

    Attributes
    ----------
    book : Book of n symbols
    volatility : ndarray of shape (n,), per interval, >= 0
        EWMA volatility of each symbol's returns; 0 where none moved.
    symbol_of_row : list of n_rows indices into the symbols
    first_rows : list of n SignalRow
        The first row of each symbol.
    """

    book: Book
    volatility: Array
    symbol_of_row: list[int]
    first_rows: list[SignalRow]


@dataclass(frozen=True, slots=True, eq=False)
class Claims:
    """Claims of up to k strategies on each of n symbols; shape (n, k), NaN where there is none.

    Attributes
    ----------
    direction : +1 for a buy, -1 for a sell; 0 or NaN is no signal
    confidence : in [0, 1]
    expected : simple return of the trade per horizon
        NaN claims no return.
    volatility : per horizon, > 0
        NaN takes the EWMA volatility of the symbol's returns.
    """

    direction: Array
    confidence: Array
    expected: Array
    volatility: Array


def gather_book(rows: Sequence[SignalRow]) -> GatheredBook:
    """Group the signals of one request by symbol.

    Parameters
    ----------
    rows : sequence of SignalRow
        In any order; a symbol's name has no other use than to group.

    Returns
    -------
    GatheredBook
        A missing baseline or current weight is 0; short histories are led by zeros.
    """
    index_of: dict[str, int] = {}
    symbol_of_row = [index_of.setdefault(row.symbol, len(index_of)) for row in rows]
    first_rows: list[SignalRow] = []
    for symbol, row in zip(symbol_of_row, rows, strict=True):
        if symbol == len(first_rows):
            first_rows.append(row)
    returns = np.zeros((len(first_rows), WINDOW))
    for line, row in zip(returns, first_rows, strict=True):
        line[WINDOW - row.returns.size :] = row.returns
    volatility = ewma_volatility(returns)
    claimed = [
        (symbol, row) for symbol, row in zip(symbol_of_row, rows, strict=True) if row.direction
    ]
    book = _join_claims(
        np.array([symbol for symbol, _ in claimed], np.intp),
        _claims_of([row for _, row in claimed]),
        volatility,
        returns=returns,
        baseline=np.array([row.baseline_pct or 0.0 for row in first_rows], np.float64),
        current=np.array([row.current_pct or 0.0 for row in first_rows], np.float64),
    )
    return GatheredBook(book, volatility, symbol_of_row, first_rows)


def book_of_arrays(returns: Array, baseline: Array, current: Array, claims: Claims) -> Book:
    """Return the book of a request with the same content.

    Parameters
    ----------
    returns : ndarray of shape (n, 256), simple returns
        Oldest first, led by zeros; rounded to float32, as the wire carries them.
    baseline, current : ndarray of shape (n,), signed fraction of portfolio value
    claims : Claims on n symbols

    Returns
    -------
    Book of n symbols
    """
    sent = returns.astype(np.float32).astype(np.float64)
    symbols, strategies = np.nonzero(np.nan_to_num(claims.direction))
    claimed = Claims(
        claims.direction[symbols, strategies],
        claims.confidence[symbols, strategies],
        claims.expected[symbols, strategies],
        claims.volatility[symbols, strategies],
    )
    return _join_claims(
        symbols,
        claimed,
        ewma_volatility(sent),
        returns=sent,
        baseline=baseline.astype(np.float64),
        current=current.astype(np.float64),
    )


def select_symbols(book: Book, indices: Sequence[int]) -> Book:
    """Return a book of some of the symbols.

    Parameters
    ----------
    book : Book of n symbols
    indices : sequence of k numbers below n

    Returns
    -------
    Book of k symbols
    """
    return Book(*(getattr(book, name)[indices] for name in Book.__slots__))


def _claims_of(rows: Sequence[SignalRow]) -> Claims:
    columns = np.array(
        [
            (row.direction, row.confidence, row.expected_return, row.predicted_volatility)
            for row in rows
        ],
        np.float64,  # None becomes NaN
    )
    return Claims(*columns.reshape(-1, 4).T)


def _join_claims(
    symbols: Indices,
    claims: Claims,
    ewma: Array,
    *,
    returns: Array,
    baseline: Array,
    current: Array,
) -> Book:
    """Join m claims, each of one strategy on one of the ``symbols``, by symbol."""
    direction, n = claims.direction, len(baseline)
    side = np.where(baseline < 0.0, -1.0, 1.0)
    count = np.maximum(np.bincount(symbols, minlength=n), 1)
    sigma = np.where(np.isnan(claims.volatility), ewma[symbols], claims.volatility)
    claim = claims.confidence * np.nan_to_num(claims.expected)
    with np.errstate(over="ignore"):  # a size or an edge may be infinite; the features bound them
        size = _ratio(_KELLY_FRACTION * claim, np.square(sigma))
        edge = _ratio(claim, sigma)
    return Book(
        returns=returns,
        baseline=baseline,
        current=current,
        long_size=_largest(size, symbols, n, direction > 0.0),
        short_size=_largest(size, symbols, n, direction < 0.0),
        edge=_largest(edge, symbols, n, direction == side[symbols]),
        agreement=np.bincount(symbols, direction, n) / count * side,
        confidence=np.bincount(symbols, claims.confidence, n) / count,
    )


def _ratio(claim: Array, risk: Array) -> Array:
    """Return claim over risk; 0 where the risk is 0 or underflows."""
    ratio: Array = np.divide(claim, risk, out=np.zeros_like(claim), where=risk > 0.0)
    return ratio


def _largest(values: Array, symbols: Indices, n: int, among: NDArray[np.bool_]) -> Array:
    """Return the largest marked value of each symbol; 0 where none is above 0."""
    largest = np.zeros(n)
    np.maximum.at(largest, symbols[among], values[among])
    return largest
