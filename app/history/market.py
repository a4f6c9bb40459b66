"""Volatility, regimes and stress of a price panel, which demo and backtest send to the service.

Row t of every array depends on the prices of rows 0 to t alone.
"""

from typing import Final

import numpy as np

from app.core.types import CascadeIndicators, FloatArray, IntArray, Regime

# RiskMetrics (1996), Technical Document, section 5.3: decay factor of daily data
DAILY_DECAY: Final = 0.94
# half-life of 231 trading days: what is usual for the symbol
USUAL_DECAY: Final = 0.997
VOLATILITY_MIN_RETURNS: Final = 20
# a price that never moved has no volatility to size by
VOLATILITY_FLOOR: Final = 1e-4
HIGH_VOLATILITY_FROM: Final = 1.75
CRISIS_FROM: Final = 3.0
TREND_LOOKBACK: Final = 60
TREND_FROM: Final = 1.0
STRESS_FALL: Final = 0.04
TRADING_DAYS: Final = 252


def simple_returns(closes: FloatArray) -> FloatArray:
    """Return close-to-close simple returns, shape (n_days, n_symbols).

    NaN in row 0 and where either price is missing.
    """
    returns = np.full_like(closes, np.nan)
    returns[1:] = closes[1:] / closes[:-1] - 1.0
    return returns


def ewma_volatility(closes: FloatArray, decay: float = DAILY_DECAY) -> FloatArray:
    r"""Return the exponentially weighted volatility of daily returns about zero.

    .. math:: \sigma_t^2 = \sum_i \delta^i r_{t-i}^2 / \sum_i \delta^i

    Parameters
    ----------
    closes : ndarray of shape (n_days, n_symbols), price
    decay : float
        delta, per day with a return; a missing return leaves the estimate as it was.

    Returns
    -------
    ndarray of shape (n_days, n_symbols), standard deviation per day
        NaN before 20 returns; at least 1e-4.
    """
    returns = simple_returns(closes)
    fresh = np.isfinite(returns)
    squares = np.where(fresh, returns**2, 0.0)
    kept = np.where(fresh, decay, 1.0)
    total, weight = np.zeros_like(closes), np.zeros_like(closes)
    for day in range(1, len(closes)):
        total[day] = kept[day] * total[day - 1] + squares[day]
        weight[day] = kept[day] * weight[day - 1] + fresh[day]
    volatility = np.sqrt(total / np.maximum(weight, 1.0))
    volatility[np.cumsum(fresh, axis=0) < VOLATILITY_MIN_RETURNS] = np.nan
    floored: FloatArray = np.maximum(volatility, VOLATILITY_FLOOR)
    return floored


def regimes_of(closes: FloatArray) -> IntArray:
    """Return the regime of each symbol and day as an index into ``tuple(Regime)``.

    Volatility against what is usual for the symbol decides first (1.75 times: high volatility,
    3 times: crisis), then the 60-day return in volatilities (beyond +-1: a trend), else ranging.

    Parameters
    ----------
    closes : ndarray of shape (n_days, n_symbols), price
        NaN where there is none.

    Returns
    -------
    ndarray of shape (n_days, n_symbols), int64
        Ranging where history is too short.
    """
    order = list(Regime)
    volatility = ewma_volatility(closes)
    unusual = volatility / ewma_volatility(closes, USUAL_DECAY)
    trend = np.full_like(closes, np.nan)
    past = np.log(closes[TREND_LOOKBACK:] / closes[:-TREND_LOOKBACK])
    trend[TREND_LOOKBACK:] = past / (volatility[TREND_LOOKBACK:] * np.sqrt(TREND_LOOKBACK))
    regime = np.full(closes.shape, order.index(Regime.RANGING), dtype=np.int64)
    regime[trend > TREND_FROM] = order.index(Regime.TRENDING_UP)
    regime[trend < -TREND_FROM] = order.index(Regime.TRENDING_DOWN)
    regime[unusual >= HIGH_VOLATILITY_FROM] = order.index(Regime.HIGH_VOLATILITY)
    regime[unusual >= CRISIS_FROM] = order.index(Regime.CRISIS)
    return regime


def risk_scores(volatility: FloatArray) -> FloatArray:
    """Return the ``risk_score`` of signals: annualised volatility, at most 1.

    Parameters
    ----------
    volatility : ndarray of any shape, standard deviation per day
        NaN (unknown) gives 1.
    """
    annual = np.nan_to_num(volatility * np.sqrt(TRADING_DAYS), nan=1.0)
    capped: FloatArray = np.minimum(annual, 1.0)
    return capped


def index_returns(closes: FloatArray) -> FloatArray:
    """Return the daily simple return of the equally weighted panel, shape (n_days,).

    0 on days without any return.
    """
    returns = simple_returns(closes)
    known = np.isfinite(returns)
    count = np.maximum(known.sum(axis=1), 1)
    mean: FloatArray = np.where(known, returns, 0.0).sum(axis=1) / count
    return mean


def cascade_indicators(index_return: float) -> CascadeIndicators:
    """Return the day's indicators: calm, or stress in proportion to a fall of more than 4 %.

    Daily closes have no funding, open interest or order flow, so on a crash day the indicators are
    assumed, linear in the fall f: open interest -2f, volume ratio 1 + 100f, whale pressure
    10f, netflow z-score 40f, funding 0. Chosen so that real crashes exercise the brake: a fall of
    6 % leaves the limits as they are, 8 % halves them, 9 % quarters them; no fall closes all.
    """
    fall = -index_return
    if fall <= STRESS_FALL:
        return CascadeIndicators()
    return CascadeIndicators(
        funding_rate=0.0,
        oi_change_pct=-min(1.0, 2.0 * fall),
        volume_ratio=1.0 + 100.0 * fall,
        onchain_whale_pressure=min(1.0, 10.0 * fall),
        exchange_netflow_zscore=min(10.0, 40.0 * fall),
    )
