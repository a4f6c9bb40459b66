"""Sharpe ratios corrected for the number of trials: PSR, DSR and PBO."""

import math
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import kurtosis, norm, rankdata, skew

from inference_server.training.evaluate.series import (
    ROUNDING,
    BoolArray,
    FloatArray,
    UnusableSeries,
    require_finite,
)
from inference_server.training.evaluate.statistics import sharpe, spread_of

# splits ranked at once: 512 x 200 candidates stay below a megabyte an array
CHUNK: Final = 512


@dataclass(frozen=True, slots=True)
class ReturnMoments:
    """Moments of returns that the distribution of an estimated Sharpe ratio depends on.

    Parameters
    ----------
    sharpe : float, a period (not annualised)
    n : int
        Observations.
    skewness, kurtosis : float
        Kurtosis of a normal distribution is 3.
    """

    sharpe: float
    n: int
    skewness: float = 0.0
    kurtosis: float = 3.0


@dataclass(frozen=True, slots=True)
class OverfittingProbability:
    """Outcome of combinatorially symmetric cross-validation.

    Parameters
    ----------
    pbo : float
        Share of the splits in which the best candidate in sample is at or below the median out of
        sample.
    splits, candidates, blocks : int
    median_logit : float
        Median of the logit of the chosen candidate's relative rank; above 0 is good.
    """

    pbo: float
    splits: int
    candidates: int
    blocks: int
    median_logit: float


def return_moments(returns: ArrayLike) -> ReturnMoments:
    """Moments of a return series, (n,); a flat one counts as normal with Sharpe ratio 0."""
    series = require_finite("returns", returns, least=3)
    if spread_of(series) <= 0.0:
        return ReturnMoments(0.0, series.size)
    return ReturnMoments(
        sharpe(series, 1.0),
        series.size,
        float(skew(series)),
        float(kurtosis(series, fisher=False)),
    )


def probabilistic_sharpe(moments: ReturnMoments, benchmark: float = 0.0) -> float:
    r"""Probability that the true Sharpe ratio exceeds a benchmark.

    .. math:: \Phi\left( \frac{(S - S^*) \sqrt{n - 1}}
              {\sqrt{1 - \gamma_3 S + \frac{\gamma_4 - 1}{4} S^2}} \right)

    Parameters
    ----------
    moments : ReturnMoments
    benchmark : float, a period
        :math:`S^*`.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    UnusableSeries
        If the moments are those of no distribution (the root's argument is not positive).

    References
    ----------
    .. [1] Bailey and Lopez de Prado (2012), "The Sharpe Ratio Efficient Frontier", Journal of Risk
       15(2).
    """
    ratio = moments.sharpe
    spread = 1.0 - moments.skewness * ratio + (moments.kurtosis - 1.0) / 4.0 * ratio**2
    if not spread > 0.0:
        raise UnusableSeries(f"variance of the Sharpe ratio must be > 0, was {spread}")
    z = (ratio - benchmark) * math.sqrt(moments.n - 1) / math.sqrt(spread)
    return float(norm.cdf(z))


def expected_best_sharpe(trials: int, variance: float) -> float:
    r"""Sharpe ratio that the best of N worthless trials is expected to show.

    .. math:: \sqrt{V} \left( (1 - \gamma) \Phi^{-1}(1 - 1/N)
              + \gamma\, \Phi^{-1}(1 - 1/(N e)) \right), \quad \gamma = 0.5772...

    Parameters
    ----------
    trials : int, >= 1
        N, all of them, failures too. One trial chooses nothing: 0.
    variance : float, >= 0
        V, of the trials' Sharpe ratios, a period.

    Raises
    ------
    ValueError
        If a number is out of range.

    References
    ----------
    .. [1] Bailey and Lopez de Prado (2014), "The Deflated Sharpe Ratio: Correcting for Selection
       Bias, Backtest Overfitting, and Non-Normality", The Journal of Portfolio Management 40(5).
    """
    if trials < 1:
        raise ValueError(f"trials must be >= 1, was {trials}")
    if not (math.isfinite(variance) and variance >= 0.0):
        raise ValueError(f"variance of the trials' Sharpe ratios must be >= 0, was {variance}")
    if trials == 1:
        return 0.0
    usual = (1.0 - np.euler_gamma) * norm.ppf(1.0 - 1.0 / trials)
    rare = np.euler_gamma * norm.ppf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * float(usual + rare)


