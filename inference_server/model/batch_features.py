"""Build the books and features of several requests in few array operations.

On one symbol an array operation is nearly all overhead: the features of sixteen requests of one
symbol cost little more than those of one. Requests stay apart: the same symbol in two requests
is two symbols, and symbols of different requests are no neighbours.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from inference_server.model.book import GatheredBook, gather_book
from inference_server.model.features import (
    CHANNELS,
    FEATURES,
    MIN_NEIGHBOURS,
    NEIGHBOURS,
    Book,
    build_features,
)
from inference_server.model.rows import SignalRow

FeatureArrays = tuple[NDArray[np.float32], NDArray[np.float32]]

_NEIGHBOURS: Final = [FEATURES.index(name) for name in NEIGHBOURS]
_MARKET: Final = CHANNELS.index("market")


def gather_batch_books(requests: Sequence[Sequence[SignalRow]]) -> list[GatheredBook]:
    """Group the signals of each request by symbol, as `gather_book` does for one.

    Parameters
    ----------
    requests : sequence of sequences of SignalRow

    Returns
    -------
    list of GatheredBook, one of each request
        The names of symbols in ``first_rows`` are made up here.
    """
    if len(requests) == 1:
        return [gather_book(requests[0])]
    joined = gather_book(
        [
            replace(row, symbol=f"{number} {row.symbol}")
            for number, rows in enumerate(requests)
            for row in rows
        ]
    )
    parts: list[GatheredBook] = []
    first_row = first_symbol = 0
    for rows in requests:
        symbols = joined.symbol_of_row[first_row : first_row + len(rows)]
        end = max(symbols, default=first_symbol - 1) + 1
        part = slice(first_symbol, end)
        parts.append(
            GatheredBook(
                Book(*(getattr(joined.book, name)[part] for name in Book.__slots__)),
                joined.volatility[part],
                [index - first_symbol for index in symbols],
                joined.first_rows[part],
            )
        )
        first_row, first_symbol = first_row + len(rows), end
    return parts


def build_batch_features(books: Sequence[Book]) -> FeatureArrays:
    """Build the features of each book and join them; see `build_features` for one.

    Parameters
    ----------
    books : sequence of Book, at least one

    Returns
    -------
    features : ndarray of shape (n, len(FEATURES)), float32
    path : ndarray of shape (n, 64, len(CHANNELS)), float32
        Of all their n symbols; equal to those of each book alone but for rounding.
    """
    if len(books) == 1:
        return build_features(books[0])
    sizes = [len(book.baseline) for book in books]
    small = [index for index, size in enumerate(sizes) if size < MIN_NEIGHBOURS]
    if len(small) == len(books):
        return _build_small(books)
    built: dict[int, FeatureArrays] = {
        index: build_features(books[index])
        for index, size in enumerate(sizes)
        if size >= MIN_NEIGHBOURS
    }
    if small:
        features, paths = _build_small([books[index] for index in small])
        begin = 0
        for index in small:
            end = begin + sizes[index]
            built[index] = features[begin:end], paths[begin:end]
            begin = end
    all_features, all_paths = zip(*(built[index] for index in range(len(books))), strict=True)
    return np.concatenate(all_features), np.concatenate(all_paths)


def _build_small(books: Sequence[Book]) -> FeatureArrays:
    """Build the features of books that are too small for neighbours, in one call."""
    names = Book.__slots__
    joined = Book(*(np.concatenate([getattr(book, name) for book in books]) for name in names))
    features, path = build_features(joined)
    # these were computed across requests
    features[:, _NEIGHBOURS] = 0.0
    path[:, :, _MARKET] = 0.0
    return features, path
