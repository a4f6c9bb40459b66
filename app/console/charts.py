"""Geometry of the charts, in percent of their boxes; templates draw it and put the text beside.

Boxes stretch with the page, and would stretch text inside them too.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

STAGES: Final = (
    ("kelly", "Kelly"),
    ("conformal", "Conformal"),
    ("sentiment", "Sentiment"),
    ("regime", "Regime"),
    ("cascade", "Cascade"),
    ("portfolio", "Portfolio"),
    ("rl", "Policy"),
    ("final", "Final"),
)
# more would make the page larger and the line no finer
_MAX_POINTS: Final = 300


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a waterfall: its position, the size after the stage and the change (USD)."""

    name: str
    kind: str
    x: float
    width: float
    value: float
    change: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """Steps from Kelly to the final size; ``zero`` is the position of 0 USD."""

    steps: tuple[Step, ...]
    zero: float


def lay_out_waterfall(values: Sequence[float]) -> Waterfall:
    """Return the bars of the sizes after each stage, signed USD, in the order of ``STAGES``."""
    low, high = min(0.0, *values), max(0.0, *values)
    span = (high - low) or 1.0
    steps = []
    before = 0.0
    for (name, label), value in zip(STAGES, values, strict=True):
        whole = name in {"kelly", "final"}
        start = 0.0 if whole else before
        left, right = min(start, value), max(start, value)
        steps.append(
            Step(
                name=label,
                kind="whole" if whole else _kind(before, value),
                x=_rounded(100.0 * (left - low) / span),
                width=_rounded(max(0.4, 100.0 * (right - left) / span)),
                value=value,
                change=0.0 if name == "kelly" else value - before,
            )
        )
        before = value
    return Waterfall(tuple(steps), _rounded(-100.0 * low / span))


def _kind(before: float, after: float) -> str:
    """Return whether the absolute size grew, shrank or stayed the same."""
    if math.isclose(before, after, rel_tol=1e-9, abs_tol=1e-9):
        return "same"
    return "grew" if abs(after) > abs(before) else "shrank"


def sparkline_points(values: Sequence[float]) -> str:
    """Return the SVG points of a line chart from zero to the largest value."""
    top = max([*values, 1e-12])
    return _points(values, 0.0, top)


@dataclass(frozen=True, slots=True)
class Curves:
    """SVG points of two lines, the ends of their scale, its zero and the last values."""

    policy: str
    baseline: str
    low: float
    high: float
    zero: float
    policy_end: float
    baseline_end: float


def lay_out_curves(returns: Sequence[tuple[float, float]]) -> Curves:
    """Return the compounded returns of policy and Phase 2, decision by decision, from zero."""
    policy = [0.0, *_compounded([pair[0] for pair in returns])]
    baseline = [0.0, *_compounded([pair[1] for pair in returns])]
    low, high = min(policy + baseline), max(policy + baseline)
    margin = 0.05 * ((high - low) or 1e-4)
    low, high = low - margin, high + margin
    return Curves(
        policy=_points(_thinned(policy), low, high),
        baseline=_points(_thinned(baseline), low, high),
        low=low,
        high=high,
        zero=_rounded(100.0 * high / (high - low)),
        policy_end=policy[-1],
        baseline_end=baseline[-1],
    )


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean with its interval on a scale that includes zero, all in percent of the box."""

    low: float
    high: float
    mean: float
    zero: float


def lay_out_interval(low: float, mean: float, high: float) -> Interval:
    """Return the positions of a mean, its interval and zero."""
    left, right = min(low, 0.0), max(high, 0.0)
    margin = 0.08 * ((right - left) or 1.0)
    left, right = left - margin, right + margin

    def place(value: float) -> float:
        return _rounded(100.0 * (value - left) / (right - left))

    return Interval(place(low), place(high), place(mean), place(0.0))


def percent_of(value: float, whole: float) -> float:
    """Return the size of a value in percent of a whole, at most 100; 0 if the whole is not > 0."""
    return _rounded(min(100.0, 100.0 * abs(value) / whole)) if whole > 0.0 else 0.0


def _compounded(returns: Sequence[float]) -> list[float]:
    return list(
        accumulate(returns, lambda held, gain: (1.0 + held) * (1.0 + gain) - 1.0, initial=0.0)
    )[1:]


def _thinned(values: Sequence[float]) -> Sequence[float]:
    """Return at most 300 evenly spaced values; the last one is kept."""
    if len(values) <= _MAX_POINTS:
        return values
    last = len(values) - 1
    return [values[round(i * last / (_MAX_POINTS - 1))] for i in range(_MAX_POINTS)]


def _points(values: Sequence[float], low: float, high: float) -> str:
    span, last = (high - low) or 1.0, max(1, len(values) - 1)
    return " ".join(
        f"{100.0 * i / last:.2f},{100.0 * (high - value) / span:.2f}"
        for i, value in enumerate(values)
    )


def _rounded(value: float) -> float:
    return round(value, 3)