def deflated_sharpe(moments: ReturnMoments, trials: int, variance: float) -> float:
    """Probability that the true Sharpe ratio exceeds what the best of all trials shows by luck.

    Parameters
    ----------
    moments : ReturnMoments
        Of the chosen policy.
    trials : int
        All of them, failures too; counted as independent, which is the severe reading.
    variance : float
        Of the trials' Sharpe ratios, a period.

    Returns
    -------
    float in [0, 1]

    References
    ----------
    .. [1] Bailey and Lopez de Prado (2014), "The Deflated Sharpe Ratio: Correcting for Selection
       Bias, Backtest Overfitting, and Non-Normality", The Journal of Portfolio Management 40(5).
    """
    return probabilistic_sharpe(moments, expected_best_sharpe(trials, variance))


def overfitting_probability(candidates: ArrayLike, blocks: int = 16) -> OverfittingProbability:
    r"""Probability of backtest overfitting by combinatorially symmetric cross-validation.

    Time is cut into S blocks. For each way to take half of them, the candidate with the best Sharpe
    ratio there is looked up in the other half: with rank r of N (1 is worst),
    :math:`\omega = r / (N + 1)` and :math:`\lambda = \ln(\omega / (1 - \omega))`. PBO is the share
    of :math:`\lambda \le 0`.

    Parameters
    ----------
    candidates : array_like of shape (n_days, n_candidates), simple return a period
        Every configuration tried, >= 2; NaN is refused.
    blocks : int
        S, even. Blocks differ by at most one day where S does not divide the days.

    Returns
    -------
    OverfittingProbability

    Raises
    ------
    UnusableSeries
        If the shape does not allow it, or a value is not finite.
    ValueError
        If the number of blocks is odd or below 2.

    References
    ----------
    .. [1] Bailey, Borwein, Lopez de Prado and Zhu (2017), "The Probability of Backtest
       Overfitting", Journal of Computational Finance 20(4).
    """
    matrix: FloatArray = np.asarray(candidates, dtype=np.float64)
    if blocks < 2 or blocks % 2:
        raise ValueError(f"blocks must be even and >= 2, was {blocks}")
    if matrix.ndim != 2 or matrix.shape[1] < 2 or matrix.shape[0] < 2 * blocks:
        raise UnusableSeries(
            f"candidates must have shape (>= {2 * blocks} days, >= 2), was {matrix.shape}"
        )
    if not np.isfinite(matrix).all():
        raise UnusableSeries("candidates must be finite, were not")
    logits = _chosen_logits(matrix, _splits(blocks))
    return OverfittingProbability(
        pbo=float(np.mean(logits <= 0.0)),
        splits=logits.size,
        candidates=matrix.shape[1],
        blocks=blocks,
        median_logit=float(np.median(logits)),
    )


def _splits(blocks: int) -> BoolArray:
    """Return the blocks in sample of each split, (n_splits, blocks)."""
    halves = np.array(list(combinations(range(blocks), blocks // 2)))
    chosen = np.zeros((len(halves), blocks), dtype=np.bool_)
    np.put_along_axis(chosen, halves, values=True, axis=1)
    return chosen


def _chosen_logits(matrix: FloatArray, splits: BoolArray) -> FloatArray:
    """Logit of the out-of-sample rank of each split's in-sample best, (n_splits,)."""
    # a Sharpe ratio knows no scale; with this one, what counts as rounding is the same for all
    scale = np.abs(matrix).max(axis=0)
    columns = matrix / np.where(scale > 0.0, scale, 1.0)
    parts = np.array_split(columns, splits.shape[1])
    # by block: sums of the returns and of their squares, by candidate
    sums = np.array([[part.sum(axis=0), (part**2).sum(axis=0)] for part in parts])
    lengths = np.array([float(len(part)) for part in parts])
    chunks = np.array_split(splits, max(1, len(splits) // CHUNK))
    return np.concatenate([_logits_of(chunk, sums, lengths) for chunk in chunks])


def _logits_of(chunk: BoolArray, sums: FloatArray, lengths: FloatArray) -> FloatArray:
    inside = _sharpes(chunk.astype(np.float64), sums, lengths)
    outside = _sharpes((~chunk).astype(np.float64), sums, lengths)
    best = inside.argmax(axis=1)
    ranks: FloatArray = np.asarray(rankdata(outside, axis=1), dtype=np.float64)
    relative = ranks[np.arange(len(best)), best] / (ranks.shape[1] + 1.0)
    logits: FloatArray = np.log(relative / (1.0 - relative))
    return logits


def _sharpes(taken: FloatArray, sums: FloatArray, lengths: FloatArray) -> FloatArray:
    n = (taken @ lengths)[:, None]
    mean = taken @ sums[:, 0] / n
    variance = taken @ sums[:, 1] / n - mean**2
    moves = variance > ROUNDING
    return np.where(moves, mean / np.sqrt(np.where(moves, variance, 1.0)), 0.0)
