"""Books and features of several requests at once: the same numbers, in fewer calls.

On one symbol an array operation is all call and no arithmetic: the features of sixteen requests
of one symbol cost little more than those of one. Requests stay apart: a symbol of one is no symbol
of another, and nobody is a neighbour of what another caller asks for.
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
    LEAST_NEIGHBOURS,
    NEIGHBOURS,
    Book,
    build_features,
)
from inference_server.model.rows import SignalRow

Built = tuple[NDArray[np.float32], NDArray[np.float32]]

_NEIGHBOURS: Final = [FEATURES.index(name) for name in NEIGHBOURS]
_MARKET: Final = CHANNELS.index("market")


def gather_books(requests: Sequence[Sequence[SignalRow]]) -> list[GatheredBook]:
    """Group the signals of each request by symbol, as `gather_book` does for one.

    Parameters
    ----------
    requests : sequence of sequences of SignalRow

    Returns
    -------
    list of GatheredBook, one of each request
        The rows that speak for symbols carry names made up here.
    """
    if len(requests) == 1:
        return [gather_book(requests[0])]
    everyone = gather_book(
        [
            replace(row, symbol=f"{number} {row.symbol}")
            for number, rows in enumerate(requests)
            for row in rows
        ]
    )
    parts: list[GatheredBook] = []
    first_row = first_symbol = 0
    for rows in requests:
        places = everyone.symbol_of_row[first_row : first_row + len(rows)]
        end = max(places, default=first_symbol - 1) + 1
        mine = slice(first_symbol, end)
        parts.append(
            GatheredBook(
                Book(*(getattr(everyone.book, name)[mine] for name in Book.__slots__)),
                everyone.volatility[mine],
                [place - first_symbol for place in places],
                everyone.first_rows[mine],
            )
        )
        first_row, first_symbol = first_row + len(rows), end
    return parts


def build_each(books: Sequence[Book]) -> Built:
    """Build the features of each book, as `build_features` does for one, and lay them end to end.

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
    small = [place for place, size in enumerate(sizes) if size < LEAST_NEIGHBOURS]
    if len(small) == len(books):
        return _build_small(books)
    built: dict[int, Built] = {
        place: build_features(books[place])
        for place, size in enumerate(sizes)
        if size >= LEAST_NEIGHBOURS
    }
    if small:
        features, paths = _build_small([books[place] for place in small])
        begin = 0
        for place in small:
            end = begin + sizes[place]
            built[place] = features[begin:end], paths[begin:end]
            begin = end
    all_features, all_paths = zip(*(built[place] for place in range(len(books))), strict=True)
    return np.concatenate(all_features), np.concatenate(all_paths)


def _build_small(books: Sequence[Book]) -> Built:
    """Build the features of books that are too small for neighbours, in one call."""
    names = Book.__slots__
    joined = Book(*(np.concatenate([getattr(book, name) for book in books]) for name in names))
    features, path = build_features(joined)
    # what was made of strangers
    features[:, _NEIGHBOURS] = 0.0
    path[:, :, _MARKET] = 0.0
    return features, path
