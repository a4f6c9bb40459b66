"""Draw the pictures of the page as PNG files, on white so that every theme shows them alike."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib import dates as matplotlib_dates
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from inference_server.training.evaluate.calibration import HitFigures
from inference_server.training.evaluate.figures import CaseFigures
from inference_server.training.evaluate.panel_figures import LEARNED
from inference_server.training.evaluate.panels import SERVED, Panel
from inference_server.training.evaluate.results import Case, CaseResults, MultiplierFigures
from inference_server.training.evaluate.series import FloatArray
from inference_server.training.evaluate.statistics import drawdowns, equity_curve
from inference_server.training.evaluate.wording import CASE_NAMES, policy_name

COLOURS: Final = {
    "equal_weight": "#9ca3af",
    "vol_target": "#6b7280",
    "kelly": "#e9c46a",
    "kelly_smoothed": "#f4a261",
    "linear": "#5fa777",
    "transformer": "#468faf",
    "rl": "#1b4965",
}
REAL: Final = "#b91c1c"
# the module carries no types of its own
DATES: Final[Any] = matplotlib_dates
MUTED: Final = "#6b7280"
Draw = Callable[[Any], None]


def draw_case(
    case: Case, results: CaseResults, figures: CaseFigures, *, folder: Path
) -> dict[str, str]:
    """Draw what was run of one case.

    Parameters
    ----------
    case : {"long_flat", "long_short"}
    results : CaseResults
    figures : CaseFigures
    folder : Path
        Where the files go; made if missing.

    Returns
    -------
    dict of str to str
        File name by picture: ``equity``, ``drawdown``, ``gains``, ``shuffle``, ``placebo``,
        ``reliability``, ``multiplier``; those that were not run are left out.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    for name, (title, draw) in _pictures(results, figures).items():
        drawn[name] = f"{name}_{case}.png"
        _save(folder / drawn[name], f"{title}, {CASE_NAMES[case].lower()}", draw)
    return drawn


def _pictures(results: CaseResults, figures: CaseFigures) -> dict[str, tuple[str, Draw]]:
    main, gain = results.main, figures.values["gain"]
    pictures: dict[str, tuple[str, Draw]] = {
        "equity": ("Equity after costs, from 1", lambda axes: _draw_equity(axes, main)),
        "drawdown": ("Drawdown after costs", lambda axes: _draw_drawdown(axes, main)),
        "gains": (
            "Sharpe gain over smoothed Kelly, 95 % interval",
            lambda axes: _draw_gains(axes, figures),
        ),
    }
    for name, title, values in (
        ("shuffle", "Gain when time is shuffled", results.shuffled_gains),
        ("placebo", "Gain when the multipliers are shifted", results.placebo_gains),
    ):
        if values and gain is not None:
            pictures[name] = (title, _histogram(np.array(values), gain))
    if results.hits:
        hits = results.hits
        pictures["reliability"] = ("Hit probability", lambda axes: _draw_reliability(axes, hits))
    if results.multiplier:
        multiplier = results.multiplier
        pictures["multiplier"] = (
            "Multiplier m over time",
            lambda axes: _draw_multiplier(axes, multiplier),
        )
    return pictures


