"""Daily series of several policies on one market."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import ArrayLike
from pydantic import ConfigDict

from inference_server.training.evaluate.series import (
    FloatArray,
    UnusableSeries,
    require_finite,
    require_returns,
    require_spans,
)
from inference_server.training.evaluate.statistics import TRADING_DAYS

STRICT: Final = ConfigDict(extra="forbid")
# the policy that is served, the one it must beat, the two of the ablation, and what Phase 2 meets
SERVED: Final = "rl"
REFERENCE: Final = "kelly_smoothed"
LINEAR: Final = "linear"
TRANSFORMER: Final = "transformer"
BENCHMARKS: Final = ("equal_weight", "vol_target")


@dataclass(frozen=True, slots=True)
class DailySeries:
    """One policy day by day.

    Parameters
    ----------
    returns : tuple of float, n_days
        Simple, net of cost.
    turnover : tuple of float, n_days
        Traded notional over portfolio value, >= 0.
    """

    __pydantic_config__ = STRICT

    returns: tuple[float, ...]
    turnover: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Fold:
    """A stretch of days held out together: rows ``start`` to before ``stop``."""

    __pydantic_config__ = STRICT

    name: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Daily series of several policies on one market and the same days.

    Parameters
    ----------
    name : str
    dates : tuple of str, n_days
        ISO 8601; synthetic where ``dated`` is False.
    policies : dict of str to DailySeries
        ``equal_weight``, ``vol_target``, ``kelly``, ``kelly_smoothed``, ``linear``, ``rl`` (what is
        served) and, where it is not the served one, ``transformer``.
    folds : tuple of Fold
    cost_bps : float
        Of traded notional, already taken off the returns.
    periods_per_year : float
    dated : bool
    """

    __pydantic_config__ = STRICT

    name: str
    dates: tuple[str, ...]
    policies: dict[str, DailySeries]
    folds: tuple[Fold, ...] = ()
    cost_bps: float = 5.0
    periods_per_year: float = TRADING_DAYS
    dated: bool = True

    def __post_init__(self) -> None:
        for name, series in self.policies.items():
            require_returns(f"returns of {name}", series.returns)
            require_finite(f"turnover of {name}", series.turnover)
            for values in (series.returns, series.turnover):
                if len(values) != len(self.dates):
                    raise UnusableSeries(
                        f"{name} must have {len(self.dates)} days in {self.name}, had {len(values)}"
                    )
        require_spans([(fold.start, fold.stop) for fold in self.folds], len(self.dates))

    def returns(self, policy: str) -> FloatArray:
        """Net returns of a policy, shape (n_days,)."""
        return np.array(self.policies[policy].returns)

    def cut(self, fold: Fold) -> "Panel":
        """Return the days of one fold as a panel of its own, named after it."""
        rows = slice(fold.start, fold.stop)
        return replace(
            self,
            name=fold.name,
            dates=self.dates[rows],
            folds=(),
            policies={
                name: DailySeries(series.returns[rows], series.turnover[rows])
                for name, series in self.policies.items()
            },
        )


def daily_series(returns: ArrayLike, turnover: ArrayLike) -> DailySeries:
    """Return the series of a policy's net returns and turnover, both (n_days,), to 1e-9."""
    return DailySeries(rounded(returns), rounded(turnover))


def rounded(values: ArrayLike) -> tuple[float, ...]:
    """Return floats rounded to nine places: finer than any figure shown, half the JSON."""
    return tuple(np.round(np.asarray(values, dtype=np.float64), 9).tolist())


def build_panel(
    name: str, dates: ArrayLike, policies: Mapping[str, tuple[ArrayLike, ArrayLike]]
) -> Panel:
    """Build a panel from arrays: dates (n_days,) datetime64, policy -> (returns, turnover)."""
    days = np.asarray(dates, dtype="datetime64[D]")
    return Panel(
        name=name,
        dates=tuple(str(day) for day in days),
        policies={
            policy: daily_series(returns, turnover)
            for policy, (returns, turnover) in policies.items()
        },
    )


def year_folds(dates: Sequence[str], first_years: Sequence[int]) -> tuple[Fold, ...]:
    """Folds that begin with given years and end where the next begins.

    Raises
    ------
    UnusableSeries
        If a fold would be empty.
    """
    years = np.array([int(day[:4]) for day in dates])
    starts = [int(np.searchsorted(years, year)) for year in first_years]
    stops = [*starts[1:], len(years)]
    require_spans(list(zip(starts, stops, strict=True)), len(years))
    return tuple(
        Fold(f"{years[start]}-{years[stop - 1]}", start, stop)
        for start, stop in zip(starts, stops, strict=True)
    )
