"""Figures of a series of daily net returns; None where a ratio has no denominator.

References
----------
.. [1] Sortino, van der Meer (1991), "Downside risk", Journal of Portfolio Management 17(4), 27-31.
.. [2] Young (1991), "Calmar Ratio: A Smoother Tool", Futures 20(1), 40.
"""

import math
from typing import Final

import numpy as np

from app.core.types import FloatArray
from app.history.market import TRADING_DAYS
from app.history.prices import DateArray

DAYS_A_YEAR: Final = 365.25
# five of seven days leave no Saturday or Sunday; a market that never closes has 2 of 7
WEEKEND_FROM: Final = 0.2
_SATURDAY: Final = 5


def periods_per_year(dates: DateArray) -> float:
    """Count observations a year: 252 for business days, 365.25 over the median gap otherwise.

    Parameters
    ----------
    dates : ndarray of shape (n,), datetime64[D], ascending, n >= 2
    """
    gap = float(np.median(np.diff(dates).astype(np.int64)))
    # 1970-01-01 was a Thursday
    weekday = (dates.astype("datetime64[D]").astype(np.int64) + 3) % 7
    weekends = float((weekday >= _SATURDAY).mean())
    if gap <= 1.0 and weekends < WEEKEND_FROM:
        return float(TRADING_DAYS)
    return DAYS_A_YEAR / gap


def sortino(returns: FloatArray, periods: float) -> float | None:
    """Mean over downside deviation about zero, annual; None without a losing day."""
    downside = math.sqrt(float(np.square(np.minimum(returns, 0.0)).mean()))
    return float(returns.mean()) / downside * math.sqrt(periods) if downside > 0.0 else None


def drawdowns(returns: FloatArray) -> FloatArray:
    """Fall from the highest equity so far, in [0, 1], (n + 1,) with 0 before the first return."""
    equity = np.concatenate(([1.0], np.cumprod(1.0 + returns)))
    fall: FloatArray = 1.0 - equity / np.maximum.accumulate(equity)
    return fall


def annual_return(returns: FloatArray, periods: float) -> float:
    """Compound growth a year, simple."""
    growth = float(np.log1p(returns).sum()) * periods / len(returns)
    return math.expm1(growth)


def calmar(returns: FloatArray, periods: float) -> float | None:
    """Compound growth a year over the largest drawdown; None without one."""
    worst = float(drawdowns(returns).max())
    return annual_return(returns, periods) / worst if worst > 0.0 else None