def _save(path: Path, title: str, draw: Draw) -> None:
    figure = Figure(figsize=(9.0, 4.5), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes: Any = figure.subplots()
    axes.set_facecolor("white")
    axes.grid(visible=True, axis="y", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.set_title(title, loc="left", fontsize=11)
    draw(axes)
    # no date or version inside, so that the same figures give the same file
    figure.savefig(path, format="png", metadata={"Software": None})


def _draw_equity(axes: Any, panel: Panel) -> None:
    days = _days(panel)
    for name in panel.policies:
        axes.plot(days, equity_curve(panel.returns(name))[1:], **_line(name))
    axes.set_yscale("log")
    for axis_part in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
        axis_part(FuncFormatter(lambda value, _: f"{value:g}"))
    _mark_dates(axes)
    axes.legend(loc="upper left", frameon=False, ncols=2, fontsize=8)


def _draw_drawdown(axes: Any, panel: Panel) -> None:
    days = _days(panel)
    for name in panel.policies:
        axes.plot(days, -100.0 * drawdowns(panel.returns(name))[1:], **_line(name))
    axes.set_ylabel("%")
    _mark_dates(axes)
    axes.legend(loc="lower left", frameon=False, ncols=2, fontsize=8)


def _draw_gains(axes: Any, figures: CaseFigures) -> None:
    stretches = [*((fold.panel.name, fold.gains) for fold in figures.folds)]
    stretches.append(("all", figures.main.gains))
    learned = [name for name in LEARNED if name in figures.main.gains]
    for place, name in enumerate(learned):
        offset = 0.22 * (place - (len(learned) - 1) / 2.0)
        gains = [gains[name] for _, gains in stretches]
        centre = np.array([each.gain for each in gains])
        reach = np.array(
            [[each.gain - each.ci_low, each.ci_high - each.gain] for each in gains]
        ).T.clip(0.0)
        axes.errorbar(
            np.arange(len(gains)) + offset, centre, yerr=reach, fmt="o", capsize=3,
            color=COLOURS[name], label=policy_name(name),
        )  # fmt: skip
    axes.axhline(0.0, color=MUTED, linewidth=1.0)
    axes.set_xticks(range(len(stretches)), [name for name, _ in stretches])
    if learned:
        axes.legend(loc="best", frameon=False, fontsize=8)


def _histogram(values: FloatArray, real: float) -> Draw:
    def draw(axes: Any) -> None:
        axes.hist(values, bins=min(30, max(5, values.size // 5)), color="#89c2d9")
        axes.axvline(real, color=REAL, linewidth=2.0, label=f"real: {real:.3f}")
        axes.axvline(values.mean(), color=MUTED, linestyle=":", label=f"mean: {values.mean():.3f}")
        axes.set_xlabel("Sharpe gain over smoothed Kelly")
        axes.legend(loc="best", frameon=False, fontsize=8)

    return draw


def _draw_reliability(axes: Any, hits: HitFigures) -> None:
    said = np.array([each.predicted for each in hits.table])
    came = np.array([each.observed for each in hits.table])
    counts = np.array([each.count for each in hits.table], dtype=np.float64)
    # two standard errors of a share, so that the eye does not read noise
    noise = 2.0 * np.sqrt(came * (1.0 - came) / counts)
    low, high = float(min(said.min(), came.min())), float(max(said.max(), came.max()))
    axes.plot([low, high], [low, high], color=MUTED, linewidth=1.0, label="perfect")
    axes.errorbar(
        said, came, yerr=noise, fmt="o", capsize=3, color=COLOURS[SERVED],
        label=f"ECE {hits.ece:.4f}",
    )  # fmt: skip
    axes.set_xlabel("said")
    axes.set_ylabel("came")
    axes.legend(loc="best", frameon=False, fontsize=8)


def _draw_multiplier(axes: Any, multiplier: MultiplierFigures) -> None:
    days = np.array(multiplier.dates, dtype="datetime64[D]")
    axes.fill_between(
        days, multiplier.low, multiplier.high, color="#89c2d9", alpha=0.6, linewidth=0,
        label="10 % to 90 % of the instruments",
    )  # fmt: skip
    axes.plot(days, multiplier.median, color=COLOURS[SERVED], linewidth=1.2, label="median")
    axes.axhline(1.0, color=MUTED, linewidth=1.0, linestyle=":", label="Phase 2 unchanged")
    axes.set_ylim(0.0, 2.0)
    _mark_dates(axes)
    axes.legend(loc="upper left", frameon=False, ncols=3, fontsize=8)


def _mark_dates(axes: Any) -> None:
    locator = DATES.AutoDateLocator(minticks=5, maxticks=11)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(DATES.ConciseDateFormatter(locator))


def _days(panel: Panel) -> Any:
    return np.array(panel.dates, dtype="datetime64[D]")


def _line(name: str) -> dict[str, Any]:
    return {
        "color": COLOURS.get(name, MUTED),
        "linewidth": 1.8 if name == SERVED else 1.0,
        "label": policy_name(name),
    }
