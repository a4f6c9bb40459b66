"""Judge a hit probability: calibration error, Brier score, skill, reliability table."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from inference_server.training.evaluate.series import FloatArray, UnusableSeries, require_finite

BINS: Final = 10


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Mean forecast, share of hits and count of one bin."""

    predicted: float
    observed: float
    count: int


@dataclass(frozen=True, slots=True)
class HitFigures:
    """Figures of a probability forecast of a yes or no.

    Parameters
    ----------
    count : int
        Forecasts.
    base_rate : float
        Share of hits among them.
    ece, ece_width : float
        Expected calibration error over 10 bins of equal mass, and of equal width.
    brier, brier_base : float
        Brier score of the forecast, and of always saying the base rate.
    skill : float
        1 - brier / brier_base; above 0 is better than the base rate.
    table : tuple of ReliabilityBin
        The bins of equal mass, from the lowest.
    """

    count: int
    base_rate: float
    ece: float
    ece_width: float
    brier: float
    brier_base: float
    skill: float
    table: tuple[ReliabilityBin, ...]


def reliability_table(
    probability: ArrayLike, hit: ArrayLike, bins: int = BINS, *, equal_mass: bool = True
) -> tuple[ReliabilityBin, ...]:
    """Mean forecast and share of hits, bin by bin.

    Parameters
    ----------
    probability : array_like of shape (n,), in [0, 1]
    hit : array_like of shape (n,), 0 or 1
    bins : int
    equal_mass : bool
        Bins of equal count in order of the forecast, equal forecasts never parted; else of equal
        width over [0, 1].

    Returns
    -------
    tuple of ReliabilityBin
        Without the empty ones.

    Raises
    ------
    UnusableSeries
        If a value is NaN, a probability out of range, a hit neither 0 nor 1, or the lengths differ.
    """
    forecast, outcome = _checked(probability, hit)
    edges = _mass_edges(forecast, bins) if equal_mass else np.arange(1, bins) / bins
    place = np.searchsorted(edges, forecast, side="right")
    return tuple(
        ReliabilityBin(
            float(forecast[inside].mean()), float(outcome[inside].mean()), int(inside.sum())
        )
        for inside in (place == index for index in range(edges.size + 1))
        if inside.any()
    )


def calibration_error(table: tuple[ReliabilityBin, ...]) -> float:
    """Average the distance of forecast and outcome over the bins, weighted by count (ECE).

    References
    ----------
    .. [1] Naeini, Cooper and Hauskrecht (2015), "Obtaining Well Calibrated Probabilities Using
       Bayesian Binning", AAAI.
    """
    total = sum(each.count for each in table)
    return sum(each.count * abs(each.predicted - each.observed) for each in table) / total


def brier_score(probability: ArrayLike, hit: ArrayLike) -> float:
    """Mean squared distance of forecast and outcome, 0 is best.

    Raises
    ------
    UnusableSeries
        As :func:`reliability_table`.

    References
    ----------
    .. [1] Brier (1950), "Verification of Forecasts Expressed in Terms of Probability", Monthly
       Weather Review 78(1). Brier sums over both outcomes, which doubles it.
    """
    forecast, outcome = _checked(probability, hit)
    return float(np.mean((forecast - outcome) ** 2))


def summarise_hits(probability: ArrayLike, hit: ArrayLike) -> HitFigures:
    """All figures of a hit probability, both arrays (n,).

    The base rate is that of the very outcomes judged: no constant known in advance does better, so
    skill over it is the severe reading.

    Raises
    ------
    UnusableSeries
        As :func:`reliability_table`, or if every outcome is the same.
    """
    forecast, outcome = _checked(probability, hit)
    base = float(outcome.mean())
    brier, brier_base = brier_score(forecast, outcome), base * (1.0 - base)
    if not brier_base > 0.0:
        raise UnusableSeries(f"hits must hold both outcomes, were all {base:.0f}")
    table = reliability_table(forecast, outcome)
    return HitFigures(
        count=forecast.size,
        base_rate=base,
        ece=calibration_error(table),
        ece_width=calibration_error(reliability_table(forecast, outcome, equal_mass=False)),
        brier=brier,
        brier_base=brier_base,
        skill=1.0 - brier / brier_base,
        table=table,
    )


def _mass_edges(forecast: FloatArray, bins: int) -> FloatArray:
    """Forecasts at which a new bin begins; ties fall into one bin."""
    ordered = np.sort(forecast)
    starts = (np.arange(1, bins) * ordered.size) // bins
    return np.unique(ordered[starts])


def _checked(probability: ArrayLike, hit: ArrayLike) -> tuple[FloatArray, FloatArray]:
    forecast = require_finite("probability", probability, least=1)
    outcome = require_finite("hit", np.asarray(hit, dtype=np.float64), least=1)
    if forecast.size != outcome.size:
        raise UnusableSeries(f"hit must have {forecast.size} values, had {outcome.size}")
    if float(forecast.min()) < 0.0 or float(forecast.max()) > 1.0:
        worst = forecast.min() if forecast.min() < 0.0 else forecast.max()
        raise UnusableSeries(f"probability must be in [0, 1], was {worst}")
    if not np.isin(outcome, (0.0, 1.0)).all():
        raise UnusableSeries("hit must be 0 or 1, was neither")
    return forecast, outcome
