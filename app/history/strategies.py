r"""Textbook strategies over a price panel, from past prices alone.

A strategy is a score per day and symbol in units of volatility:

.. math:: z_t = \operatorname{clip}\bigl(\pm \ln(P_t / P_{t-L}) / (\sigma_t \sqrt{L}), -2, 2\bigr)

with + for momentum and - for reversal. The return per unit of score is learnt from earlier days:
the slope of the next day's standardised return on the score through the origin, over all symbols
and all past days, shrunk towards zero. Row t of every array depends on rows 0 to t alone.

References
----------
.. [1] Moskowitz, Ooi, Pedersen (2012), "Time series momentum", Journal of Financial
   Economics 104(2), 228-250.
.. [2] Jegadeesh (1990), "Evidence of Predictable Behavior of Security Returns", Journal of
   Finance 45(3), 881-898.
.. [3] Lehmann (1990), "Fads, Martingales, and Market Efficiency", Quarterly Journal of
   Economics 105(1), 1-28.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtr

from app.core.types import Action, BoolArray, FloatArray
from app.history.market import ewma_volatility, simple_returns

SCORE_CAP: Final = 2.0
HOLD_BELOW: Final = 0.25
STRONG_FROM: Final = 1.5
# one day's return in volatilities; without the cap a single crash would set the slope
RETURN_CAP: Final = 5.0
# prior sd of the slope: 0.02 a day per unit of score is an annual Sharpe ratio of 0.3 on one stock
SLOPE_PRIOR_SD: Final = 0.02
NO_EDGE_CONFIDENCE: Final = 0.05
# the slope rests on at least one year of days
SLOPE_MIN_DAYS: Final = 252


@dataclass(frozen=True, slots=True)
class Strategy:
    """Momentum (``sign`` +1) or reversal (-1) over ``lookback`` trading days."""

    strategy_id: str
    lookback: int
    sign: float


MOMENTUM_20: Final = Strategy("momentum_20", 20, 1.0)
MOMENTUM_60: Final = Strategy("momentum_60", 60, 1.0)
MOMENTUM_250: Final = Strategy("momentum_250", 250, 1.0)
REVERSAL_5: Final = Strategy("reversal_5", 5, -1.0)
TEXTBOOK: Final = (MOMENTUM_20, MOMENTUM_60, MOMENTUM_250, REVERSAL_5)


@dataclass(frozen=True, slots=True)
class StrategySignals:
    """Signals of one strategy for a panel; each array has shape (n_days, n_symbols).

    Parameters
    ----------
    strategy_id : str
    score : ndarray, volatilities
        In [-2, 2]; NaN where there is no signal (too little history, no price).
    confidence : ndarray
        In [0, 1], finite everywhere: the probability, given the past, that the slope is positive,
        stretched so that a coin toss is 0; 0.05 at least.
    expected_return : ndarray, simple return per day of the trade
        Finite and >= 0 everywhere; 0 where the past shows no edge, and for HOLD.
    volatility : ndarray, standard deviation per day
        Finite and > 0 wherever there is a signal.
    hold_below : float, volatilities
        A score nearer to zero is HOLD; so is a score of exactly zero.
    """

    strategy_id: str
    score: FloatArray
    confidence: FloatArray
    expected_return: FloatArray
    volatility: FloatArray
    hold_below: float = HOLD_BELOW

    @property
    def known(self) -> BoolArray:
        """Mask of the days and symbols with a signal."""
        return np.isfinite(self.score)

    @property
    def direction(self) -> FloatArray:
        """Side of each signal: +1 buy, -1 sell, 0 hold or no signal."""
        firm = np.where(np.abs(self.score) >= self.hold_below, self.score, 0.0)
        return np.sign(firm)


def textbook_signals(
    closes: FloatArray,
    strategies: tuple[Strategy, ...] = TEXTBOOK,
    *,
    hold_below: float = HOLD_BELOW,
) -> tuple[StrategySignals, ...]:
    """Return the signals of strategies for every day and symbol of a panel, in their order.

    Parameters
    ----------
    closes : ndarray of shape (n_days, n_symbols), price
        > 0, or NaN where there is none.
    strategies : tuple of Strategy
    hold_below : float, volatilities
        Scores nearer to zero are HOLD with an expected return of 0; 0 leaves no dead zone.

    Returns
    -------
    tuple of StrategySignals
    """
    volatility = ewma_volatility(closes)
    return tuple(_signals(closes, volatility, strategy, hold_below) for strategy in strategies)


def _signals(
    closes: FloatArray, volatility: FloatArray, strategy: Strategy, hold_below: float
) -> StrategySignals:
    score = momentum_score(closes, volatility, strategy)
    slope, confidence = past_slope(score, simple_returns(closes), volatility)
    size = np.where(np.abs(score) >= hold_below, np.abs(score), 0.0)
    expected = np.maximum(slope, 0.0)[:, np.newaxis] * size * np.nan_to_num(volatility)
    spread = np.broadcast_to(confidence[:, np.newaxis], score.shape)
    return StrategySignals(strategy.strategy_id, score, spread, expected, volatility, hold_below)


def action_of(score: float, hold_below: float = HOLD_BELOW) -> Action:
    """Return the wire action of a score: HOLD at 0 and within +-hold_below, STRONG from +-1.5."""
    if abs(score) < hold_below or score == 0.0:
        return Action.HOLD
    if score > 0:
        return Action.STRONG_BUY if score >= STRONG_FROM else Action.BUY
    return Action.STRONG_SELL if score <= -STRONG_FROM else Action.SELL


def momentum_score(closes: FloatArray, volatility: FloatArray, strategy: Strategy) -> FloatArray:
    """Return the past return over the lookback in units of its volatility, signed and capped.

    Parameters
    ----------
    closes : ndarray of shape (n_days, n_symbols), price
        NaN where there is none.
    volatility : ndarray of shape (n_days, n_symbols), standard deviation per day
        NaN where it is unknown.
    strategy : Strategy

    Returns
    -------
    ndarray of shape (n_days, n_symbols), volatilities
        NaN until the lookback is full, and where either price or the volatility is missing.
    """
    lookback = strategy.lookback
    score = np.full_like(closes, np.nan)
    past = np.log(closes[lookback:] / closes[:-lookback])
    score[lookback:] = strategy.sign * past / (volatility[lookback:] * np.sqrt(lookback))
    return np.clip(score, -SCORE_CAP, SCORE_CAP)


def past_slope(
    score: FloatArray, returns: FloatArray, volatility: FloatArray
) -> tuple[FloatArray, FloatArray]:
    r"""Return the shrunk slope of returns on scores up to each day, and its confidence.

    With x the score and y the next day's return over volatility, b = sum xy / sum xx. Symbols move
    together, so the error is clustered by day: v = sum_t (sum_s xy)^2 / (sum xx)^2. Under a normal
    prior of mean zero and sd tau the slope's posterior mean is b tau^2 / (tau^2 + v), its variance
    v tau^2 / (tau^2 + v).

    Parameters
    ----------
    score : ndarray of shape (n_days, n_symbols), volatilities
    returns : ndarray of shape (n_days, n_symbols), simple return per day
    volatility : ndarray of shape (n_days, n_symbols), standard deviation per day
        A NaN in any of the three leaves that day and symbol out.

    Returns
    -------
    slope, confidence : ndarray of shape (n_days,)
        Finite; row t uses returns up to day t. Slope 0 and confidence 0.05 before a year of days.
    """
    ahead = np.clip(returns[1:] / volatility[:-1], -RETURN_CAP, RETURN_CAP)
    earlier = score[:-1]
    used = np.isfinite(ahead) & np.isfinite(earlier)
    x = np.where(used, earlier, 0.0)
    daily_xy = (x * np.where(used, ahead, 0.0)).sum(axis=1)
    days = np.cumsum(used.any(axis=1))
    sum_xx = np.cumsum((x * x).sum(axis=1))
    enough = (days >= SLOPE_MIN_DAYS) & (sum_xx > 0)
    xx = np.where(enough, sum_xx, 1.0)
    error = np.where(enough, np.cumsum(daily_xy**2) / xx**2, np.inf)
    prior = SLOPE_PRIOR_SD**2
    mean = np.where(enough, np.cumsum(daily_xy) / xx, 0.0) * prior / (prior + error)
    sd = np.sqrt(prior / (1.0 + prior / np.maximum(error, np.finfo(np.float64).tiny)))
    confidence = np.maximum(2.0 * ndtr(mean / sd) - 1.0, NO_EDGE_CONFIDENCE)
    return np.concatenate(([0.0], mean)), np.concatenate(([NO_EDGE_CONFIDENCE], confidence))
