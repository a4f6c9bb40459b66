"""Line charts over dates as inline SVG, coloured by the page's style sheet alone."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

import numpy as np

from app.core.types import BoolArray, FloatArray, IntArray
from app.history.prices import DateArray

WIDTH: Final = 960
HEIGHT: Final = 300
LEFT: Final = 64
RIGHT: Final = 8
TOP: Final = 10
BOTTOM: Final = 24
# two points a bucket, its lowest and highest, keep every spike at a fortieth of the size
BUCKETS: Final = 400
_STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)
_LOG_STEPS: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)


@dataclass(frozen=True, slots=True)
class Line:
    """One curve: its name, its colour's name, values with NaN for gaps."""

    label: str
    colour: str
    values: FloatArray
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over the same dates.

    Parameters
    ----------
    title : str
    dates : ndarray of shape (n,), datetime64[D]
    lines : sequence of Line, each of n values
    form : callable
        Writes a value of the vertical axis.
    log : bool
        Equal ratios are equal heights; values must be > 0.
    band : tuple of two ndarrays of shape (n,), optional
        Shaded between, in the first line's colour.
    """

    title: str
    dates: DateArray
    lines: Sequence[Line]
    form: Callable[[float], str]
    log: bool = False
    band: tuple[FloatArray, FloatArray] | None = None


def draw_chart(chart: Chart) -> str:
    """Draw a chart with its legend as an HTML ``figure``."""
    scale = _Scale.around(chart)
    parts = [*_grid(chart, scale), *_band(chart, scale), *_curves(chart, scale)]
    legend = "".join(
        f'<span class="key"><i class="{line.colour}{" dashed" if line.dashed else ""}"></i>'
        f"{escape(line.label)}</span>"
        for line in chart.lines
    )
    return (
        f"<figure><figcaption><b>{escape(chart.title)}</b>{legend}</figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(chart.title)}">'
        f"{''.join(parts)}</svg></figure>"
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    first: int
    last: int
    low: float
    high: float
    log: bool

    @classmethod
    def around(cls, chart: Chart) -> "_Scale":
        series = [line.values for line in chart.lines] + list(chart.band or ())
        values = np.concatenate(series)
        values = values[np.isfinite(values)]
        low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
        if chart.log:
            low, high = math.log(low), math.log(high)
        pad = 0.04 * (high - low) or 0.5
        days = chart.dates.astype("datetime64[D]").astype(np.int64)
        return cls(int(days[0]), int(days[-1]), low - pad, high + pad, chart.log)

    def x(self, day: float) -> float:
        share = (day - self.first) / max(1, self.last - self.first)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        place = math.log(value) if self.log else value
        share = (place - self.low) / (self.high - self.low)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def ticks(self) -> list[float]:
        return _log_ticks(self.low, self.high) if self.log else _ticks(self.low, self.high)


def _ticks(low: float, high: float) -> list[float]:
    raw = (high - low) / 5.0
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in _STEPS if power * factor >= raw * (1.0 - 1e-9))
    return [step * place for place in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _log_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(low / math.log(10.0)), math.ceil(high / math.log(10.0)) + 1)
    ticks = [step * 10.0**power for power in powers for step in _LOG_STEPS]
    inside = [tick for tick in ticks if low <= math.log(tick) <= high]
    if len(inside) < 3:
        return [math.exp(low + share * (high - low)) for share in (0.1, 0.5, 0.9)]
    return inside if len(inside) <= 8 else inside[:: math.ceil(len(inside) / 8)]


def _grid(chart: Chart, scale: _Scale) -> Iterator[str]:
    for value in scale.ticks():
        y = scale.y(value)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        label = escape(chart.form(value))
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>'
    for label, day in _year_ticks(chart.dates):
        x = scale.x(day)
        yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        yield f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="middle">{label}</text>'


def _year_ticks(dates: DateArray) -> list[tuple[str, int]]:
    """First days of at most about ten years or, in a short window, of months."""
    months = np.arange(dates[0].astype("datetime64[M]") + 1, dates[-1].astype("datetime64[M]") + 1)
    firsts = [str(month) for month in months]
    januaries = [name for name in firsts if name.endswith("-01")]
    chosen, length = (januaries, 4) if len(januaries) >= 3 else (firsts, 7)
    every = max(1, math.ceil(len(chosen) / 10))
    # the outermost labels would run over the edges
    span = int((dates[-1] - dates[0]).astype(np.int64))
    ticks = [(name[:length], np.datetime64(f"{name}-01", "D")) for name in chosen[::every]]
    margin = 0.02 * span
    return [
        (label, int(day.astype(np.int64)))
        for label, day in ticks
        if margin <= int((day - dates[0]).astype(np.int64)) <= span - margin
    ]


def _band(chart: Chart, scale: _Scale) -> Iterator[str]:
    if chart.band is None:
        return
    days = chart.dates.astype("datetime64[D]").astype(np.int64)
    low, high = chart.band
    for run in _unbroken(np.isfinite(low) & np.isfinite(high)):
        rows = run[:: max(1, len(run) // BUCKETS)]
        there = [f"{scale.x(days[row]):.1f},{scale.y(high[row]):.1f}" for row in rows]
        back = [f"{scale.x(days[row]):.1f},{scale.y(low[row]):.1f}" for row in rows[::-1]]
        points = " ".join(there + back)
        yield f'<polygon class="band {chart.lines[0].colour}" points="{points}"/>'


def _curves(chart: Chart, scale: _Scale) -> Iterator[str]:
    days = chart.dates.astype("datetime64[D]").astype(np.int64)
    for line in chart.lines:
        style = f"{line.colour} dashed" if line.dashed else line.colour
        for run in _unbroken(np.isfinite(line.values)):
            points = " ".join(
                f"{scale.x(days[row]):.1f},{scale.y(line.values[row]):.1f}"
                for row in run[thinned(line.values[run])].tolist()
            )
            yield f'<polyline class="{style}" points="{points}"/>'


def _unbroken(known: BoolArray) -> list[IntArray]:
    rows = np.flatnonzero(known)
    breaks = np.flatnonzero(np.diff(rows) > 1) + 1
    return [run for run in np.split(rows, breaks) if len(run)]


def thinned(values: FloatArray) -> IntArray:
    """Choose the places that show a curve: all of a short one, extremes of buckets of a long one.

    Parameters
    ----------
    values : ndarray of shape (n,), finite

    Returns
    -------
    ndarray of at most 2 * 400 + 2 ascending places, int64; first and last are among them
    """
    if len(values) <= 2 * BUCKETS:
        return np.arange(len(values))
    kept = {0, len(values) - 1}
    for bucket in np.array_split(np.arange(len(values)), BUCKETS):
        kept.add(int(bucket[values[bucket].argmin()]))
        kept.add(int(bucket[values[bucket].argmax()]))
    return np.array(sorted(kept), dtype=np.int64)
