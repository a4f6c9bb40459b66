"""Judge variance forecasts: QLIKE, its test against a rival, and the coverage of intervals.

The target of every figure here is the mean squared simple return of the next ``HORIZON`` = 10
periods. With it, on the 20 US stocks of 2003 to 2022, EWMA(0.94) scores 0.401 and the pooled log
HAR of ``volatility_baselines`` 0.364 (a target of 5 days gives 0.53 for EWMA, one of 20 gives
0.36). All arrays are panels, one column an instrument; NaN is "not known" and is left out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from inference_server.training.evaluate.series import (
    BoolArray,
    FloatArray,
    Span,
    UnusableSeries,
    require_finite,
    require_spans,
)

HORIZON: Final = 10


@dataclass(frozen=True, slots=True)
class VolatilityFigures:
    """Figures of the volatility head beside its rivals.

    Parameters
    ----------
    horizon : int, periods
    observations : int
        Instrument-days that all forecasts cover.
    qlike : dict of str to float
        By forecast; ``head`` is the model's. 0 is perfect.
    qlike_by_fold : dict of str to tuple of float
    t_against : dict of str to float
        Diebold-Mariano t of the head against each rival; below -2 the head is better.
    coverage : tuple of float
        Share of returns inside the head's 80 % interval, by fold.
    """

    horizon: int
    observations: int
    qlike: dict[str, float]
    qlike_by_fold: dict[str, tuple[float, ...]]
    t_against: dict[str, float]
    coverage: tuple[float, ...]


def realised_variance(returns: FloatArray, horizon: int = HORIZON) -> FloatArray:
    r"""Mean squared return of the next periods: the target of a forecast made at the close of t.

    .. math:: y_t = \frac{1}{h} \sum_{k=1}^{h} r_{t+k}^2

    Parameters
    ----------
    returns : ndarray of shape (n_days, n_instruments), simple return a period
        NaN where there is none.
    horizon : int, periods

    Returns
    -------
    ndarray of shape (n_days, n_instruments), squared return a period
        NaN in the last h rows, where a return is missing, and where no price moved: ten equal
        closes are a missing price, not a calm market.
    """
    squares = np.asarray(returns, dtype=np.float64) ** 2
    target = np.full_like(squares, np.nan)
    if len(squares) > horizon:
        windows = np.lib.stride_tricks.sliding_window_view(squares[1:], horizon, axis=0)
        target[:-horizon] = windows.mean(axis=-1)
    return np.where(target > 0.0, target, np.nan)


def qlike(realised: FloatArray, forecast: FloatArray) -> FloatArray:
    r"""QLIKE loss of variance forecasts, zero at the truth.

    .. math:: L = y / f - \ln(y / f) - 1

    Noise in y that is unbiased does not change the ranking of forecasts by their mean loss.

    Parameters
    ----------
    realised, forecast : ndarray of one shape, squared return

    Returns
    -------
    ndarray of that shape, >= 0
        NaN where either is NaN.

    Raises
    ------
    UnusableSeries
        If the shapes differ or a value is 0, negative or infinite.

    References
    ----------
    .. [1] Patton (2011), "Volatility Forecast Comparison Using Imperfect Volatility Proxies",
       Journal of Econometrics 160(1).
    """
    for name, values in (("realised variance", realised), ("variance forecast", forecast)):
        known = values[~np.isnan(values)]
        if known.size and not (known.min() > 0.0 and np.isfinite(known.max())):
            wrong = known.min() if not known.min() > 0.0 else known.max()
            raise UnusableSeries(f"{name} must be > 0 and finite, was {wrong}")
    if realised.shape != forecast.shape:
        raise UnusableSeries(
            f"variance forecast must have shape {realised.shape}, had {forecast.shape}"
        )
    ratio = realised / forecast
    return ratio - np.log(ratio) - 1.0


def diebold_mariano(loss: FloatArray, rival_loss: FloatArray, lags: int = 2 * HORIZON) -> float:
    r"""Test the mean difference of two losses: its t statistic, below 0 if the first is smaller.

    Instruments of one day share its shocks, so each day counts once, by the mean over its
    instruments; targets that overlap correlate over time, so the variance of the mean is that of
    Newey and West with Bartlett weights.

    Parameters
    ----------
    loss, rival_loss : ndarray of shape (n_days, n_instruments) or (n_days,)
        NaN where not known; a day with nothing known in both is left out.
    lags : int, periods
        At least horizon - 1; twice the horizon by default.

    Returns
    -------
    float
        0 if the losses are the same.

    Raises
    ------
    UnusableSeries
        If fewer than lags + 2 days are left.

    References
    ----------
    .. [1] Diebold and Mariano (1995), "Comparing Predictive Accuracy", Journal of Business &
       Economic Statistics 13(3).
    .. [2] Newey and West (1987), "A Simple, Positive Semi-Definite, Heteroskedasticity and
       Autocorrelation Consistent Covariance Matrix", Econometrica 55(3).
    """
    daily = _daily_means(loss - rival_loss)
    series = require_finite("difference of losses", daily, least=lags + 2)
    if not series.any():
        return 0.0
    centred = series - series.mean()
    n = series.size
    autocovariance = np.array([centred[k:] @ centred[: n - k] / n for k in range(lags + 1)])
    weights = 1.0 - np.arange(1, lags + 1) / (lags + 1.0)
    long_run = float(autocovariance[0] + 2.0 * weights @ autocovariance[1:])
    return float(series.mean()) / math.sqrt(long_run / n)


def _rows_within(folds: Sequence[Span], days: int) -> BoolArray:
    rows = np.zeros(days, dtype=np.bool_)
    for start, stop in folds:
        rows[start:stop] = True
    return rows


def _days_judged(losses: Mapping[str, FloatArray], rows: BoolArray) -> BoolArray:
    """Return the instrument-days of these rows that every rival knows; the head must know them."""
    rivals = [~np.isnan(loss) for name, loss in losses.items() if name != "head"]
    known: BoolArray = rows[:, None] & np.all(rivals, axis=0)
    silent = int(np.count_nonzero(known & np.isnan(losses["head"])))
    if silent:
        raise UnusableSeries(f"head must forecast all {known.sum()} days judged, left out {silent}")
    return known


def _fold_means(loss: FloatArray, known: BoolArray, folds: Sequence[Span]) -> tuple[float, ...]:
    return tuple(_mean_known(loss[start:stop][known[start:stop]]) for start, stop in folds)


def judge_forecasts(
    realised: FloatArray,
    forecasts: Mapping[str, FloatArray],
    folds: Sequence[Span],
    *,
    coverage: Sequence[float] = (),
    horizon: int = HORIZON,
) -> VolatilityFigures:
    """Compare the model's forecast, named ``head``, with its rivals on the same instrument-days.

    Parameters
    ----------
    realised : ndarray of shape (n_days, n_instruments), squared return
        From :func:`realised_variance`.
    forecasts : mapping of str to ndarray of that shape, variance a period
        With the key ``head``.
    folds : sequence of (start, stop), rows
        Only these rows are judged.
    coverage : sequence of float
        From :func:`intervals.walk_coverage`.
    horizon : int, periods

    Returns
    -------
    VolatilityFigures

    Raises
    ------
    UnusableSeries
        As :func:`qlike`, or if the head leaves out an instrument-day that all rivals know;
        answering less must not score better.
    """
    require_spans(folds, len(realised))
    if "head" not in forecasts or len(forecasts) < 2:
        raise UnusableSeries(f"forecasts must name head and a rival, were {sorted(forecasts)}")
    losses = {name: qlike(realised, values) for name, values in forecasts.items()}
    rows = _rows_within(folds, len(realised))
    known = _days_judged(losses, rows)
    shared = {name: np.where(known, loss, np.nan)[rows] for name, loss in losses.items()}
    head = shared["head"]
    rivals = {name: loss for name, loss in shared.items() if name != "head"}
    return VolatilityFigures(
        horizon=horizon,
        observations=int(known.sum()),
        qlike={name: _mean_known(loss) for name, loss in shared.items()},
        qlike_by_fold={name: _fold_means(loss, known, folds) for name, loss in losses.items()},
        t_against={name: diebold_mariano(head, loss, 2 * horizon) for name, loss in rivals.items()},
        coverage=tuple(coverage),
    )


def _mean_known(loss: FloatArray) -> float:
    known = loss[~np.isnan(loss)]
    return float(require_finite("losses", known, least=1).mean())


def _daily_means(difference: FloatArray) -> FloatArray:
    table = difference.reshape(len(difference), -1)
    counts = np.count_nonzero(~np.isnan(table), axis=1)
    means: FloatArray = np.nansum(table, axis=1)[counts > 0] / counts[counts > 0]
    return means
