"""What each strategy's outcomes have taught: sums of the claim's regression, wins, residuals."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, Final

import numpy as np

from app.core.books.observations import (
    KeptLesson,
    Memory,
    Observation,
    RecordSums,
    sum_up,
)
from app.core.params import ConformalParams, RecordParams
from app.core.stages.conformal import conformal_quantile, next_miscoverage
from app.core.types import FloatArray

# of one strategy, however many symbols it has in a period
_LESSONS_KEPT: Final = 10_000
_DAY_SEC: Final = 86_400.0
_LARGEST_RESIDUAL: Final = 1e100


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one outcome teaches a strategy, in volatilities of its signal's own horizon.

    Attributes
    ----------
    strategy_id : str
    claim : float, >= 0
        Claimed Sharpe ratio c, confidence mu / sigma, as far as it was believed.
    outcome : float
        Realised one z, direction times return over the volatility that the decision used.
    residual : float, >= 0, or None
        Distance of the return from the mean that the decision used, over that volatility. None:
        to be taken from what the record says of the claim.
    decision_id, symbol : str
        The outcome it came from, by which it can be withdrawn; None and "" without a decision.
    period : int or None
        Outcomes of a strategy in one period of one horizon are one observation of their mean;
        None: alone.
    horizon_sec : float, seconds, > 0
        What all three numbers are over.
    """

    strategy_id: str
    claim: float
    outcome: float
    residual: float | None
    decision_id: str | None = None
    symbol: str = ""
    period: int | None = None
    horizon_sec: float = _DAY_SEC


@dataclass(slots=True)
class StrategyRecord:
    """Record of one strategy: observations of claim and outcome, and its conformal scaler.

    ``observations`` are the newest ones in the order of their first outcomes; ``older`` sums up
    what came before them, forgotten up to the first of them.
    """

    observations: deque[Observation] = field(default_factory=deque)
    older: RecordSums = field(default_factory=RecordSums)
    outcomes: int = 0
    residuals: deque[float] = field(default_factory=deque)
    miscoverage: float = 0.1
    quantile: float = math.nan
    judged: int = 0
    covered: int = 0
    lessons: int = 0
    _next_place: int = 0
    _by_period: dict[tuple[float, int], Observation] = field(default_factory=dict)
    _sums: RecordSums | None = None

    def add(self, lesson: Lesson, residual: float, params: ConformalParams, kept: Memory) -> None:
        """Count one outcome: an observation of its own, or part of its period's."""
        key = None if lesson.period is None else (lesson.horizon_sec, lesson.period)
        observation = None if key is None else self._by_period.get(key)
        if observation is None:
            observation = Observation(lesson.horizon_sec, lesson.period)
            self._append(observation)
        origin = self._next_place, lesson.decision_id, lesson.symbol
        observation.lessons.append(KeptLesson(*origin, lesson.claim, lesson.outcome, residual))
        self.outcomes += 1
        self._next_place += 1
        self.lessons += 1
        self._sums = None
        while len(self.observations) > kept.observations or self.lessons > _LESSONS_KEPT:
            if len(self.observations) == 1:
                break
            self._forget_oldest(kept)
        self._add_residual(residual, params)

    def _append(self, observation: Observation) -> None:
        self.observations.append(observation)
        if observation.key is not None:
            self._by_period[observation.key] = observation

    def _forget_oldest(self, kept: Memory) -> None:
        oldest = self.observations.popleft()
        if oldest.key is not None:
            del self._by_period[oldest.key]
        self.lessons -= len(oldest.lessons)
        self.older = sum_up(self.older, [oldest], kept)

    def withdraw(self, decision_id: str, symbol: str, params: ConformalParams) -> bool:
        """Take an outcome back as if it had not been; the adapted level alone stays."""
        before, pair = self.lessons, (decision_id, symbol)
        left: list[KeptLesson] = []
        for observation in self.observations:
            observation.lessons = [each for each in observation.lessons if each[1:3] != pair]
            left += observation.lessons
        gone = before - len(left)
        if not gone:
            return False
        # an observation stands where its first outcome that is left came
        kept = sorted((each for each in self.observations if each.lessons), key=attrgetter("place"))
        self.observations, self._by_period = deque(), {}
        for observation in kept:
            self._append(observation)
        self.lessons, self.outcomes, self._sums = len(left), self.outcomes - gone, None
        old = list(self.residuals)[: max(len(self.residuals) - before, 0)]
        left.sort(key=attrgetter("place"))
        self._next_place = left[-1].place + 1 if left else 0
        residuals = [*old, *(lesson.residual for lesson in left)]
        self.residuals = deque(residuals[-params.window :])
        self.measure(params)
        return True

    def sums(self, kept: Memory) -> RecordSums:
        """Return the sums over all observations, each aged by those after it."""
        if self._sums is None:
            self._sums = sum_up(self.older, self.observations, kept)
        return self._sums

    def _add_residual(self, residual: float, params: ConformalParams) -> None:
        """Feed a standardised absolute residual to the adaptive conformal scaler."""
        if not math.isnan(self.quantile):
            missed = residual > self.quantile
            self.judged += 1
            self.covered += not missed
            self.miscoverage = next_miscoverage(
                self.miscoverage, missed=missed, count=len(self.residuals), params=params
            )
        self.residuals.append(residual)
        if len(self.residuals) > params.window:
            self.residuals.popleft()
        self.measure(params)

    def measure(self, params: ConformalParams) -> None:
        """Compute the quantile of the residuals; NaN while they are few."""
        enough = len(self.residuals) >= params.active_from
        self.quantile = conformal_quantile(self.residuals, self.miscoverage) if enough else math.nan

    def export(self) -> dict[str, Any]:
        """JSON-able exact state."""
        return {
            "observations": [
                [each.horizon_sec, each.period, [list(lesson) for lesson in each.lessons]]
                for each in self.observations
            ],
            "older": list(self.older),
            "outcomes": self.outcomes,
            "residuals": list(self.residuals),
            "miscoverage": self.miscoverage,
            "judged": self.judged,
            "covered": self.covered,
        }

    @staticmethod
    def restore(data: dict[str, Any], params: ConformalParams) -> "StrategyRecord":
        """Rebuild an exported record; a window made shorter keeps its newest part."""
        record = StrategyRecord(
            older=RecordSums(*data["older"]),
            outcomes=data["outcomes"],
            residuals=deque(data["residuals"][-params.window :]),
            miscoverage=data["miscoverage"],
            judged=data["judged"],
            covered=data["covered"],
        )
        for horizon_sec, period, lessons in data["observations"]:
            kept = [KeptLesson(*lesson) for lesson in lessons]
            record._append(Observation(horizon_sec, period, kept))
            record.lessons += len(kept)
            record._next_place = max(record._next_place, kept[-1].place + 1)
        record.measure(params)
        return record


