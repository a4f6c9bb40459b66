"""Columns of a panel that are no instruments of their own, seen by their numbers alone."""

import math
from collections.abc import Iterator
from typing import Final

import numpy as np

from app.core.types import FloatArray
from app.history.prices import PricePanel

# a day's high over its low is rarely further apart in the middle of a history
FIELDS_WITHIN: Final = 1.2
FIELDS_FROM_DAYS: Final = 60
_FIELDS: Final = 4


def find_same_closes(panel: PricePanel) -> Iterator[tuple[str, str]]:
    """Yield each symbol that has the closes of an earlier one to the last bit, earlier one first.

    Columns without any close are not compared.
    """
    first: dict[bytes, str] = {}
    for symbol, closes in zip(panel.symbols, panel.closes.T, strict=True):
        if not np.isfinite(closes).any():
            continue
        earlier = first.setdefault(closes.tobytes(), symbol)
        if earlier != symbol:
            yield earlier, symbol


def find_fields(panel: PricePanel) -> tuple[str, ...]:
    """Return four neighbouring columns that behave as open, high, low and close of one instrument.

    Of those one is the highest on every day, another the lowest, and they stay within a fifth of
    each other. Names play no part, so that headers in any language count.

    Returns
    -------
    tuple of str, length 4 or 0
        The first such columns.
    """
    for start in range(len(panel.symbols) - _FIELDS + 1):
        if _are_fields(panel.closes[:, start : start + _FIELDS]):
            return panel.symbols[start : start + _FIELDS]
    return ()


def _are_fields(closes: FloatArray) -> bool:
    known = closes[np.isfinite(closes).all(axis=1)]
    if len(known) < FIELDS_FROM_DAYS:
        return False
    high, low = known.max(axis=1), known.min(axis=1)
    highest = (known == high[:, np.newaxis]).all(axis=0)
    lowest = (known == low[:, np.newaxis]).all(axis=0)
    within = float(np.median(np.log(high) - np.log(low))) < math.log(FIELDS_WITHIN)
    # four equal columns are copies, not fields
    return bool(within and highest.any() and lowest.any() and (high > low).any())
