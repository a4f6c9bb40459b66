"""The fold of prices into bars and the moments of a pair, slow and plain, to compare with."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

BAR_SEC = 86_400.0


@dataclass(frozen=True)
class BarReturn:
    """A return between the last values of two bars, and the time between them in bars."""

    begin: int
    end: int
    value: float
    tau: float

    @property
    def x(self) -> float:
        return self.value / math.sqrt(self.tau)


def bar_returns(ticks: Sequence[tuple[float, float]], clip_from: int = 20) -> list[BarReturn]:
    """Return those of (seconds, price), oldest first, that of the open bar last."""
    last: dict[int, tuple[float, float]] = {}
    for at, price in ticks:
        last[math.floor((at - BAR_SEC / 2.0) / BAR_SEC)] = (at, price)
    found: list[BarReturn] = []
    bars = sorted(last)
    for begin, end in pairwise(bars):
        (t_a, a), (t_b, b) = last[begin], last[end]
        tau = min(1.0, (t_b - t_a) / BAR_SEC)
        value = b / a - 1.0
        if len(found) >= clip_from:
            bound = 8.0 * volatility(found) * math.sqrt(tau)
            value = max(-bound, min(bound, value))
        found.append(BarReturn(begin, end, value, tau))
    return found


def volatility(returns: Sequence[BarReturn]) -> float:
    """Root of S / W of 0.94 or 0.99, the larger."""
    variances = []
    for decay in (0.94, 0.99):
        total = weight = 0.0
        for each in returns:
            kept = decay**each.tau
            total = kept * total + (1.0 - kept) * each.value**2 / each.tau
            weight = kept * weight + 1.0 - kept
        variances.append(total / weight)
    return math.sqrt(max(variances))


def correlation(one: Sequence[BarReturn], other: Sequence[BarReturn]) -> tuple[float, int]:
    """Correlation over the joint bars of a pair, and how many they are."""
    theirs: Mapping[tuple[int, int], BarReturn] = {(each.begin, each.end): each for each in other}
    cross = own = their = 0.0
    n = 0
    for mine in one:
        match = theirs.get((mine.begin, mine.end))
        if match is None:
            continue
        kept = 0.99 ** min(mine.tau, match.tau)
        cross = kept * cross + (1.0 - kept) * mine.x * match.x
        own = kept * own + (1.0 - kept) * mine.x**2
        their = kept * their + (1.0 - kept) * match.x**2
        n += 1
    return (cross / math.sqrt(own * their) if own * their > 0.0 else 0.0), min(n, 199)
