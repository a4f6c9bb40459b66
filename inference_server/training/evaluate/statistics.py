"""Figures of one daily return series, and the drawdown of two at equal volatility.

Everywhere: returns are simple and net of cost, in order of time; a year has ``periods_per_year``
of them; NaN and infinities are refused (:class:`UnusableSeries`), never dropped.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from inference_server.training.evaluate.series import (
    ROUNDING,
    FloatArray,
    UnusableSeries,
    require_finite,
    require_returns,
)

TRADING_DAYS: Final = 252.0


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """Figures of one policy on one stretch of days.

    Parameters
    ----------
    days : int
    annual_return, volatility : float, a year
        Compounded growth; standard deviation of the returns.
    sharpe, sortino, calmar : float, annual ratios
        Infinite where the policy never lost.
    max_drawdown : float, fraction of the highest equity so far
    turnover_per_year : float, traded notional over portfolio value
    hit_rate : float, share of the days that moved
    """

    days: int
    annual_return: float
    volatility: float
    sharpe: float
    sortino: float
    max_drawdown: float
    calmar: float
    turnover_per_year: float
    hit_rate: float


@dataclass(frozen=True, slots=True)
class EqualVolatilityDrawdown:
    """Drawdown of a policy levered to the volatility of its reference.

    Parameters
    ----------
    scale : float
        What the policy's returns were multiplied by.
    drawdown, reference_drawdown : float, fraction of the highest equity so far
    ratio : float
        The first over the second: below 1 the policy falls less for the same volatility.
    """

    scale: float
    drawdown: float
    reference_drawdown: float
    ratio: float


def spread_of(returns: FloatArray) -> float:
    """Sample standard deviation (divisor n - 1); exactly 0 where only rounding moves."""
    spread = float(returns.std(ddof=1))
    return 0.0 if spread <= ROUNDING * float(np.abs(returns).max()) else spread


def sharpe(returns: ArrayLike, periods_per_year: float = TRADING_DAYS) -> float:
    r"""Annualised Sharpe ratio of returns that already are in excess of cash.

    .. math:: S = \sqrt{p}\, \bar r / s, \quad s^2 = \frac{1}{n - 1} \sum_t (r_t - \bar r)^2

    Parameters
    ----------
    returns : array_like of shape (n,), simple return a period, n >= 2
    periods_per_year : float
        p.

    Returns
    -------
    float
        0 for a series that never moves: nothing was risked.

    Raises
    ------
    UnusableSeries
        If the series is too short or not finite.

    References
    ----------
    .. [1] Sharpe (1994), "The Sharpe Ratio", The Journal of Portfolio Management 21(1).
    """
    series = require_finite("returns", returns)
    spread = spread_of(series)
    return float(series.mean()) / spread * math.sqrt(periods_per_year) if spread > 0.0 else 0.0


def sortino(returns: ArrayLike, periods_per_year: float = TRADING_DAYS) -> float:
    r"""Annualised Sortino ratio with a target of zero.

    .. math:: \sqrt{p}\, \bar r / d, \quad d^2 = \frac{1}{n} \sum_t \min(r_t, 0)^2

    Returns
    -------
    float
        0 for a flat series, infinite for one that gains and never loses.

    Raises
    ------
    UnusableSeries
        If the series is too short or not finite.

    References
    ----------
    .. [1] Sortino and Price (1994), "Performance Measurement in a Downside Risk Framework", The
       Journal of Investing 3(3).
    """
    series = require_finite("returns", returns)
    downside = math.sqrt(float(np.mean(np.minimum(series, 0.0) ** 2)))
    return _ratio(float(series.mean()) * math.sqrt(periods_per_year), downside)


def equity_curve(returns: ArrayLike) -> FloatArray:
    """Compound returns, shape (n,), to equity from 1, shape (n + 1,)."""
    series = require_returns("returns", returns, least=1)
    return np.concatenate([[1.0], np.cumprod(1.0 + series)])


def drawdowns(returns: ArrayLike) -> FloatArray:
    """Fall from the highest equity so far, shape (n + 1,), each in [0, 1)."""
    equity = equity_curve(returns)
    return 1.0 - equity / np.maximum.accumulate(equity)


def max_drawdown(returns: ArrayLike) -> float:
    """Largest fall of the compounded equity from its highest value so far, in [0, 1).

    Raises
    ------
    UnusableSeries
        If a return is not finite or loses everything.
    """
    return float(drawdowns(returns).max())


def annual_return(returns: ArrayLike, periods_per_year: float = TRADING_DAYS) -> float:
    """Compounded growth a year, simple."""
    series = require_returns("returns", returns, least=1)
    return math.expm1(float(np.log1p(series).mean()) * periods_per_year)


def calmar(returns: ArrayLike, periods_per_year: float = TRADING_DAYS) -> float:
    """Compounded growth a year over the maximum drawdown of the same days.

    Returns
    -------
    float
        0 for a flat series, infinite for one that gains and never falls.

    Raises
    ------
    UnusableSeries
        If a return is not finite or loses everything.

    References
    ----------
    .. [1] Young (1991), "Calmar Ratio: A Smoother Tool", Futures, October. Young takes 36 months;
       here it is the whole series, as is usual now.
    """
    return _ratio(annual_return(returns, periods_per_year), max_drawdown(returns))


def drawdown_at_equal_volatility(
    policy: ArrayLike, reference: ArrayLike
) -> EqualVolatilityDrawdown:
    """Compare drawdowns after levering the policy to the reference's volatility.

    A bounded multiplier changes how much is held; without this a policy that merely holds less
    would look safer. Returns are scaled, then compounded.

    Parameters
    ----------
    policy, reference : array_like of shape (n,), simple return a period

    Returns
    -------
    EqualVolatilityDrawdown
        Ratio 1 if neither falls, infinite if only the policy does.

    Raises
    ------
    UnusableSeries
        If a series is not finite, never moves, or loses everything after scaling.
    """
    ours, theirs = require_finite("policy", policy), require_returns("reference", reference)
    spreads = spread_of(ours), spread_of(theirs)
    for name, spread in zip(("policy", "reference"), spreads, strict=True):
        if not spread > 0.0:
            raise UnusableSeries(f"volatility of {name} must be > 0, was {spread}")
    scale = spreads[1] / spreads[0]
    scaled = max_drawdown(require_returns("policy at equal volatility", scale * ours))
    other = max_drawdown(theirs)
    ratio = 1.0 if scaled == other else _ratio(scaled, other)
    return EqualVolatilityDrawdown(scale, scaled, other, ratio)


def turnover_per_year(turnover: ArrayLike, periods_per_year: float = TRADING_DAYS) -> float:
    """Mean traded notional over portfolio value, (n,), each >= 0, times the periods of a year.

    Raises
    ------
    UnusableSeries
        If a value is not finite or negative.
    """
    series = require_finite("turnover", turnover, least=1)
    if float(series.min()) < 0.0:
        raise UnusableSeries(f"turnover must be >= 0, was {series.min()}")
    return float(series.mean()) * periods_per_year


def hit_rate(returns: ArrayLike) -> float:
    """Share of gains among the periods that moved at all; 0 where none did."""
    series = require_finite("returns", returns, least=1)
    moved = np.count_nonzero(series)
    return float(np.count_nonzero(series > 0.0) / moved) if moved else 0.0


def summarise(
    returns: ArrayLike, turnover: ArrayLike, periods_per_year: float = TRADING_DAYS
) -> PolicySummary:
    """All figures of one policy, from its daily net returns and turnover, both (n,)."""
    series = require_returns("returns", returns)
    return PolicySummary(
        days=series.size,
        annual_return=annual_return(series, periods_per_year),
        volatility=spread_of(series) * math.sqrt(periods_per_year),
        sharpe=sharpe(series, periods_per_year),
        sortino=sortino(series, periods_per_year),
        max_drawdown=max_drawdown(series),
        calmar=calmar(series, periods_per_year),
        turnover_per_year=turnover_per_year(turnover, periods_per_year),
        hit_rate=hit_rate(series),
    )


def _ratio(numerator: float, denominator: float) -> float:
    if denominator > 0.0:
        return numerator / denominator
    return math.copysign(math.inf, numerator) if numerator else 0.0
