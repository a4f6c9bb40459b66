"""One PNG: equity of every run against equal weight, and where Phase 2 put the money."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from matplotlib import dates as matplotlib_dates
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from app.core.types import FloatArray
from app.demo.play import PlayedRun
from app.demo.scenario import Scenario
from app.demo.summary import CUT_BRAKES

# the largest symbols by mean weight are named, the rest share one band
NAMED: Final = 9
BANDS: Final = (
    "#1b4965", "#2a6f97", "#468faf", "#89c2d9", "#5fa777",
    "#a3c585", "#e9c46a", "#f4a261", "#e76f51", "#c9ccd1",
)  # fmt: skip
CURVES: Final = ("#1b4965", "#e9a23b", "#e76f51", "#5fa777")
MUTED: Final = "#6b7280"
# the module carries no types of its own
DATES: Final[Any] = matplotlib_dates


def draw_picture(
    path: Path,
    scenario: Scenario,
    runs: Sequence[PlayedRun],
    curves: Mapping[str, FloatArray],
) -> None:
    """Draw the demo's picture as a PNG of 1600 x 1200 pixels.

    Parameters
    ----------
    path : Path
        Where to write; parent directories are made.
    scenario : Scenario
    runs : sequence of PlayedRun
        The first is Phase 2 alone; its allocations are drawn.
    curves : mapping of str to ndarray of shape (n_days + 1,), USD
        Equity by name, in drawing order; the last one is the benchmark.
    """
    figure = Figure(figsize=(12.8, 9.6), dpi=125, layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[1.0, 1.0])
    days = [plan.day for plan in scenario.days]
    for axes in (upper, lower):
        _mark_brakes(axes, runs[0])
        _tidy(axes)
    _draw_equity(upper, [*days, scenario.last_day], curves)
    _draw_allocations(lower, scenario, runs[0])
    locator = DATES.AutoDateLocator(minticks=6, maxticks=12)
    lower.xaxis.set_major_locator(locator)
    lower.xaxis.set_major_formatter(DATES.ConciseDateFormatter(locator))
    lower.set_xlim(days[0], scenario.last_day)
    figure.suptitle(
        f"{len(scenario.symbols)} US stocks, {days[0]} to {scenario.last_day}, through the service",
        fontsize=14,
        fontweight="bold",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png")


def _draw_equity(axes: Any, days: list[date], curves: Mapping[str, FloatArray]) -> None:
    *names, benchmark = curves
    # widest first, so that a curve equal to an earlier one leaves both visible
    widths = np.linspace(4.5, 1.5, max(1, len(names)))
    for name, colour, width in zip(names, CURVES, widths, strict=False):
        axes.plot(days, curves[name] / 1e3, color=colour, linewidth=width, label=name)
    axes.plot(
        days, curves[benchmark] / 1e3, color=MUTED, linewidth=1.4, linestyle="--", label=benchmark
    )
    axes.set_title("Equity after costs", loc="left", fontsize=11)
    axes.set_ylabel("thousand USD")
    axes.legend(loc="upper left", frameon=False, ncols=2)


def _draw_allocations(axes: Any, scenario: Scenario, run: PlayedRun) -> None:
    weights = allocation_weights(scenario.symbols, run)
    order = np.argsort(-weights.mean(axis=0), kind="stable")
    named = [column for column in order[:NAMED] if weights[:, column].any()]
    rest = weights.sum(axis=1) - weights[:, named].sum(axis=1)
    days = [day.day for day in run.days]
    bands = [100.0 * weights[:, column] for column in named] + [100.0 * rest]
    labels = [scenario.symbols[column] for column in named]
    labels.append(f"{len(scenario.symbols) - len(named)} others")
    colours = [*BANDS[: len(named)], BANDS[-1]]
    stack = axes.stackplot(days, *bands, labels=labels, colors=colours, linewidth=0)
    axes.axhline(80.0, color=MUTED, linewidth=1.0, linestyle=":")
    axes.annotate(
        "portfolio limit, 80 %",
        (days[0], 80.0),
        (4, 3),
        textcoords="offset points",
        color=MUTED,
        fontsize=9,
    )
    axes.set_ylim(0.0, 100.0)
    axes.set_title(f"Allocation by symbol, {run.name}", loc="left", fontsize=11)
    axes.set_ylabel("% of portfolio value")
    # from the top band down, as the eye meets them
    axes.legend(
        stack[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False
    )


def allocation_weights(symbols: Sequence[str], run: PlayedRun) -> FloatArray:
    """Targets as fractions of portfolio value, (n_days, n_symbols)."""
    return np.array(
        [
            [day.answer["allocations"].get(symbol, 0.0) / day.equity_usd for symbol in symbols]
            for day in run.days
        ]
    )


def _mark_brakes(axes: Any, run: PlayedRun) -> None:
    label = "cascade brake"
    for day in run.days:
        if day.answer["cascade"]["recommendation"] in CUT_BRAKES:
            axes.axvline(day.day, color="#b91c1c", linewidth=1.0, alpha=0.6, label=label, zorder=3)
            label = "_nolegend_"


def _tidy(axes: Any) -> None:
    axes.grid(visible=True, axis="y", color="#e5e7eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
