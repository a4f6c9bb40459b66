"""From the signals of one request to its book by symbol; training makes the same of arrays.

The first signal of a symbol speaks for it: for its returns, its baseline, its current weight. What
strategies claim of it is joined from all of its signals. HOLD claims nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference_server.model.features import WINDOW, Array, Book
from inference_server.model.rows import SignalRow
from inference_server.model.volatility import ewma_volatility

Places = NDArray[np.intp]

_KELLY_FRACTION: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class GatheredBook:
    """The symbols of one request, in the order in which its rows name them first.

    Attributes
    ----------
    book : Book of n symbols
    volatility : ndarray of shape (n,), per interval, >= 0
        EWMA volatility of each symbol's returns; 0 where none moved.
    symbol_of_row : list of n_rows places among the symbols
    first_rows : list of n SignalRow
        The row that speaks for each symbol.
    """

    book: Book
    volatility: Array
    symbol_of_row: list[int]
    first_rows: list[SignalRow]


@dataclass(frozen=True, slots=True, eq=False)
class Claims:
    """What up to k strategies say of each of n symbols; all of shape (n, k), NaN is nothing said.

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
        In any order; a symbol's name only tells it from the others.

    Returns
    -------
    GatheredBook
        Without a baseline or a current weight it is 0; short histories are led by zeros.
    """
    place_of: dict[str, int] = {}
    symbol_of_row = [place_of.setdefault(row.symbol, len(place_of)) for row in rows]
    first_rows: list[SignalRow] = []
    for place, row in zip(symbol_of_row, rows, strict=True):
        if place == len(first_rows):
            first_rows.append(row)
    returns = np.zeros((len(first_rows), WINDOW))
    for line, row in zip(returns, first_rows, strict=True):
        line[WINDOW - row.returns.size :] = row.returns
    volatility = ewma_volatility(returns)
    spoken = [(place, row) for place, row in zip(symbol_of_row, rows, strict=True) if row.direction]
    book = _joined(
        np.array([place for place, _ in spoken], np.intp),
        _told([row for _, row in spoken]),
        volatility,
        returns=returns,
        baseline=np.array([row.baseline_pct or 0.0 for row in first_rows], np.float64),
        current=np.array([row.current_pct or 0.0 for row in first_rows], np.float64),
    )
    return GatheredBook(book, volatility, symbol_of_row, first_rows)


def book_of_arrays(returns: Array, baseline: Array, current: Array, claims: Claims) -> Book:
    """Make the book that a request of the same content makes.

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
    spoken = Claims(
        claims.direction[symbols, strategies],
        claims.confidence[symbols, strategies],
        claims.expected[symbols, strategies],
        claims.volatility[symbols, strategies],
    )
    return _joined(
        symbols,
        spoken,
        ewma_volatility(sent),
        returns=sent,
        baseline=baseline.astype(np.float64),
        current=current.astype(np.float64),
    )


def take_symbols(book: Book, places: Sequence[int]) -> Book:
    """Leave only some symbols in a book.

    Parameters
    ----------
    book : Book of n symbols
    places : sequence of k numbers below n

    Returns
    -------
    Book of k symbols
    """
    return Book(*(getattr(book, name)[places] for name in Book.__slots__))


def _told(rows: Sequence[SignalRow]) -> Claims:
    columns = np.array(
        [
            (row.direction, row.confidence, row.expected_return, row.predicted_volatility)
            for row in rows
        ],
        np.float64,  # None becomes NaN
    )
    return Claims(*columns.reshape(-1, 4).T)


def _joined(
    symbols: Places,
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
    """Divide; a claim without a risk, or with one that underflows, is worth 0."""
    ratio: Array = np.divide(claim, risk, out=np.zeros_like(claim), where=risk > 0.0)
    return ratio


def _largest(values: Array, symbols: Places, n: int, among: NDArray[np.bool_]) -> Array:
    """Find the largest of each symbol among the marked values; 0 without one above it."""
    largest = np.zeros(n)
    np.maximum.at(largest, symbols[among], values[among])
    return largest
