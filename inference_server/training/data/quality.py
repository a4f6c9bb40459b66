"""Measure the size, gaps and jumps of a panel, and print them as a table."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from inference_server.training.data.panels import Panel
from inference_server.training.data.tables import FloatArray, TimeArray

YEAR_SEC: Final = 365.25 * 86_400
HEADINGS: Final = (
    *(
        "panel",
        "symbols",
        "bars",
        "first",
        "last",
        "missing",
        "vol",
        "jumps",
        "flat",
        "gap",
        "dated",
    ),
)


@dataclass(frozen=True, slots=True)
class Quality:
    """Figures of one panel.

    Parameters
    ----------
    missing : float, fraction of all cells
    volatility : float, per year
        Median over the symbols of the standard deviation of log returns.
    jumps : int
        Returns between neighbouring closes that double a price or halve it: a split that was not
        adjusted for would be among them.
    longest_flat : int, bars
        Most returns in a row that are exactly zero.
    longest_gap_days : float, days
        Most time between two bars.
    """

    symbols: int
    bars: int
    first: str
    last: str
    missing: float
    volatility: float
    jumps: int
    longest_flat: int
    longest_gap_days: float


def measure(panel: Panel) -> Quality:
    """Measure one panel; returns are log returns between neighbouring closes, NaN skipped."""
    columns = [_column(panel.dates, panel.closes[:, k]) for k in range(len(panel.symbols))]
    seconds = np.diff(panel.dates) / np.timedelta64(1, "s")
    return Quality(
        symbols=len(panel.symbols),
        bars=len(panel.dates),
        first=str(panel.dates[0].astype("datetime64[D]")),
        last=str(panel.dates[-1].astype("datetime64[D]")),
        missing=float(np.isnan(panel.closes).mean()),
        volatility=float(np.median([column.volatility for column in columns])),
        jumps=sum(column.jumps for column in columns),
        longest_flat=max(column.longest_flat for column in columns),
        longest_gap_days=float(seconds.max(initial=0.0)) / 86_400,
    )


def format_table(panels: Sequence[Panel], origins: Sequence[str]) -> str:
    """Lay the figures out as plain text, a line a panel, its origin at the end."""
    rows: list[tuple[str, ...]] = [(*HEADINGS, "from")]
    rows += [(*_cells(panel), origin) for panel, origin in zip(panels, origins, strict=True)]
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return "\n".join(_line(row, widths) for row in rows)


@dataclass(frozen=True, slots=True)
class _Column:
    volatility: float
    jumps: int
    longest_flat: int


def _column(dates: TimeArray, closes: FloatArray) -> _Column:
    priced = np.isfinite(closes)
    ratios = closes[priced][1:] / closes[priced][:-1]
    returns = np.log(ratios)
    if len(returns) < 2:
        return _Column(float("nan"), 0, 0)
    times = dates[priced]
    years = float((times[-1] - times[0]) / np.timedelta64(1, "s")) / YEAR_SEC
    return _Column(
        volatility=float(returns.std(ddof=1) * np.sqrt(len(returns) / years)),
        jumps=int(((ratios >= 2) | (ratios <= 0.5)).sum()),
        longest_flat=_longest_run(returns == 0),
    )


def _longest_run(holds: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> int:
    breaks = np.flatnonzero(np.concatenate([[True], ~holds, [True]]))
    return int(np.diff(breaks).max()) - 1


def _cells(panel: Panel) -> tuple[str, ...]:
    quality = measure(panel)
    return (
        panel.name,
        str(quality.symbols),
        str(quality.bars),
        quality.first,
        quality.last,
        f"{quality.missing:.1%}",
        f"{quality.volatility:.1%}",
        str(quality.jumps),
        str(quality.longest_flat),
        f"{quality.longest_gap_days:.0f}d",
        "yes" if panel.dated else "no",
    )


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    # names and origins to the left, figures to the right
    last = len(cells) - 1
    return "  ".join(
        cell.ljust(width) if k in {0, last} else cell.rjust(width)
        for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ).rstrip()
