"""Results of an evaluation: daily series by policy and market, saved as JSON.

``Results`` holds two cases, ``long_flat`` and ``long_short``. A case holds its main panel (the
stocks at 5 bps) and the variations of it. A part that was not run is None or empty; the gates
count it as not run. All policies are simulated with alpha = 1: the gates decide what is deployed.
"""

import gzip
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, get_args

from pydantic import TypeAdapter

from inference_server.training.evaluate.calibration import HitFigures
from inference_server.training.evaluate.panels import STRICT, Panel
from inference_server.training.evaluate.volatility import VolatilityFigures

Case = Literal["long_flat", "long_short"]
Section = Literal[
    "gates", "policies", "folds", "robustness", "universes", "phase2", "ablation", "multiplier",
    "volatility", "hits", "overfitting", "failures",
]  # fmt: skip
CASES: Final[tuple[Case, ...]] = ("long_flat", "long_short")


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiplierFigures:
    """The multiplier m over time, across instruments that have a baseline weight.

    Parameters
    ----------
    dates : tuple of str, n
        May be thinned.
    low, median, high : tuple of float, n
        10 %, 50 % and 90 % quantile over the instruments of a day.
    std : float
        Of m over all instrument-days.
    seeds_correlation : float
        Mean correlation of m between trainings that differ in the seed alone.
    """

    __pydantic_config__ = STRICT

    dates: tuple[str, ...]
    low: tuple[float, ...]
    median: tuple[float, ...]
    high: tuple[float, ...]
    std: float
    seeds_correlation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResults:
    """Everything that was run for one case.

    Parameters
    ----------
    main : Panel
        The stocks at 5 bps, with the folds.
    costs : tuple of Panel
        The same days at other costs; the gate reads 10 bps.
    delayed : Panel or None
        Executed one day later.
    drift_neutral : Panel or None
        On returns without drift, ``rl`` and ``kelly_smoothed`` at least.
    second_universe, third_universe : Panel or None
        The ETFs; a NYSE panel.
    other_universes : tuple of Panel
        Reported, and counted in Phase 2 against the benchmarks.
    shuffled_gains : tuple of float
        Sharpe gain over smoothed Kelly of each joint shuffle of time.
    placebo_gains : tuple of float
        The same of each shift of the multipliers, conditional on the sign of the baseline.
    multiplier : MultiplierFigures or None
    volatility : VolatilityFigures or None
    hits : HitFigures or None
    candidates : dict of str to tuple of float
        Daily returns of every configuration tried on the main panel's days, for PBO.
    trial_sharpes : tuple of float
        Annual test Sharpe ratios of the logged trials, for the variance in the deflated ratio.
    serves_transformer : bool
        Whether ``rl`` holds the Transformer; if not, its ablation is reported and decides nothing.
    """

    __pydantic_config__ = STRICT

    main: Panel
    costs: tuple[Panel, ...] = ()
    delayed: Panel | None = None
    drift_neutral: Panel | None = None
    second_universe: Panel | None = None
    third_universe: Panel | None = None
    other_universes: tuple[Panel, ...] = ()
    shuffled_gains: tuple[float, ...] = ()
    placebo_gains: tuple[float, ...] = ()
    multiplier: MultiplierFigures | None = None
    volatility: VolatilityFigures | None = None
    hits: HitFigures | None = None
    candidates: dict[str, tuple[float, ...]] = field(default_factory=dict)
    trial_sharpes: tuple[float, ...] = ()
    serves_transformer: bool = True

    @property
    def universes(self) -> tuple[Panel, ...]:
        """The main panel and every other universe that was run."""
        named = (self.main, self.second_universe, self.third_universe, *self.other_universes)
        return tuple(panel for panel in named if panel is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """A whole evaluation.

    Parameters
    ----------
    created : str
        ISO 8601 date.
    model_version : str
    trials : int
        Lines of the trial log, for both cases together.
    cases : dict of case to CaseResults
    method : tuple of str
        Paragraphs on what was done.
    remarks : dict of section to tuple of str
        Paragraphs by section of the page: ``gates``, ``policies``, ``folds``, ``robustness``,
        ``universes``, ``phase2``, ``ablation``, ``multiplier``, ``volatility``, ``hits``,
        ``overfitting``, ``failures``; another key is refused.
    """

    __pydantic_config__ = STRICT

    created: str
    model_version: str
    trials: int
    cases: dict[Case, CaseResults]
    method: tuple[str, ...] = ()
    remarks: dict[Section, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        unknown = sorted(set(self.remarks) - set(get_args(Section)))
        if unknown:
            raise ValueError(f"remarks must be on a section of the page, were on {unknown}")


RESULTS: Final = TypeAdapter(Results)


def save_results(results: Results, path: Path) -> None:
    """Write all of it as JSON; a name that ends in ``.gz`` is compressed, the same every time."""
    content = RESULTS.dump_json(results)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if path.suffix == ".gz" else content)
