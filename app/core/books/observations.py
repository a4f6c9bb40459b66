"""Observations of a strategy: claims and outcomes by period, and their sums as they fade."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np

# An outcome of 5 claimed volatilities or more says that the claim was wrong, not how good the
# strategy is: it counts as 5 in the mean, and whole in the conformal residuals, where it is a miss.
CLIP_SIGMAS: Final = 5.0
# what is older weighs a thousandth
_HALF_LIVES_KEPT: Final = 10


class KeptLesson(NamedTuple):
    """A lesson as a record keeps it, with its place among all of the strategy."""

    place: int
    decision_id: str | None
    symbol: str
    claim: float
    outcome: float
    residual: float


class RecordSums(NamedTuple):
    """Sums over forgotten observations of claims c and outcomes z, over the horizon of claims.

    Attributes
    ----------
    weight : sum of the forgotten weights, n
    claim, square, outcome, product : of c, c^2, z and c z
    wins, losses : weight of the observations above and below zero
    """

    weight: float = 0.0
    claim: float = 0.0
    square: float = 0.0
    outcome: float = 0.0
    product: float = 0.0
    wins: float = 0.0
    losses: float = 0.0


@dataclass(slots=True)
class Observation:
    """Outcomes of one period of one horizon, or one alone; it counts as their mean.

    An outcome over a part of the horizon of claims says that part as much; over more of it, no
    more than one.
    """

    horizon_sec: float
    period: int | None
    lessons: list[KeptLesson] = field(default_factory=list)

    @property
    def place(self) -> int:
        """Where it stands: where the first of its outcomes came."""
        return self.lessons[0].place

    @property
    def key(self) -> tuple[float, int] | None:
        """Period by horizon and number; None where it stands alone."""
        return None if self.period is None else (self.horizon_sec, self.period)

    def figures(self, horizon_sec: float) -> tuple[float, float, float, float]:
        """Return weight, mean claim, mean outcome and mean of outcomes as they came."""
        span, count = self.horizon_sec / horizon_sec, len(self.lessons)
        root = count * math.sqrt(span)
        claim = math.fsum(lesson.claim for lesson in self.lessons) / root
        mean = math.fsum(clipped_outcome(lesson.outcome) for lesson in self.lessons) / root
        plain = math.fsum(lesson.outcome for lesson in self.lessons)
        return min(1.0, span), claim, mean, plain


class Memory(NamedTuple):
    """How a record forgets, and over what its claims are."""

    half_life: float
    horizon_sec: float

    @property
    def observations(self) -> int:
        """How many are kept whole."""
        return math.ceil(_HALF_LIVES_KEPT * self.half_life)


def sum_up(older: RecordSums, observations: Iterable[Observation], memory: Memory) -> RecordSums:
    r"""Sum up observations behind older sums; each of weight w ages all before it by w.

    .. math:: g_i = w_i 2^{-\sum_{j > i} w_j / \text{half-life}}
    """
    rows = np.array([each.figures(memory.horizon_sec) for each in observations]).reshape(-1, 4)
    weight, claim, outcome, plain = rows.T
    total = np.add.accumulate(weight)
    age = total[-1] - total if len(total) else total
    kept = weight * np.exp2(-age / memory.half_life)
    columns = (kept, kept * claim, kept * claim * claim, kept * outcome, kept * claim * outcome)
    news = [*columns, kept * (plain > 0.0), kept * (plain < 0.0)]
    faded = 2.0 ** (-float(weight.sum()) / memory.half_life)
    return RecordSums(
        *(old * faded + math.fsum(column.tolist()) for old, column in zip(older, news, strict=True))
    )


def is_clipped(outcome: float) -> bool:
    """Whether an outcome lies so far out that it counts as 5 volatilities."""
    return abs(outcome) >= CLIP_SIGMAS


def clipped_outcome(outcome: float) -> float:
    """Return an outcome within 5 volatilities."""
    return min(max(outcome, -CLIP_SIGMAS), CLIP_SIGMAS)
