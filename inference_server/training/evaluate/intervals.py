"""Fit the width of 80 % intervals on the past, and measure their coverage afterwards."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from inference_server.training.evaluate.series import (
    FloatArray,
    Span,
    UnusableSeries,
    require_finite,
    require_spans,
)
from inference_server.training.evaluate.volatility import HORIZON

COVERAGE: Final = 0.80


def interval_factor(scaled: FloatArray, level: float = COVERAGE) -> float:
    r"""Half width of an interval in forecast volatilities, from the past's |r| / sigma.

    The :math:`\lceil (n + 1) \ell \rceil`-th smallest, so that the next one of n exchangeable
    values falls inside with probability at least the level.

    Parameters
    ----------
    scaled : ndarray of any shape
        Absolute return over its forecast volatility; NaN is left out.
    level : float in (0, 1)

    Raises
    ------
    UnusableSeries
        If too few values are known for the level.

    References
    ----------
    .. [1] Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018), "Distribution-Free Predictive
       Inference for Regression", Journal of the American Statistical Association 113(523).
    """
    known = scaled[~np.isnan(scaled)]
    # the small step back keeps 0.8 * 10 from being rounded up to 9
    rank = int(np.ceil((known.size + 1) * level - 1e-9))
    if not 1 <= rank <= known.size:
        raise UnusableSeries(f"{known.size} values are too few for an interval of {level:.0%}")
    return float(np.partition(known, rank - 1)[rank - 1])


def walk_coverage(
    scaled: FloatArray,
    folds: Sequence[Span],
    *,
    level: float = COVERAGE,
    purge: int = HORIZON,
) -> tuple[float, ...]:
    """Share of returns inside the interval, fold by fold, its factor from before the fold.

    Parameters
    ----------
    scaled : ndarray of shape (n_days, n_instruments)
        Absolute return over forecast volatility, in the row of the forecast; NaN is left out.
    folds : sequence of (start, stop), rows
    level : float
    purge : int, rows
        Left out before each fold: their returns end inside it.

    Returns
    -------
    tuple of float, one a fold

    Raises
    ------
    UnusableSeries
        If a fold has too little past or nothing known.
    """
    require_spans(folds, len(scaled))
    shares = []
    for start, stop in folds:
        factor = interval_factor(scaled[: max(0, start - purge)], level)
        known = scaled[start:stop][~np.isnan(scaled[start:stop])]
        shares.append(float(np.mean(require_finite("scaled returns", known, least=1) <= factor)))
    return tuple(shares)
