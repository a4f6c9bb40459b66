"""Stage 1: Bayesian Kelly, each signal alone, its claim calibrated by its strategy's record.

See docs/concepts.md#bayesian-kelly.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from app.core.params import KellyParams
from app.core.types import BoolArray, FloatArray

# larger sizes are as good as endless, and their sums would not be finite
LARGEST_SIZE: Final = 1e100


@dataclass(frozen=True, slots=True)
class Calibration:
    """What outcomes say of claims, by strategy; each array has shape (s,), no NaN.

    Attributes
    ----------
    intercept : volatilities
        Edge a without any claim, over the horizon of claims.
    slope : dimensionless, >= 0
        What a claimed volatility is worth, b.
    weight : observations, >= 0
        Sum n of the forgotten weights.
    """

    intercept: FloatArray
    slope: FloatArray
    weight: FloatArray


def calibrate(sums: FloatArray, params: KellyParams) -> Calibration:
    r"""Return the posterior mean of the regression of outcomes on claims.

    .. math:: z = a + b c + \epsilon, \quad \epsilon \sim N(0, 1), \quad
              a \sim N(0, 1/n_0), \quad b \sim N(1, 1)

    Where b is below 0 it is 0, and a is fitted again.

    Parameters
    ----------
    sums : ndarray of shape (7, s)
        Of each strategy's record: see :class:`~app.core.books.records.RecordSums`.
    params : KellyParams
        The prior n0 of a.

    Returns
    -------
    Calibration

    References
    ----------
    .. [1] Murphy (2007), "Conjugate Bayesian analysis of the Gaussian distribution", section 2.
    .. [2] Bishop (2006), "Pattern Recognition and Machine Learning", section 3.3.
    """
    weight, claim, square, outcome, product = sums[:5]
    first, second = params.prior_observations + weight, 1.0 + square
    wanted = 1.0 + product
    determinant = first * second - claim * claim
    slope = (first * wanted - claim * outcome) / determinant
    intercept = (second * outcome - claim * wanted) / determinant
    turned = slope < 0.0
    if np.count_nonzero(turned):
        slope = np.where(turned, 0.0, slope)
        intercept = np.where(turned, outcome / first, intercept)
    return Calibration(intercept, slope, weight)


def believed_claims(sharpe: FloatArray, params: KellyParams) -> FloatArray:
    """Return claims c within [0, ``max_sharpe``].

    Parameters
    ----------
    sharpe : ndarray of shape (n,), volatilities
        Confidence times claimed return over volatility; NaN (not claimed) is a claim of 0.

    Returns
    -------
    ndarray of shape (n,), volatilities
    """
    claims: FloatArray = np.fmin(np.fmax(sharpe, 0.0), params.max_sharpe)
    return claims


def kelly_sizes(
    sharpe: FloatArray,
    volatility: FloatArray,
    weight: FloatArray,
    open_for_trade: BoolArray,
    params: KellyParams,
) -> FloatArray:
    r"""Return the uncapped fractional Kelly size of each signal under its predictive variance.

    .. math:: U = \frac{k \max(m, 0)}{\sigma^2 (1 + 1/(n_0 + n))}, \qquad m = \sigma (a + b c)

    Parameters
    ----------
    sharpe : ndarray of shape (n_signals,), volatilities
        Posterior edge a + b c.
    volatility : ndarray of shape (n_signals,), return per horizon, > 0
    weight : ndarray of shape (n_signals,), observations
        Weight n of the strategy's record.
    open_for_trade : bool ndarray of shape (n_signals,)
        False sizes zero (HOLD, negative claim, win rate too low).
    params : KellyParams

    Returns
    -------
    ndarray of shape (n_signals,), fraction of portfolio value, >= 0 and finite

    References
    ----------
    .. [1] Thorp (2006), "The Kelly Criterion in Blackjack, Sports Betting, and the Stock
       Market", section 7.
    """
    total = params.prior_observations + weight
    ratio = params.fraction * total / (total + 1.0) * sharpe / volatility
    wanted = open_for_trade & (sharpe > 0.0)
    if params.min_edge > 0.0:
        wanted = wanted & (sharpe * volatility >= params.min_edge)
    sizes: FloatArray = np.where(wanted, np.minimum(ratio, LARGEST_SIZE), 0.0)
    return sizes


def win_rate(wins: FloatArray, losses: FloatArray, params: KellyParams) -> FloatArray:
    r"""Return the posterior mean of each strategy's win rate under the Beta prior.

    .. math:: (a + wins) / (a + b + wins + losses)

    Parameters
    ----------
    wins, losses : ndarray of shape (n_signals,), observations
        A return of 0 is neither.
    params : KellyParams
        Prior counts a of wins and b of losses.

    Returns
    -------
    ndarray of shape (n_signals,), in (0, 1)
    """
    won = params.prior_wins + wins
    rate: FloatArray = won / (won + params.prior_losses + losses)
    return rate
