"""Write the evidence: docs/evidence.md, its pictures, and the figures as JSON beside it."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from inference_server.training.evaluate.bootstrap import STANDARD, BootstrapParams
from inference_server.training.evaluate.figures import measure_case
from inference_server.training.evaluate.gate_table import judge_case
from inference_server.training.evaluate.gates import decide_alpha
from inference_server.training.evaluate.panel_figures import PanelFigures
from inference_server.training.evaluate.pictures import draw_case
from inference_server.training.evaluate.results import CASES, Case, Results
from inference_server.training.evaluate.sections import CaseReport, compose_page

FOLDER: Final = "evidence"


def write_page(
    results: Results, docs: Path, params: BootstrapParams = STANDARD
) -> dict[Case, float]:
    """Judge an evaluation and write its page.

    Parameters
    ----------
    results : Results
    docs : Path
        Gets ``evidence.md``, and ``evidence/`` with the PNG files and ``results.json``.
    params : BootstrapParams

    Returns
    -------
    dict of case to float
        Alpha of the deploy gate by case: 1, or 0 where a must gate is missed; 0 for a case that
        was not run.
    """
    reports = {case: _report(case, results, docs=docs, params=params) for case in results.cases}
    folder = docs / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (docs / "evidence.md").write_text(compose_page(results, reports), encoding="utf-8")
    content = json.dumps(_as_json(results, reports), indent=1, allow_nan=False)
    (folder / "results.json").write_text(content + "\n", encoding="utf-8")
    return {case: reports[case].alpha if case in reports else 0.0 for case in CASES}


def _report(case: Case, results: Results, *, docs: Path, params: BootstrapParams) -> CaseReport:
    run = results.cases[case]
    figures = measure_case(run, results.trials, params)
    gates = judge_case(case, figures.values, serves_transformer=run.serves_transformer)
    drawn = draw_case(case, run, figures, folder=docs / FOLDER)
    pictures = {name: f"{FOLDER}/{file}" for name, file in drawn.items()}
    return CaseReport(case, run, figures, gates, decide_alpha(gates), pictures)


def _as_json(results: Results, reports: dict[Case, CaseReport]) -> Any:
    return _plain(
        {
            "created": results.created,
            "model_version": results.model_version,
            "trials": results.trials,
            "cases": {case: _case_json(report) for case, report in reports.items()},
        }
    )


def _case_json(report: CaseReport) -> dict[str, Any]:
    figures, run = report.figures, report.results
    return {
        "alpha": report.alpha,
        "gates": [asdict(gate) for gate in report.gates],
        "figures": figures.values,
        "main": _panel_json(figures.main),
        "folds": _panels_json(figures.folds),
        "costs": _panels_json(figures.costs),
        "delayed": _panel_json(figures.delayed),
        "drift_neutral": _panel_json(figures.drift_neutral),
        "universes": _panels_json(figures.universes),
        "shuffled_gains": run.shuffled_gains,
        "placebo_gains": run.placebo_gains,
        "volatility": asdict(run.volatility) if run.volatility else None,
        "hits": asdict(run.hits) if run.hits else None,
        "overfitting": asdict(figures.overfitting) if figures.overfitting else None,
    }


def _panels_json(panels: Iterable[PanelFigures]) -> list[dict[str, Any] | None]:
    return [_panel_json(figures) for figures in panels]


def _panel_json(figures: PanelFigures | None) -> dict[str, Any] | None:
    if figures is None:
        return None
    panel = figures.panel
    return {
        "name": panel.name,
        "first": panel.dates[0],
        "last": panel.dates[-1],
        "dated": panel.dated,
        "cost_bps": panel.cost_bps,
        "policies": {name: asdict(each) for name, each in figures.policies.items()},
        "drawdown_at_equal_volatility": {
            name: asdict(each) for name, each in figures.drawdowns.items()
        },
        "gain_over_kelly_smoothed": {name: asdict(each) for name, each in figures.gains.items()},
        "kelly_smoothed_gain_over": {
            name: asdict(each) for name, each in figures.benchmark_gains.items()
        },
        "transformer_minus_linear": asdict(figures.ablation) if figures.ablation else None,
    }


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: tuples as lists, NaN and infinities as null, 9 digits."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    return value
