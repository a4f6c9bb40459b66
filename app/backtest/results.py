"""What a backtest found: figures by policy, by year and by fold, and the learned policies' gain."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from app.backtest.figures import annual_return, calmar, drawdowns, sortino
from app.backtest.options import KELLY_SMOOTHED, LEARNED
from app.backtest.session import Played
from app.core.types import FloatArray
from app.history.gain import SharpeGain, sharpe, sharpe_gain
from app.history.prices import DateArray
from app.history.quality import PanelQuality

FOLDS: Final = 4


@dataclass(frozen=True, slots=True)
class Figures:
    """One policy over some days, net of cost; None where a ratio has no denominator.

    Parameters
    ----------
    annual_return, annual_volatility, total_return : float, simple
    sharpe, sortino, calmar : float or None, annual
    max_drawdown : float in [0, 1]
    turnover_per_year : float
        Notional traded a year over portfolio value.
    cost_per_year : float, fraction of portfolio value
    gross_mean, net_mean : float, fraction of portfolio value
    """

    n_days: int
    annual_return: float
    annual_volatility: float
    total_return: float
    sharpe: float | None
    sortino: float | None
    max_drawdown: float
    calmar: float | None
    turnover_per_year: float
    cost_per_year: float
    gross_mean: float
    net_mean: float


@dataclass(frozen=True, slots=True)
class Span:
    """Figures of every policy on some of the days; ``gain`` by learned policy."""

    name: str
    first: str
    last: str
    figures: Mapping[str, Figures]
    gain: Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that is reported.

    Parameters
    ----------
    dates : ndarray of shape (n + 1,), datetime64[D]
        Decision days, then the close after the last one.
    periods : float
        Observations a year.
    played : mapping of policy to Played
    figures : mapping of policy to Figures
    gains : mapping of learned policy to SharpeGain
        Against ``kelly_smoothed``.
    notes : mapping of policy to str
        Why a policy, or its gain, is not there, or what to know of it.
    years, folds : sequence of Span
    quality : PanelQuality
        Of the whole price file, empty columns included.
    """

    dates: DateArray
    periods: float
    played: Mapping[str, Played]
    figures: Mapping[str, Figures]
    gains: Mapping[str, SharpeGain]
    notes: Mapping[str, str]
    years: Sequence[Span]
    folds: Sequence[Span]
    quality: PanelQuality


def find_results(
    dates: DateArray,
    periods: float,
    played: Mapping[str, Played],
    notes: Mapping[str, str],
    quality: PanelQuality,
) -> Results:
    """Count everything that is reported of the played policies."""
    every = slice(0, len(dates) - 1)
    said = dict(notes)
    gains: dict[str, SharpeGain] = {}
    for name in (name for name in LEARNED if name in played):
        said |= _remarks(played[name])
        gain = _gain(name, played, periods)
        if gain is not None:
            gains[name] = gain
        elif KELLY_SMOOTHED not in played:
            said[name] = "no gain: kelly_smoothed was not played"
    return Results(
        dates=dates,
        periods=periods,
        played=played,
        figures={name: figures_of(each, every, periods) for name, each in played.items()},
        gains=gains,
        notes=said,
        years=[_span(year, days, dates, played, periods) for year, days in _years(dates)],
        folds=[_span(fold, days, dates, played, periods) for fold, days in _folds(len(dates) - 1)],
        quality=quality,
    )


def figures_of(played: Played, days: slice, periods: float) -> Figures:
    """Count the figures of one policy on some of its days."""
    run = played.run
    returns, weights = run.returns[days], run.weights[days]
    return Figures(
        n_days=len(returns),
        annual_return=annual_return(returns, periods),
        annual_volatility=float(returns.std()) * periods**0.5,
        total_return=float(np.expm1(np.log1p(returns).sum())),
        sharpe=sharpe(returns, periods),
        sortino=sortino(returns, periods),
        max_drawdown=float(drawdowns(returns).max()),
        calmar=calmar(returns, periods),
        turnover_per_year=float(run.turnover[days].mean()) * periods,
        cost_per_year=float(run.cost_pct[days].mean()) * periods,
        gross_mean=float(np.abs(weights).sum(axis=1).mean()),
        net_mean=float(weights.sum(axis=1).mean()),
    )


def multiplier_band(played: Played) -> FloatArray | None:
    """Lower decile, median, upper decile of the day's multipliers, (n, 3); None without RL.

    A day's multipliers are the blended weights over Phase 2's, of the symbols that have one; NaN
    on days when Phase 2 decided.
    """
    sizer = played.sizer
    if sizer is None or not sizer.multipliers:
        return None
    band = np.full((len(played.run.rows), 3), np.nan)
    for place, row in enumerate(played.run.rows):
        values = sizer.multipliers.get(row)
        if values is not None and len(values):
            band[place] = np.quantile(values, (0.1, 0.5, 0.9))
    return band


def decisions_of(played: Played) -> dict[str, int]:
    """Days of the figures by ``rl`` or the reason of the fallback; empty for a benchmark."""
    if played.sizer is None:
        return {}
    made = played.sizer.decisions
    return dict(Counter(made[row] for row in played.run.rows if row in made).most_common())


def as_json(figures: Figures, gain: SharpeGain | None) -> dict[str, float | int | None]:
    """Figures of one policy with its gain, as plain numbers."""
    plain = asdict(figures)
    return plain if gain is None else plain | asdict(gain)


def _gain(name: str, played: Mapping[str, Played], periods: float) -> SharpeGain | None:
    reference = played.get(KELLY_SMOOTHED)
    if reference is None:
        return None
    return sharpe_gain(played[name].run.returns, reference.run.returns, periods)


def _remarks(played: Played) -> dict[str, str]:
    counts = Counter(decisions_of(played))
    fallbacks = counts.total() - counts["rl"]
    if not fallbacks:
        return {}
    reasons = ", ".join(f"{reason} {count}" for reason, count in counts.items() if reason != "rl")
    return {played.name: f"{fallbacks} of {counts.total()} decisions were Phase 2's own: {reasons}"}


def _span(
    name: str, days: slice, dates: DateArray, played: Mapping[str, Played], periods: float
) -> Span:
    figures = {each: figures_of(run, days, periods) for each, run in played.items()}
    reference = figures[KELLY_SMOOTHED].sharpe if KELLY_SMOOTHED in figures else None
    return Span(
        name=name,
        first=str(dates[days.start]),
        last=str(dates[days.stop]),
        figures=figures,
        gain={
            each: _difference(figures[each].sharpe, reference)
            for each in LEARNED
            if each in figures
        },
    )


def _difference(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or theirs is None else ours - theirs


def _years(dates: DateArray) -> list[tuple[str, slice]]:
    # a return belongs to the year in which it ends
    year = dates[1:].astype("datetime64[Y]").astype(np.int64) + 1970
    firsts = np.flatnonzero(np.diff(year, prepend=year[0] - 1)).tolist()
    bounds = [*firsts, len(year)]
    return [(str(year[start]), slice(start, stop)) for start, stop in pairwise(bounds)]


def _folds(days: int) -> list[tuple[str, slice]]:
    bounds = [days * fold // FOLDS for fold in range(FOLDS + 1)]
    return [
        (f"fold {fold + 1}", slice(start, stop))
        for fold, (start, stop) in enumerate(pairwise(bounds))
    ]
