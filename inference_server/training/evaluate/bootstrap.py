"""Interval of a gain in Sharpe ratio, by the paired stationary bootstrap."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from arch.bootstrap import StationaryBootstrap
from numpy.typing import ArrayLike

from inference_server.training.evaluate.series import ROUNDING, FloatArray, require_paired
from inference_server.training.evaluate.statistics import TRADING_DAYS, sharpe

LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class BootstrapParams:
    """Number of draws, block length and seed of the bootstrap.

    Parameters
    ----------
    draws : int
    mean_block : int, periods
        20, fixed in advance. The automatic choice of Politis and White (2004) aims at the variance
        of the mean, and daily returns are nearly white, so it answers a few days; a Sharpe ratio
        also needs the clustering of volatility and the memory of a smoothed position (half of an
        EWMA of span 10 is gone in 4 days, 98 % in 20).
    seed : int
    """

    draws: int = 2000
    mean_block: int = 20
    seed: int = 20030102


STANDARD: Final = BootstrapParams()


@dataclass(frozen=True, slots=True)
class PairedGain:
    """Difference of two annualised Sharpe ratios over the same days.

    Parameters
    ----------
    gain : float
        Sharpe ratio of the policy less that of the reference.
    ci_low, ci_high : float
        95 % percentile interval of the resampled gains.
    p : float
        One-sided: the share of resampled gains, recentred at zero, that reach the gain.
    n_days : int
    """

    gain: float
    ci_low: float
    ci_high: float
    p: float
    n_days: int


def paired_gain(
    policy: ArrayLike,
    reference: ArrayLike,
    periods_per_year: float = TRADING_DAYS,
    *,
    params: BootstrapParams = STANDARD,
) -> PairedGain:
    r"""Gain in annualised Sharpe ratio of one policy over another, with its interval.

    Both series are resampled by the same days, in blocks of random length, so that what moves both
    cancels and what lasts is kept. A draw needs only how often each day occurs in it, for a Sharpe
    ratio is a function of the sums of :math:`r` and :math:`r^2`.

    Parameters
    ----------
    policy, reference : array_like of shape (n,), simple return a period, the same days
    periods_per_year : float
    params : BootstrapParams

    Returns
    -------
    PairedGain

    Raises
    ------
    UnusableSeries
        If a series is not finite, too short, or the two differ in length.

    References
    ----------
    .. [1] Politis and Romano (1994), "The Stationary Bootstrap", Journal of the American
       Statistical Association 89(428), section 2.
    .. [2] Politis and White (2004), "Automatic Block-Length Selection for the Dependent Bootstrap",
       Econometric Reviews 23(1).
    .. [3] Ledoit and Wolf (2008), "Robust Performance Hypothesis Testing with the Sharpe Ratio",
       Journal of Empirical Finance 15(5): why the pair is resampled as a pair.
    """
    pair = require_paired(("policy", "reference"), policy, reference)
    gain = sharpe(pair[:, 0], periods_per_year) - sharpe(pair[:, 1], periods_per_year)
    ratios = resampled_sharpes(pair, params) * math.sqrt(periods_per_year)
    gains = ratios[:, 0] - ratios[:, 1]
    low, high = np.quantile(gains, [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0])
    reached = np.count_nonzero(gains - gain >= gain)
    p = (1.0 + float(reached)) / (1.0 + params.draws)
    return PairedGain(gain, float(low), float(high), p, pair.shape[0])


def resampled_sharpes(columns: FloatArray, params: BootstrapParams = STANDARD) -> FloatArray:
    """Sharpe ratios a period of each column, the same days drawn for all of them.

    Parameters
    ----------
    columns : ndarray of shape (n, k), simple return a period, finite

    Returns
    -------
    ndarray of shape (draws, k)
        0 where a draw never moves.
    """
    n, k = columns.shape
    middle = columns.mean(axis=0)
    # around the mean, so that the variance is not the small difference of two large sums
    sums = np.concatenate([(columns - middle).T, ((columns - middle) ** 2).T])
    bootstrap = StationaryBootstrap(params.mean_block, np.arange(n), seed=params.seed)
    counts = (np.bincount(drawn[0], minlength=n) for drawn, _ in bootstrap.bootstrap(params.draws))
    totals = np.array([sums @ count for count in counts])
    shift = totals[:, :k] / n
    variance = np.maximum(totals[:, k:] / n - shift**2, 0.0) * n / (n - 1)
    return _ratios(middle + shift, np.sqrt(variance), np.abs(columns).max(axis=0))


def _ratios(means: FloatArray, spreads: FloatArray, largest: FloatArray) -> FloatArray:
    # squares lose half the digits, so what counts as rounding is the root of what it is elsewhere
    moves = spreads > math.sqrt(ROUNDING) * largest
    return np.where(moves, means / np.where(moves, spreads, 1.0), 0.0)
