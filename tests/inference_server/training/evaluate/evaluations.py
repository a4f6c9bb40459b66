"""Small made-up evaluations: one that meets every gate, to vary one thing from."""

import numpy as np

from inference_server.training.evaluate.bootstrap import BootstrapParams
from inference_server.training.evaluate.calibration import HitFigures, ReliabilityBin
from inference_server.training.evaluate.panels import DailySeries, Fold, Panel, daily_series
from inference_server.training.evaluate.results import (
    Case,
    CaseResults,
    MultiplierFigures,
    Results,
)
from inference_server.training.evaluate.series import FloatArray
from inference_server.training.evaluate.volatility import VolatilityFigures

DAYS = 800
# few draws: what is tested is the way of the figures, not the tails of the interval
QUICK = BootstrapParams(draws=50)
# Sharpe ratios a year, apart far enough that 800 days tell them from each other
STRENGTH = {
    "equal_weight": 0.2,
    "vol_target": 0.4,
    "kelly": 0.6,
    "kelly_smoothed": 1.0,
    "linear": 1.8,
    "transformer": 2.4,
    "rl": 2.4,
}


def series_of(strength: float, noise: FloatArray) -> DailySeries:
    """Make a series whose annual Sharpe ratio is the given one."""
    white = (noise - noise.mean()) / noise.std(ddof=1)
    return daily_series(0.01 * (white + strength / np.sqrt(252.0)), np.full(noise.size, 0.05))


def strong_panel(name: str = "stocks", cost_bps: float = 5.0, days: int = DAYS) -> Panel:
    noise = np.random.default_rng(7).standard_normal(days)
    start = np.datetime64("2003-01-01")
    quarter = days // 4
    return Panel(
        name=name,
        dates=tuple(str(start + day) for day in range(days)),
        policies={policy: series_of(strength, noise) for policy, strength in STRENGTH.items()},
        folds=tuple(
            Fold(f"fold {number + 1}", number * quarter, (number + 1) * quarter)
            for number in range(4)
        ),
        cost_bps=cost_bps,
    )


def strong_case() -> CaseResults:
    rng = np.random.default_rng(11)
    return CaseResults(
        main=strong_panel(),
        costs=(strong_panel(cost_bps=2.0), strong_panel(cost_bps=10.0)),
        delayed=strong_panel("one day later"),
        drift_neutral=strong_panel("drift-neutral"),
        second_universe=strong_panel("etfs"),
        third_universe=strong_panel("nyse"),
        shuffled_gains=tuple(rng.normal(0.0, 0.1, 50).tolist()),
        placebo_gains=tuple(rng.normal(0.0, 0.1, 200).tolist()),
        multiplier=MultiplierFigures(
            dates=("2003-01-01", "2003-02-01"),
            low=(0.6, 0.5),
            median=(1.0, 1.1),
            high=(1.4, 1.6),
            std=0.3,
            seeds_correlation=0.9,
        ),
        volatility=VolatilityFigures(
            horizon=10,
            observations=1000,
            qlike={"head": 0.329, "har": 0.364, "ewma": 0.401},
            qlike_by_fold={"head": (0.329,) * 4, "har": (0.364,) * 4, "ewma": (0.401,) * 4},
            t_against={"har": -4.0, "ewma": -9.0},
            coverage=(0.79, 0.8, 0.81, 0.8),
        ),
        hits=HitFigures(
            count=1000,
            base_rate=0.52,
            ece=0.01,
            ece_width=0.012,
            brier=0.247,
            brier_base=0.2496,
            skill=0.0104,
            table=(ReliabilityBin(0.5, 0.5, 500), ReliabilityBin(0.54, 0.54, 500)),
        ),
        candidates={
            name: strong_panel().policies[name].returns for name in ("linear", "transformer")
        },
        trial_sharpes=(0.9, 1.0, 1.1),
    )


def strong_results(*cases: Case) -> Results:
    return Results(
        created="2023-01-01",
        model_version="made-up-1",
        trials=30,
        cases={case: strong_case() for case in cases or ("long_flat", "long_short")},
        method=("A made-up evaluation.",),
        remarks={"ablation": ("Nothing was distilled.",), "failures": ("A wider net did worse.",)},
    )
