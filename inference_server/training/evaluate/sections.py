"""Write the sections of the page, with what was not run and what failed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from inference_server.training.evaluate.bootstrap import STANDARD
from inference_server.training.evaluate.figures import CaseFigures
from inference_server.training.evaluate.gates import NOT_RUN, Gate
from inference_server.training.evaluate.panel_figures import PanelFigures
from inference_server.training.evaluate.panels import SERVED
from inference_server.training.evaluate.results import CASES, Case, CaseResults, Results, Section
from inference_server.training.evaluate.tables import (
    ablation_table,
    fold_table,
    gate_table,
    phase2_table,
    policy_table,
    reliability_lines,
    universe_table,
    volatility_table,
)
from inference_server.training.evaluate.wording import CASE_NAMES, gain_text, number, percent


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One case, run, measured, judged and drawn; pictures are paths relative to the page."""

    case: Case
    results: CaseResults
    figures: CaseFigures
    gates: tuple[Gate, ...]
    alpha: float
    pictures: dict[str, str]

    @property
    def missed(self) -> tuple[Gate, ...]:
        """The must gates that failed or were not run."""
        return tuple(gate for gate in self.gates if gate.verdict == "missed")


Reports = dict[Case, CaseReport]
Write = Callable[[CaseReport], str]
READING: Final = (
    (
        "Sharpe, Sortino and Calmar ratios are annual, of returns after costs; cash earns nothing. "
        "A gain is a difference of two annual Sharpe ratios over the same days. Its interval is "
        "the 95 % percentile interval of the paired stationary bootstrap (Politis and Romano 1994; "
        f"mean block {STANDARD.mean_block} days, {STANDARD.draws} draws, seeded)."
    ),
    (
        "Drawdown at equal volatility: the policy's returns are scaled to the volatility of "
        "smoothed Kelly, then compounded. Turnover is traded notional over portfolio value."
    ),
    (
        "QLIKE is y/f - ln(y/f) - 1 (Patton 2011), 0 at the truth. The t statistic is that of "
        "Diebold and Mariano (1995) on daily means with Newey-West variance; below -2 the head is "
        "better. The deflated Sharpe ratio (Bailey and Lopez de Prado 2014) counts every logged "
        "trial as independent. The probability of backtest overfitting (Bailey, Borwein, Lopez de "
        "Prado and Zhu 2017) is about 0.5 where the choice among candidates is luck."
    ),
)


