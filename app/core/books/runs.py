"""What is too far from what is believed, and the run of observations that makes it believed."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from app.core.types import BoolArray, FloatArray

# A feed that is wrong repeats itself within milliseconds; three agreeing observations over a
# minute are seldom its fault.
RUN_LENGTH: Final = 3
RUN_SPAN_NS: Final = 60 * 1_000_000_000
RUN_WIDTH: Final = 1.20
# What lies on a bound is believed: fractions such as 0.7 have no exact complement in binary.
_ON_THE_BOUND: Final = 1e-12


def is_price_jump(price: float, last: float, jump_from: float) -> bool:
    r"""Return whether a price is too far from the last believed one to be believed.

    .. math:: p < (1 - f) p_0 \quad \text{or} \quad p > p_0 / (1 - f)

    Parameters
    ----------
    price, last : float, USD a unit, > 0
    jump_from : float, fraction f in [0, 1)
        0 (or anything outside) finds none; what lies on a bound is none.
    """
    if not 0.0 < jump_from < 1.0:
        return False
    least, most = _bounds(jump_from)
    return price < least * last or price > most * last


def price_jump_mask(prices: FloatArray, last: FloatArray, jump_from: float) -> BoolArray:
    """Return where :func:`is_price_jump` holds, shape (n,); False where ``last`` is NaN."""
    if not 0.0 < jump_from < 1.0:
        return np.zeros(len(prices), dtype=np.bool_)
    least, most = _bounds(jump_from)
    with np.errstate(over="ignore"):
        outside: BoolArray = (prices < least * last) | (prices > most * last)
    return outside


def _bounds(jump_from: float) -> tuple[float, float]:
    rest = 1.0 - jump_from
    return rest * (1.0 - _ON_THE_BOUND), (1.0 + _ON_THE_BOUND) / rest


@dataclass(frozen=True, slots=True)
class Run:
    """Observations in a row that agree with each other and not with what is believed.

    Attributes
    ----------
    count : int
    least, most : float
        Smallest and largest of them, in their own unit, > 0.
    last : float
        The newest one.
    first_ns, last_ns : int
        Stamps of the first and of the newest one.
    """

    count: int
    least: float
    most: float
    last: float
    first_ns: int
    last_ns: int

    @property
    def confirmed(self) -> bool:
        """Whether the newest observation is to be believed now."""
        return self.count >= RUN_LENGTH and self.last_ns - self.first_ns >= RUN_SPAN_NS

    def scaled(self, ratio: float) -> Self:
        """Return the run with every value divided by a ratio > 0."""
        values = self.least / ratio, self.most / ratio, self.last / ratio
        return type(self)(self.count, *values, self.first_ns, self.last_ns)

    def export(self) -> list[Any]:
        """Return the run as JSON-able data, exact."""
        return [self.count, self.least, self.most, self.last, self.first_ns, self.last_ns]

    @classmethod
    def restore(cls, data: list[Any] | None) -> "Run | None":
        """Rebuild from :meth:`export`'s form; None stays None."""
        return None if data is None else cls(*data)


def extend_run(run: Run | None, value: float, at_ns: int) -> Run:
    """Return the run with one more observation that disagrees with what is believed.

    Parameters
    ----------
    run : Run or None
        None before the first of them.
    value : float, > 0
    at_ns : int
        Its stamp; one that is not newer than the run's newest changes nothing.

    Returns
    -------
    Run
        A new one of this observation alone where it does not agree with the others.
    """
    if run is not None and at_ns <= run.last_ns:
        return run
    if run is not None:
        least, most = min(run.least, value), max(run.most, value)
        if most <= RUN_WIDTH * (1.0 + _ON_THE_BOUND) * least:
            return Run(run.count + 1, least, most, value, run.first_ns, at_ns)
    return Run(1, value, value, value, at_ns, at_ns)
