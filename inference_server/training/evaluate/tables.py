"""The tables of the page, each from the figures of one case, in Markdown."""

from inference_server.training.evaluate.calibration import HitFigures
from inference_server.training.evaluate.figures import CaseFigures
from inference_server.training.evaluate.gates import Gate
from inference_server.training.evaluate.panel_figures import LEARNED, PanelFigures
from inference_server.training.evaluate.panels import BENCHMARKS, REFERENCE, SERVED
from inference_server.training.evaluate.volatility import VolatilityFigures
from inference_server.training.evaluate.wording import (
    VERDICTS,
    gain_text,
    number,
    percent,
    policy_name,
    table,
)


def gate_table(gates: tuple[Gate, ...]) -> str:
    """One row a gate: value, must, aim, verdict."""
    rows = [
        (gate.name, gate.text, gate.must, gate.aim or "-", VERDICTS[gate.verdict]) for gate in gates
    ]
    return table(("gate", "value", "must", "aim", "verdict"), rows)


def policy_table(figures: PanelFigures) -> str:
    """One row a policy of one market and cost."""
    header = (
        "policy", "Sharpe", "Sortino", "return a year", "volatility", "max drawdown",
        "drawdown at equal volatility", "Calmar", "turnover a year", "days that gain",
        "Sharpe gain over smoothed Kelly",
    )  # fmt: skip
    return table(header, [_policy_row(figures, name) for name in figures.policies])


def fold_table(case: CaseFigures) -> str:
    """Sharpe ratio of every policy by fold, and the served gain with its interval."""
    names = list(case.main.policies)
    header = ("fold", "days", *map(policy_name, names), "served gain over smoothed Kelly")
    rows = [
        (
            fold.panel.name if fold is not case.main else "all",
            str(len(fold.panel.dates)),
            *(number(fold.policies[name].sharpe) for name in names),
            gain_text(fold.gains.get(SERVED)),
        )
        for fold in (*case.folds, case.main)
    ]
    return table(header, rows)


def universe_table(case: CaseFigures) -> str:
    """Sharpe ratio and gains on every universe."""
    header = (
        "universe", "days", "smoothed Kelly", "served policy",
        *(f"{policy_name(name)}, gain" for name in LEARNED), "Transformer minus linear",
    )  # fmt: skip
    rows = [
        (
            each.panel.name + ("" if each.panel.dated else " (undated)"),
            str(len(each.panel.dates)),
            _sharpe(each, REFERENCE),
            _sharpe(each, SERVED),
            *(gain_text(each.gains.get(name)) for name in LEARNED),
            gain_text(each.ablation),
        )
        for each in (case.main, *case.universes)
    ]
    return table(header, rows)


def phase2_table(case: CaseFigures) -> str:
    """Smoothed Kelly against the smoothed benchmarks, on every universe."""
    header = (
        "universe", "smoothed Kelly", *map(policy_name, BENCHMARKS),
        *(f"gain over {policy_name(name)}" for name in BENCHMARKS),
    )  # fmt: skip
    rows = [
        (
            each.panel.name,
            _sharpe(each, REFERENCE),
            *(_sharpe(each, name) for name in BENCHMARKS),
            *(gain_text(each.benchmark_gains.get(name)) for name in BENCHMARKS),
        )
        for each in (case.main, *case.universes)
    ]
    return table(header, rows)


def ablation_table(case: CaseFigures) -> str:
    """Compare Transformer and linear on the main panel: overall, by fold, by cost."""
    stretches = [("all", case.main), *((fold.panel.name, fold) for fold in case.folds)]
    stretches += [(f"all, {each.panel.cost_bps:g} bps", each) for each in case.costs]
    rows = [
        (name, gain_text(each.ablation), number(each.ablation.p if each.ablation else None))
        for name, each in stretches
    ]
    return table(("stretch", "Transformer minus linear", "p, one-sided"), rows)


def volatility_table(figures: VolatilityFigures) -> str:
    """QLIKE by forecast and fold, and the test of the head against each rival."""
    folds = range(len(figures.coverage) or len(figures.qlike_by_fold["head"]))
    header = ("forecast", "QLIKE", *(f"fold {fold + 1}" for fold in folds), "t of the head against")
    rows = [
        (
            name,
            number(score),
            *(number(value) for value in figures.qlike_by_fold[name]),
            number(figures.t_against.get(name), 1),
        )
        for name, score in sorted(figures.qlike.items(), key=lambda item: item[1])
    ]
    return table(header, rows)


def reliability_lines(figures: HitFigures) -> str:
    """Mean forecast and share of hits, in ten bins of equal mass."""
    rows = [
        (percent(each.predicted, 2), percent(each.observed, 2), str(each.count))
        for each in figures.table
    ]
    return table(("said", "came", "count"), rows)


def _policy_row(figures: PanelFigures, name: str) -> tuple[str, ...]:
    summary, equal = figures.policies[name], figures.drawdowns.get(name)
    return (
        policy_name(name),
        number(summary.sharpe),
        number(summary.sortino),
        percent(summary.annual_return),
        percent(summary.volatility),
        percent(summary.max_drawdown),
        percent(equal.drawdown) if equal else "-",
        number(summary.calmar),
        number(summary.turnover_per_year, 1),
        percent(summary.hit_rate),
        gain_text(figures.gains.get(name)),
    )


def _sharpe(figures: PanelFigures, name: str) -> str:
    summary = figures.policies.get(name)
    return number(summary.sharpe if summary else None)