def compose_page(results: Results, reports: Reports) -> str:
    """Write the whole page in Markdown."""
    sections = [
        _opening(results, reports),
        _section("What was done", results.method),
        *(
            _each(title, reports, write, remarks=results.remarks.get(key, ()))
            for title, key, write in SECTIONS
        ),
        _failures(results, reports),
        _section("How to read the figures", READING),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def _opening(results: Results, reports: Reports) -> str:
    intro = (
        f"Model `{results.model_version}`, evaluated {results.created}; {results.trials} trials "
        "are in the log. Figures are net of costs and made with alpha = 1: they show what the "
        "model does where it is let. A must gate that is missed sets alpha to 0 for its case, and "
        "the service then answers with Phase 2's allocation. The same figures as data: "
        "[results.json](evidence/results.json)."
    )
    verdicts = [_verdict(case, reports.get(case)) for case in CASES]
    return "\n\n".join(["# Evidence", intro, *verdicts])


def _verdict(case: Case, report: CaseReport | None) -> str:
    name = CASE_NAMES[case]
    if report is None:
        return f"**{name}: alpha = 0.** Not run."
    gain = gain_text(report.figures.main.gains.get(SERVED))
    if report.alpha > 0.0:
        return f"**{name}: alpha = 1.** Every must gate is met; Sharpe gain {gain}."
    names = "; ".join(gate.name for gate in report.missed)
    return (
        f"**{name}: alpha = 0.** {len(report.missed)} of {len(report.gates)} gates MISSED: "
        f"{names}. Sharpe gain {gain}."
    )


def _gates(report: CaseReport) -> str:
    return gate_table(report.gates)


def _policies(report: CaseReport) -> str:
    panels = sorted((report.figures.main, *report.figures.costs), key=_cost)
    tables = [_titled(figures) for figures in panels]
    return "\n\n".join([*tables, *_images(report, "equity", "drawdown")])


def _folds(report: CaseReport) -> str:
    return "\n\n".join([fold_table(report.figures), *_images(report, "gains")])


def _robustness(report: CaseReport) -> str:
    values, figures = report.figures.values, report.figures
    late = figures.delayed.gains.get(SERVED) if figures.delayed else None
    neutral = figures.drift_neutral.gains.get(SERVED) if figures.drift_neutral else None
    lines = (
        ("Gain when executed one day later", gain_text(late)),
        ("Drift-neutral gain", gain_text(neutral)),
        ("Joint shuffles of time", _count(values["shuffles"])),
        ("Mean gain on shuffled time", number(values["shuffled_mean"])),
        ("Shuffles that the real gain exceeds", _share(values["shuffle_share_below"])),
        ("Shifts of the multipliers, signs of the baseline kept", _count(values["placebo_shifts"])),
        ("p of the real gain among the shifts", number(values["placebo_p"])),
    )
    listed = "\n".join(f"- {what}: {value}." for what, value in lines)
    return "\n\n".join([listed, *_images(report, "shuffle", "placebo")])


def _universes(report: CaseReport) -> str:
    return universe_table(report.figures)


def _phase2(report: CaseReport) -> str:
    return phase2_table(report.figures)


def _ablation(report: CaseReport) -> str:
    served = "The Transformer" if report.results.serves_transformer else "The linear policy"
    return f"{served} is what is served.\n\n{ablation_table(report.figures)}"


def _multiplier(report: CaseReport) -> str:
    multiplier = report.results.multiplier
    if multiplier is None:
        return _not_run()
    line = (
        f"Standard deviation of m {multiplier.std:.2f}; correlation between seeds "
        f"{multiplier.seeds_correlation:.3f}."
    )
    return "\n\n".join([line, *_images(report, "multiplier")])


def _volatility(report: CaseReport) -> str:
    figures = report.results.volatility
    if figures is None:
        return _not_run()
    coverage = ", ".join(percent(share) for share in figures.coverage)
    return (
        f"Target: mean squared return of the next {figures.horizon} days; "
        f"{figures.observations} instrument-days.\n\n{volatility_table(figures)}\n\n"
        f"Coverage of the 80 % interval, fold by fold: {coverage or NOT_RUN}."
    )


def _hits(report: CaseReport) -> str:
    hits = report.results.hits
    if hits is None:
        return _not_run()
    line = (
        f"{hits.count} forecasts, base rate {percent(hits.base_rate)}. ECE {hits.ece:.4f} "
        f"(bins of equal width {hits.ece_width:.4f}); Brier {hits.brier:.5f} against "
        f"{hits.brier_base:.5f} of the base rate, skill {percent(hits.skill, 2)}."
    )
    return "\n\n".join([line, reliability_lines(hits), *_images(report, "reliability")])


def _overfitting(report: CaseReport) -> str:
    values, pbo = report.figures.values, report.figures.overfitting
    found = NOT_RUN
    if pbo:
        found = (
            f"{number(pbo.pbo)} ({pbo.candidates} candidates, {pbo.splits} splits of "
            f"{pbo.blocks} blocks)"
        )
    lines = (
        f"- Probabilistic Sharpe ratio against 0: {number(values['psr'])}.",
        f"- Deflated Sharpe ratio with {report.figures.trials} trials: {number(values['dsr'])}.",
        f"- Probability of backtest overfitting: {found}.",
    )
    return "\n".join(lines)


def _failures(results: Results, reports: Reports) -> str:
    lines = [
        f"- {CASE_NAMES[case]}: {gate.name}: {gate.text}, must {gate.must}."
        for case, report in reports.items()
        for gate in report.missed
    ]
    listed = "\n".join(lines) or "No must gate was missed."
    return _section("What failed", [listed, *results.remarks.get("failures", ())])


def _each(title: str, reports: Reports, write: Write, *, remarks: Iterable[str]) -> str:
    parts = [f"### {CASE_NAMES[case]}\n\n{write(report)}" for case, report in reports.items()]
    return _section(title, [*remarks, *parts])


def _section(title: str, paragraphs: Iterable[str]) -> str:
    body = "\n\n".join(paragraphs)
    return f"## {title}\n\n{body}" if body else ""


def _titled(figures: PanelFigures) -> str:
    panel = figures.panel
    return (
        f"{panel.name}, {panel.dates[0]} to {panel.dates[-1]}, {panel.cost_bps:g} bps:\n\n"
        f"{policy_table(figures)}"
    )


def _images(report: CaseReport, *names: str) -> list[str]:
    case = CASE_NAMES[report.case].lower()
    return [
        f"![{name}, {case}]({report.pictures[name]})" for name in names if name in report.pictures
    ]


def _cost(figures: PanelFigures) -> float:
    return figures.panel.cost_bps


def _share(value: float | None) -> str:
    return "-" if value is None else percent(value)


def _count(value: float | None) -> str:
    return NOT_RUN if value is None else f"{value:.0f}"


def _not_run() -> str:
    return f"This was {NOT_RUN}."


SECTIONS: Final[tuple[tuple[str, Section, Write], ...]] = (
    ("The gates", "gates", _gates),
    ("Policies", "policies", _policies),
    ("By fold", "folds", _folds),
    ("Is it chance", "robustness", _robustness),
    ("Other universes", "universes", _universes),
    ("Phase 2 alone", "phase2", _phase2),
    ("Transformer minus linear", "ablation", _ablation),
    ("The multiplier", "multiplier", _multiplier),
    ("Volatility head", "volatility", _volatility),
    ("Hit probability", "hits", _hits),
    ("Overfitting", "overfitting", _overfitting),
)
