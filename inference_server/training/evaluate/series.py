"""Check series: no statistic takes NaN, infinities or a wrong shape."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
# first row and the row after the last
Span = tuple[int, int]

# a spread below this share of the largest value is rounding, not movement
ROUNDING: Final = 1e-12


class UnusableSeries(ValueError):
    """A series has a gap, a wrong shape, or loses everything."""


def require_finite(name: str, values: ArrayLike, least: int = 2) -> FloatArray:
    """Return the values as one float series, or refuse.

    Parameters
    ----------
    name : str
        Begins the message.
    values : array_like of shape (n,)
    least : int
        Smallest n.

    Returns
    -------
    ndarray of shape (n,), float64

    Raises
    ------
    UnusableSeries
        If it has another shape, fewer values, or one that is NaN or infinite (named by place).
    """
    series: FloatArray = np.asarray(values, dtype=np.float64)
    if series.ndim != 1 or series.size < least:
        raise UnusableSeries(f"{name} must have shape (n,), n >= {least}, was {series.shape}")
    bad = np.flatnonzero(~np.isfinite(series))
    if bad.size:
        raise UnusableSeries(f"{name} must be finite, was {series[bad[0]]} at {bad[0]}")
    return series


def require_returns(name: str, values: ArrayLike, least: int = 2) -> FloatArray:
    """Return the values as simple returns that can be compounded, each > -1, or refuse.

    Raises
    ------
    UnusableSeries
        As :func:`require_finite`, or if a return is -1 or less.
    """
    series = require_finite(name, values, least)
    if series.size and float(series.min()) <= -1.0:
        where = int(np.argmin(series))
        raise UnusableSeries(f"{name} must be > -1, was {series[where]} at {where}")
    return series


def require_paired(names: tuple[str, str], first: ArrayLike, second: ArrayLike) -> FloatArray:
    """Stack two series of the same days as columns, shape (n, 2), or refuse.

    Raises
    ------
    UnusableSeries
        As :func:`require_finite`, or if the lengths differ.
    """
    left, right = require_finite(names[0], first), require_finite(names[1], second)
    if left.size != right.size:
        raise UnusableSeries(
            f"{names[1]} must have as many days as {names[0]}, {left.size}, was {right.size}"
        )
    return np.column_stack([left, right])


def require_spans(spans: Sequence[Span], rows: int) -> None:
    """Refuse spans (start, stop) that are empty, overlap, go back, or leave the rows.

    Raises
    ------
    UnusableSeries
        At the first such span.
    """
    end = 0
    for start, stop in spans:
        if not end <= start < stop <= rows:
            raise UnusableSeries(
                f"spans must ascend without overlap within {rows} rows, was ({start}, {stop})"
            )
        end = stop