def outcome_period(timestamp_ns: int, horizon_sec: float = _DAY_SEC) -> int:
    """Return the period of a signal's outcome over its horizon; of a day, from noon to noon UTC.

    So closes of one trading day, of whatever exchange, are one observation.
    """
    horizon_ns = max(round(horizon_sec * 1e9), 1)
    return (timestamp_ns - horizon_ns // 2) // horizon_ns


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """Records gathered for a list of s strategies, each of shape (s,).

    ``outcomes`` counts them; ``sums`` has shape (7, s), in the order of :class:`RecordSums`.
    """

    outcomes: FloatArray
    sums: FloatArray
    quantile: FloatArray


_NO_RECORD: Final = (0.0, *RecordSums(), math.nan)


class RecordBook:
    """Records by strategy, the least recently updated dropped beyond a bound.

    Parameters
    ----------
    params : ConformalParams
    records : RecordParams
    max_strategies : int
    horizon_sec : float, seconds, > 0
        Horizon of claims: the one that sums are over.
    """

    def __init__(
        self,
        params: ConformalParams,
        records: RecordParams,
        max_strategies: int,
        horizon_sec: float = _DAY_SEC,
    ) -> None:
        self._params = params
        self._memory = Memory(records.half_life, horizon_sec)
        self._max = max_strategies
        self._records: dict[str, StrategyRecord] = {}
        self.refused = 0

    def observe(self, lesson: Lesson) -> bool:
        """Learn from one outcome; False (and counted) when a number is unusable."""
        residual = math.nan if lesson.residual is None else lesson.residual
        usable = all(map(math.isfinite, (lesson.claim, lesson.outcome, residual)))
        if not usable or residual > _LARGEST_RESIDUAL:
            self.refused += 1
            return False
        name = lesson.strategy_id
        record = self._records.pop(name, None) or StrategyRecord(
            miscoverage=1.0 - self._params.coverage
        )
        self._records[name] = record  # newest last: the first one is the stalest
        if len(self._records) > self._max:
            del self._records[next(iter(self._records))]
        record.add(lesson, residual, self._params, self._memory)
        return True

    def withdraw(self, decision_id: str, symbol: str) -> bool:
        """Take an outcome out of every record that keeps it; False where none does."""
        found = [
            name
            for name, record in self._records.items()
            if record.withdraw(decision_id, symbol, self._params)
        ]
        for name in found:
            record = self._records[name]
            if not record.outcomes and not record.judged:
                del self._records[name]
        return bool(found)

    def gather(self, strategies: Sequence[str]) -> RecordColumns:
        """Columns for these strategies; unknown ones have no record."""
        memory = self._memory
        rows = [
            _NO_RECORD if r is None else (r.outcomes, *r.sums(memory), r.quantile)
            for r in map(self._records.get, strategies)
        ]
        table = np.array(rows, dtype=np.float64).reshape(-1, len(_NO_RECORD)).T
        return RecordColumns(table[0], table[1:-1], table[-1])

    def records(self) -> dict[str, tuple[StrategyRecord, RecordSums]]:
        """Each strategy's record with its sums, by name."""
        memory = self._memory
        return {name: (r, r.sums(memory)) for name, r in sorted(self._records.items())}

    def coverage(self) -> float | None:
        """Share of judged outcomes inside their conformal band, over all strategies."""
        judged = self.judged()
        covered = sum(record.covered for record in self._records.values())
        return covered / judged if judged else None

    def judged(self) -> int:
        """Count the outcomes that had a conformal band to be judged by, over all strategies."""
        return sum(record.judged for record in self._records.values())

    def export(self) -> dict[str, Any]:
        """JSON-able exact state."""
        return {
            "refused": self.refused,
            "records": {name: record.export() for name, record in self._records.items()},
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state; quantiles are computed anew from their residuals."""
        self.refused = data["refused"]
        self._records = {
            name: StrategyRecord.restore(entry, self._params)
            for name, entry in data["records"].items()
        }
