"""`Tape`: Phase 2 of one record day by day, its signals, and the features made of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Dates = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True, eq=False)
class Tape:
    """One record, ready to train on: T decision days, N symbols, K strategies.

    Attributes
    ----------
    name : str
    dates : ndarray of shape (T,), datetime64[D]
    features : ndarray of shape (T, N, F), float32
    path : ndarray of shape (T, N, 64, C), float16
    usable : bool ndarray of shape (T, N)
        Where the symbol has history enough for the model.
    baseline : ndarray of shape (T, N), signed fraction of portfolio value
        Phase 2 at cascade multiplier 1, before smoothing.
    share : ndarray of shape (T, N, K), part of a symbol that a strategy owns
    ahead : ndarray of shape (T, N), simple return to the next day; 0 where there is none
    past : ndarray of shape (T, N), simple return from the day before; 0 likewise
    squares : ndarray of shape (T, N), mean squared return of the next 10 days
        NaN where unknown, and where no price moved.
    ewma : ndarray of shape (T, N), EWMA(0.94) variance as of the day, NaN before any move
    leaning : ndarray of shape (T, N), fraction of portfolio value
        Sum of uncapped Phase 1 sizes, longs less shorts, shorts counted even where they are off.
    claims : ndarray of shape (T, N, K), signed fraction of portfolio value
        Phase 1 size of each signal with its direction; NaN where there is none.
    settings : dict
        Caps and sides of the record, as the service had them.
    key : str
        Digest of the record and of the code that made the features.
    """

    name: str
    dates: Dates
    features: NDArray[np.float32]
    path: NDArray[np.float16]
    usable: NDArray[np.bool_]
    baseline: Array
    share: Array
    ahead: Array
    past: Array
    squares: Array
    ewma: Array
    leaning: Array
    claims: Array
    settings: dict[str, Any]
    key: str = ""

    def row_of(self, day: str) -> int:
        """Return the first row on or after a day."""
        return int(np.searchsorted(self.dates, np.datetime64(day, "D")))
