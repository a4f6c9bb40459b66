"""Compute the figures of the gates and the page from daily series."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from inference_server.training.evaluate.bootstrap import STANDARD, BootstrapParams, PairedGain
from inference_server.training.evaluate.overfitting import (
    OverfittingProbability,
    deflated_sharpe,
    overfitting_probability,
    probabilistic_sharpe,
    return_moments,
)
from inference_server.training.evaluate.panel_figures import PanelFigures, measure_panel
from inference_server.training.evaluate.panels import BENCHMARKS, REFERENCE, SERVED
from inference_server.training.evaluate.results import CaseResults

# every figure a gate may read, with None for what was not run
Figures = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """Figures of one case; ``values`` is what the gates read."""

    main: PanelFigures
    folds: tuple[PanelFigures, ...]
    costs: tuple[PanelFigures, ...]
    delayed: PanelFigures | None
    drift_neutral: PanelFigures | None
    universes: tuple[PanelFigures, ...]
    overfitting: OverfittingProbability | None
    trials: int
    values: dict[str, float | None]


def measure_case(
    results: CaseResults, trials: int, params: BootstrapParams = STANDARD
) -> CaseFigures:
    """Figures of everything that was run for a case.

    Parameters
    ----------
    results : CaseResults
    trials : int
        All that are in the log, whatever their case.
    params : BootstrapParams

    Returns
    -------
    CaseFigures
        With None in ``values`` for what was not run.
    """
    main = measure_panel(results.main, params)
    folds = tuple(measure_panel(results.main.cut(fold), params) for fold in results.main.folds)
    costs = tuple(measure_panel(panel, params) for panel in results.costs)
    universes = tuple(measure_panel(panel, params) for panel in results.universes[1:])
    delayed = measure_panel(results.delayed, params) if results.delayed else None
    neutral = measure_panel(results.drift_neutral, params) if results.drift_neutral else None
    pbo = _overfitting(results)
    # a log that lost lines must not flatter: what is handed over counts at least
    count = max(trials, len(results.trial_sharpes))
    values = {
        **_interval("gain", _served_gain(main)),
        **_against_reference(main),
        **_fold_values(folds),
        **_chance(results, _served_gain(main)),
        **_interval("neutral_gain", _served_gain(neutral)),
        **_execution(main, delayed, costs),
        **_interval("transformer_gain", main.ablation),
        **_heads(results),
        **_universe_values(results, universes),
        "phase2_worst_gain": _worst_phase2([main, *universes]),
        **_deflated(results, count),
        "pbo": pbo.pbo if pbo else None,
    }
    return CaseFigures(main, folds, costs, delayed, neutral, universes, pbo, count, values)


def _served_gain(figures: PanelFigures | None) -> PairedGain | None:
    return figures.gains.get(SERVED) if figures else None


def _interval(name: str, gain: PairedGain | None) -> dict[str, float | None]:
    return {
        name: gain.gain if gain else None,
        f"{name}_low": gain.ci_low if gain else None,
        f"{name}_high": gain.ci_high if gain else None,
        f"{name}_p": gain.p if gain else None,
    }


def _against_reference(main: PanelFigures) -> dict[str, float | None]:
    drawdown = main.drawdowns.get(SERVED)
    ratio = None
    if {SERVED, REFERENCE} <= set(main.policies):
        ratio = _calmar_ratio(main.policies[SERVED].calmar, main.policies[REFERENCE].calmar)
    return {"drawdown_ratio": drawdown.ratio if drawdown else None, "calmar_ratio": ratio}


def _calmar_ratio(ours: float, theirs: float) -> float:
    """Ratio of two Calmar ratios; a gain against a loss is infinite, a loss never counts."""
    if ours == theirs:
        return 1.0
    if theirs > 0.0:
        return ours / theirs if math.isfinite(theirs) else 0.0
    return math.inf if ours > 0.0 else 0.0


def _fold_values(folds: tuple[PanelFigures, ...]) -> dict[str, float | None]:
    gains = [gain.gain for gain in map(_served_gain, folds) if gain]
    known = bool(folds) and len(gains) == len(folds)
    improved = sum(gain > 0.0 for gain in gains)
    return {
        "folds": float(len(folds)) if known else None,
        "folds_improved": float(improved) if known else None,
        "folds_improved_share": improved / len(folds) if known else None,
    }


def _chance(results: CaseResults, gain: PairedGain | None) -> dict[str, float | None]:
    """Return the rank of the real gain among those of shuffled time and shifted multipliers."""
    values: dict[str, float | None] = dict.fromkeys(
        ("shuffles", "shuffled_mean", "shuffle_share_below", "placebo_shifts", "placebo_p")
    )
    if results.shuffled_gains and gain:
        shuffled = np.array(results.shuffled_gains)
        values["shuffles"] = float(shuffled.size)
        values["shuffled_mean"] = float(shuffled.mean())
        values["shuffle_share_below"] = float(np.mean(shuffled < gain.gain))
    if results.placebo_gains and gain:
        reached = np.count_nonzero(np.array(results.placebo_gains) >= gain.gain)
        values["placebo_shifts"] = float(len(results.placebo_gains))
        values["placebo_p"] = (1.0 + float(reached)) / (1.0 + len(results.placebo_gains))
    return values


def _execution(
    main: PanelFigures, delayed: PanelFigures | None, costs: tuple[PanelFigures, ...]
) -> dict[str, float | None]:
    prompt, late = _served_gain(main), _served_gain(delayed)
    dear = [figures for figures in costs if figures.panel.cost_bps == 10.0]
    at_10 = _served_gain(dear[0]) if dear else None
    kept = None
    if prompt and late:
        kept = late.gain / prompt.gain if prompt.gain > 0.0 else 0.0
    return {
        "delayed_gain": late.gain if late else None,
        "delayed_share": kept,
        "gain_10bps": at_10.gain if at_10 else None,
    }


def _heads(results: CaseResults) -> dict[str, float | None]:
    volatility, hits, multiplier = results.volatility, results.hits, results.multiplier
    return {
        "qlike": volatility.qlike["head"] if volatility else None,
        "qlike_har": volatility.qlike.get("har") if volatility else None,
        "qlike_t_har": volatility.t_against.get("har") if volatility else None,
        "coverage_lowest": min(volatility.coverage, default=None) if volatility else None,
        "coverage_highest": max(volatility.coverage, default=None) if volatility else None,
        "ece": hits.ece if hits else None,
        "brier": hits.brier if hits else None,
        "brier_base": hits.brier_base if hits else None,
        "brier_skill": hits.skill if hits else None,
        "multiplier_std": multiplier.std if multiplier else None,
        "seeds_correlation": multiplier.seeds_correlation if multiplier else None,
    }


def _universe_values(
    results: CaseResults, universes: tuple[PanelFigures, ...]
) -> dict[str, float | None]:
    second, third = (
        next((figures for figures in universes if figures.panel is panel), None)
        for panel in (results.second_universe, results.third_universe)
    )
    return {
        **_interval("second_gain", _served_gain(second)),
        **_interval("third_gain", _served_gain(third)),
    }


def _worst_phase2(universes: list[PanelFigures]) -> float | None:
    """Least gain of smoothed Kelly over a benchmark in any universe; None if one is missing."""
    gains = [gain.gain for each in universes for gain in each.benchmark_gains.values()]
    return min(gains) if len(gains) == len(universes) * len(BENCHMARKS) else None


def _overfitting(results: CaseResults) -> OverfittingProbability | None:
    if len(results.candidates) < 2:
        return None
    return overfitting_probability(np.column_stack(list(results.candidates.values())))


def _deflated(results: CaseResults, trials: int) -> dict[str, float | None]:
    if SERVED not in results.main.policies:
        return {"psr": None, "dsr": None}
    moments = return_moments(results.main.returns(SERVED))
    psr = probabilistic_sharpe(moments)
    if len(results.trial_sharpes) < 2:
        return {"psr": psr, "dsr": None}
    a_period = np.array(results.trial_sharpes) / math.sqrt(results.main.periods_per_year)
    return {"psr": psr, "dsr": deflated_sharpe(moments, trials, float(a_period.var(ddof=1)))}
