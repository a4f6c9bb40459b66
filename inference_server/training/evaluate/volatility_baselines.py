"""The rivals of the volatility head: EWMA, HAR and GARCH-t, each from the past only.

Row t of a forecast uses returns up to and including t and is for the mean squared return of the
next ``horizon`` periods. Panels are (n_days, n_instruments); NaN is a missing return. On the 20 US
stocks, 2003 to 2022, refitted each year, QLIKE is 0.401 for EWMA(0.94), 0.364 for this HAR (0.386
with Corsi's three windows, the quarter's window left out) and 0.376 for GARCH-t (0.39 refitted
every five years).
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

import numpy as np
from arch import arch_model

from inference_server.training.evaluate.series import (
    BoolArray,
    FloatArray,
    UnusableSeries,
    require_finite,
    require_spans,
)
from inference_server.training.evaluate.volatility import HORIZON, realised_variance

# day, week, month of Corsi, and a quarter: the harder rival
WINDOWS: Final = (1, 5, 22, 66)
# a day without a move would have the logarithm of zero; a fifth of the longest window is added
FLOOR: Final = 0.2
# arch is scaled for returns in percent
PERCENT: Final = 100.0


def ewma_variance(returns: FloatArray, decay: float = 0.94) -> FloatArray:
    r"""Exponentially weighted mean of squared returns, weights normalised from the first day.

    .. math:: f_t = \sum_k \lambda^k r_{t-k}^2 / \sum_k \lambda^k

    Parameters
    ----------
    returns : ndarray of shape (n_days, n_instruments), simple return a period
        A missing one leaves the estimate as it was.
    decay : float in (0, 1)

    Returns
    -------
    ndarray of shape (n_days, n_instruments), squared return a period
        NaN until the first return that is not 0.

    References
    ----------
    .. [1] J.P. Morgan/Reuters (1996), "RiskMetrics Technical Document", fourth edition,
       chapter 5.
    """
    squares = np.asarray(returns, dtype=np.float64) ** 2
    known = ~np.isnan(squares)
    total, weight = np.zeros(squares.shape[1]), np.zeros(squares.shape[1])
    variance = np.full_like(squares, np.nan)
    for row, (square, is_known) in enumerate(zip(np.nan_to_num(squares), known, strict=True)):
        keep = np.where(is_known, decay, 1.0)
        total = keep * total + square
        weight = keep * weight + is_known
        variance[row] = np.where(total > 0.0, total / np.maximum(weight, 1.0), np.nan)
    return variance


def har_variance(
    returns: FloatArray,
    refits: Sequence[int],
    horizon: int = HORIZON,
    *,
    windows: Sequence[int] = WINDOWS,
) -> FloatArray:
    r"""Heterogeneous autoregression on logarithms of past variance, pooled over the instruments.

    .. math:: \ln f_t = b_0 + \sum_k b_k \ln\left( \bar v_{t,k} + \epsilon \bar v_{t,K} \right)

    with :math:`\bar v_{t,k}` the mean squared return of the last k periods. The coefficients
    minimise the mean QLIKE (a gamma regression with logarithmic link, convex) over everything known
    before each refit.

    Parameters
    ----------
    returns : ndarray of shape (n_days, n_instruments), simple return a period
    refits : sequence of int, ascending rows
        The model of each is fitted on targets that end before it, and used from there on.
    horizon : int, periods
    windows : sequence of int, ascending, periods

    Returns
    -------
    ndarray of shape (n_days, n_instruments), squared return a period
        NaN before the first refit and where the longest window is not full.

    Raises
    ------
    UnusableSeries
        If the rows do not ascend or there is too little before the first.

    References
    ----------
    .. [1] Corsi (2009), "A Simple Approximate Long-Memory Model of Realized Volatility", Journal of
       Financial Econometrics 7(2).
    """
    features = _log_windows(np.asarray(returns, dtype=np.float64), windows)
    target = realised_variance(returns, horizon)
    usable: BoolArray = np.all(np.isfinite(features), axis=-1)
    forecast = np.full_like(target, np.nan)
    for start, stop in _stretches(refits, len(target)):
        end = max(0, start - horizon)
        past = usable[:end] & ~np.isnan(target[:end])
        b = fit_qlike(features[:end][past], target[:end][past])
        rows = usable[start:stop]
        forecast[start:stop][rows] = np.exp(features[start:stop][rows] @ b)
    return forecast


def fit_qlike(features: FloatArray, target: FloatArray) -> FloatArray:
    """Coefficients b for which exp(features @ b) has the least mean QLIKE, by Newton's method.

    Parameters
    ----------
    features : ndarray of shape (n, k), the first column a constant 1
    target : ndarray of shape (n,), > 0

    Returns
    -------
    ndarray of shape (k,)

    Raises
    ------
    UnusableSeries
        If there are not ten observations a coefficient, or it does not settle in 100 steps.
    """
    if len(target) < 10 * features.shape[1]:
        raise UnusableSeries(
            f"a fit of {features.shape[1]} coefficients must have ten observations each, "
            f"had {len(target)}"
        )
    b = _least_squares(features, np.log(target))
    b[0] += np.log(np.mean(target * np.exp(-features @ b)))
    for _ in range(100):
        ratio = target * np.exp(-features @ b)
        curvature = features.T @ (features * ratio[:, None])
        step = _least_squares(curvature, features.T @ (ratio - 1.0))
        # from the least squares start a full step can overshoot, a bounded one cannot
        b += step * min(1.0, 1.0 / max(1e-300, float(np.abs(features @ step).max())))
        if float(np.abs(step).max()) < 1e-9:
            return b
    raise UnusableSeries(f"the QLIKE fit must settle in 100 steps, last moved by {step}")


def _least_squares(matrix: FloatArray, right: FloatArray) -> FloatArray:
    return np.asarray(np.linalg.lstsq(matrix, right, rcond=None)[0], dtype=np.float64)


def garch_variance(
    returns: FloatArray, refits: Sequence[int], horizon: int = HORIZON
) -> FloatArray:
    """GARCH(1,1) with Student's t, mean zero, each instrument alone, refitted at given rows.

    Parameters
    ----------
    returns : ndarray of shape (n_days, n_instruments), simple return a period
        Missing ones are skipped; those before the first move do not count.
    refits : sequence of int, ascending rows
        The parameters of each are fitted on returns before it, and used from there on.
    horizon : int, periods
        The forecast is the mean of the next variances.

    Returns
    -------
    ndarray of shape (n_days, n_instruments), squared return a period
        NaN before the first refit and where the return is missing.

    Raises
    ------
    UnusableSeries
        If the rows do not ascend, or an instrument has fewer than 250 returns before the first.

    References
    ----------
    .. [1] Bollerslev (1987), "A Conditionally Heteroskedastic Time Series Model for Speculative
       Prices and Rates of Return", The Review of Economics and Statistics 69(3).
    """
    panel = np.asarray(returns, dtype=np.float64)
    forecast = np.full_like(panel, np.nan)
    for column in range(panel.shape[1]):
        moves = np.flatnonzero(np.nan_to_num(panel[:, column]))
        rows = np.flatnonzero(~np.isnan(panel[:, column]))
        rows = rows[rows >= (moves[0] if moves.size else len(panel))]
        series = PERCENT * panel[rows, column]
        for start, stop in _stretches(refits, len(panel)):
            first, last = np.searchsorted(rows, (start, stop))
            if first < 250:
                raise UnusableSeries(
                    f"column {column} must have 250 returns before row {start}, had {first}"
                )
            if last > first:
                forecast[rows[first:last], column] = _garch_path(series[:last], int(first), horizon)
    return forecast


def _garch_path(series: FloatArray, first: int, horizon: int) -> FloatArray:
    """Mean of the next variances at each place from ``first`` on, fitted on those before it."""
    model: Any = arch_model(series, mean="Zero", vol="GARCH", dist="t", rescale=False)
    fitted = model.fit(last_obs=first, disp="off", show_warning=False)
    ahead = fitted.forecast(horizon=horizon, start=first, reindex=False).variance.to_numpy()
    path = np.asarray(ahead, dtype=np.float64).mean(axis=1) / PERCENT**2
    return require_finite("variance forecast of GARCH", path, least=1)


def _log_windows(returns: FloatArray, windows: Sequence[int]) -> FloatArray:
    """Constant and log mean square of each window, (n_days, n_instruments, 1 + n_windows)."""
    squares = returns**2
    means = [_trailing_mean(squares, window) for window in windows]
    long = np.where(means[-1] > 0.0, means[-1], np.nan)
    logs: list[FloatArray] = [np.log(mean + FLOOR * long) for mean in means[:-1]]
    return np.stack([np.ones_like(long), *logs, np.log(long)], axis=-1)


def _trailing_mean(values: FloatArray, window: int) -> FloatArray:
    means = np.full_like(values, np.nan)
    if len(values) >= window:
        windows = np.lib.stride_tricks.sliding_window_view(values, window, axis=0)
        means[window - 1 :] = windows.mean(axis=-1)
    return means


def _stretches(refits: Sequence[int], rows: int) -> list[tuple[int, int]]:
    stretches = list(pairwise([*refits, rows]))
    require_spans(stretches, rows)
    return stretches
