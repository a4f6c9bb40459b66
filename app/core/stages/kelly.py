"""Stage 1: Bayesian Kelly, each signal alone.

See docs/concepts.md#bayesian-kelly.
"""

from typing import Final

import numpy as np

from app.core.params import KellyParams
from app.core.types import BoolArray, FloatArray

# larger sizes are as good as endless, and their sums would not be finite
LARGEST_SIZE: Final = 1e100


def posterior_mean(
    claim: FloatArray,
    confidence: FloatArray,
    count: FloatArray,
    mean: FloatArray,
    params: KellyParams,
) -> FloatArray:
    r"""Return the posterior mean of each signal's edge: its claim blended with the record.

    .. math:: m = \frac{n_0 c \mu + n \bar r}{n_0 + n}

    Parameters
    ----------
    claim : ndarray of shape (n_signals,), return of the trade per horizon
        Claimed expected return mu; NaN (not claimed) counts as a claim of zero edge: the
        record alone counts, shrunk by the same prior.
    confidence : ndarray of shape (n_signals,), in [0, 1]
    count : ndarray of shape (n_signals,), outcomes
        Number n of the strategy's outcomes.
    mean : ndarray of shape (n_signals,), return of the trade per horizon
        Mean of the outcomes (direction times return); finite, 0 without one.
    params : KellyParams
        The prior worth n0 observations.

    Returns
    -------
    ndarray of shape (n_signals,), return of the trade per horizon
        Finite.

    References
    ----------
    .. [1] Murphy (2007), "Conjugate Bayesian analysis of the Gaussian distribution", section 2.
    """
    weighted = params.prior_observations * confidence * claim
    silent = np.isnan(claim)
    if np.count_nonzero(silent):
        weighted[silent] = 0.0
    posterior: FloatArray = (weighted + count * mean) / (params.prior_observations + count)
    return posterior


def kelly_sizes(
    edge: FloatArray,
    volatility: FloatArray,
    count: FloatArray,
    open_for_trade: BoolArray,
    params: KellyParams,
) -> FloatArray:
    r"""Return the uncapped fractional Kelly size of each signal under its predictive variance.

    .. math:: U = \frac{k \max(m, 0)}{\sigma^2 (1 + 1/(n_0 + n))}

    Parameters
    ----------
    edge : ndarray of shape (n_signals,), return of the trade per horizon
        Posterior mean m.
    volatility : ndarray of shape (n_signals,), return per horizon, > 0
    count : ndarray of shape (n_signals,), outcomes
        Number n of the strategy's outcomes.
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
    weight = params.prior_observations + count
    # fraction / (1 + 1/w); dividing twice by the volatility keeps tiny ones from underflowing
    ratio = params.fraction * weight / (weight + 1.0) * edge / volatility / volatility
    wanted = open_for_trade & (edge > 0.0) & (edge >= params.min_edge)
    sizes: FloatArray = np.where(wanted, np.minimum(ratio, LARGEST_SIZE), 0.0)
    return sizes


def win_rate(wins: FloatArray, losses: FloatArray, params: KellyParams) -> FloatArray:
    r"""Return the posterior mean of each strategy's win rate under the Beta prior.

    .. math:: (a + wins) / (a + b + wins + losses)

    Parameters
    ----------
    wins, losses : ndarray of shape (n_signals,), outcomes
    params : KellyParams
        Prior counts a of wins and b of losses.

    Returns
    -------
    ndarray of shape (n_signals,), in (0, 1)
    """
    won = params.prior_wins + wins
    rate: FloatArray = won / (won + params.prior_losses + losses)
    return rate
