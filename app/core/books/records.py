"""What each strategy's outcomes have taught: posterior, win rate, conformal residuals."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from app.core.params import ConformalParams
from app.core.stages.conformal import conformal_quantile, next_miscoverage
from app.core.types import FloatArray

LARGEST_RETURN: Final = 1e100
# An outcome of 5 claimed volatilities or more says that the claim was wrong, not how good the
# strategy is: it counts as 5 in the mean, and whole in the conformal residuals, where it is a miss.
CLIP_SIGMAS: Final = 5.0
# ten half-lives of 250 observations: what is older weighs a thousandth
LESSONS_KEPT: Final = 2_500
# sums are kept a day, so that they mean the same whatever the horizon of claims is set to
_DAY_SEC: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one outcome teaches a strategy.

    Attributes
    ----------
    strategy_id : str
    trade_return : float, direction times the symbol's realised return
    predicted : float, posterior mean the decision used
    volatility : float, volatility the decision used, > 0
    decision_id, symbol : str
        The outcome it came from, by which it can be withdrawn; None and "" without a decision.
    period : int or None
        Outcomes of a strategy in one period of one horizon are one observation of their mean;
        None: alone.
    horizon_sec : float, seconds, > 0
        What all three numbers are over.
    """

    strategy_id: str
    trade_return: float
    predicted: float
    volatility: float
    decision_id: str | None = None
    symbol: str = ""
    period: int | None = None
    horizon_sec: float = _DAY_SEC


class _Kept(NamedTuple):
    """A lesson as a record keeps it."""

    decision_id: str | None
    symbol: str
    period: int | None
    trade_return: float
    predicted: float
    volatility: float
    horizon_sec: float

    @property
    def key(self) -> tuple[float, int] | None:
        """Period by horizon and number; None where it is an observation of its own."""
        return None if self.period is None else (self.horizon_sec, self.period)

    @property
    def clipped(self) -> float:
        """Trade return that counts in the mean."""
        return clipped_return(self.trade_return, self.volatility)

    @property
    def residual(self) -> float:
        """Standardised absolute residual."""
        return abs(self.trade_return - self.predicted) / self.volatility


class _Figures(NamedTuple):
    """Weight of a record's observations, their mean, and the weight of those that won."""

    observations: float
    mean: float
    wins: float


class _Group(NamedTuple):
    """Outcomes of one period: how many, sum of what counts in the mean, and sum as they were."""

    outcomes: int = 0
    total: float = 0.0
    raw: float = 0.0

    def plus(self, lesson: "_Kept") -> "_Group":
        """Return the group with one outcome more."""
        raw = self.raw + _bounded(lesson.trade_return)
        return _Group(self.outcomes + 1, self.total + lesson.clipped, raw)

    def weigh(self, own_sec: float, horizon_sec: float) -> tuple[float, float, float]:
        """Return weight, weight times mean a day, and weight if it won, of one observation.

        An outcome over a part of the horizon of claims says that part as much; over more of it, no
        more than one.
        """
        weight = min(1.0, own_sec / horizon_sec)
        a_day = self.total / self.outcomes * (_DAY_SEC / own_sec)
        return weight, weight * a_day, weight * (self.raw > 0.0)


@dataclass(slots=True)
class StrategyRecord:
    """Record of one strategy: outcomes of direction times return, and its conformal scaler.

    ``lessons`` are the newest ones, whole. Of older ones ``older`` keeps weight, weighted mean a
    day and wins of observations, and ``open_periods`` the older lessons of periods, by horizon and
    number, that ``lessons`` still names.
    """

    lessons: deque[_Kept] = field(default_factory=deque)
    older: tuple[float, float, float] = (0.0, 0.0, 0.0)
    open_periods: dict[tuple[float, int], _Group] = field(default_factory=dict)
    outcomes: int = 0
    residuals: deque[float] = field(default_factory=deque)
    miscoverage: float = 0.1
    quantile: float = math.nan
    judged: int = 0
    covered: int = 0
    _figures: _Figures | None = None

    def add(self, lesson: _Kept, params: ConformalParams, horizon_sec: float) -> None:
        """Count one outcome: an observation of its own, or part of its period's."""
        self.outcomes += 1
        self.lessons.append(lesson)
        self._figures = None
        if len(self.lessons) > LESSONS_KEPT:
            self._forget_oldest(horizon_sec)
        self._add_residual(lesson, params)

    def _forget_oldest(self, horizon_sec: float) -> None:
        oldest = self.lessons.popleft()
        key = oldest.key
        group = _Group() if key is None else self.open_periods.pop(key, _Group())
        group = group.plus(oldest)
        if key is not None and any(lesson.key == key for lesson in self.lessons):
            self.open_periods[key] = group
            return
        weighed = group.weigh(oldest.horizon_sec, horizon_sec)
        weight, mean, wins = (mine + its for mine, its in zip(self.older, weighed, strict=True))
        self.older = (weight, mean, wins)

    def withdraw(self, decision_id: str, symbol: str, params: ConformalParams) -> bool:
        """Take an outcome back as if it had not been; the adapted level alone stays."""
        kept = [
            lesson
            for lesson in self.lessons
            if (lesson.decision_id, lesson.symbol) != (decision_id, symbol)
        ]
        gone = len(self.lessons) - len(kept)
        if not gone:
            return False
        before = list(self.residuals)[: max(len(self.residuals) - len(self.lessons), 0)]
        self.lessons = deque(kept)
        self.outcomes -= gone
        self._figures = None
        residuals = [*before, *(lesson.residual for lesson in kept)]
        self.residuals = deque(residuals[-params.window :])
        self.measure(params)
        return True

    def figures(self, horizon_sec: float) -> _Figures:
        """Return weight, mean over the horizon of claims and wins; a period is one observation."""
        if self._figures is None:
            self._figures = self._sum_up(horizon_sec)
        return self._figures

    def _sum_up(self, horizon_sec: float) -> _Figures:
        groups: dict[object, tuple[float, _Group]] = {
            key: (key[0], group) for key, group in self.open_periods.items()
        }
        for place, lesson in enumerate(self.lessons):
            key = place if lesson.key is None else lesson.key
            _, group = groups.get(key, (0.0, _Group()))
            groups[key] = (lesson.horizon_sec, group.plus(lesson))
        rows = [self.older, *(group.weigh(own, horizon_sec) for own, group in groups.values())]
        # exact whatever the order, so that a withdrawn outcome leaves no trace in the last bits
        weight, mean, wins = map(math.fsum, zip(*rows, strict=True))
        if not weight:
            return _Figures(0.0, 0.0, 0.0)
        return _Figures(weight, mean / weight * (horizon_sec / _DAY_SEC), wins)

    def _add_residual(self, lesson: _Kept, params: ConformalParams) -> None:
        """Feed a standardised absolute residual to the adaptive conformal scaler."""
        residual = lesson.residual
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


def outcome_period(timestamp_ns: int, horizon_sec: float = _DAY_SEC) -> int:
    """Return the period of a signal's outcome over its horizon; of a day, from noon to noon UTC.

    So closes of one trading day, of whatever exchange, are one observation.
    """
    horizon_ns = max(round(horizon_sec * 1e9), 1)
    return (timestamp_ns - horizon_ns // 2) // horizon_ns


def is_clipped(trade_return: float, volatility: float) -> bool:
    """Whether an outcome lies so far out that it counts as 5 volatilities."""
    return abs(trade_return) >= CLIP_SIGMAS * volatility


def clipped_return(trade_return: float, volatility: float) -> float:
    """Return a trade return within 5 volatilities, and within what keeps every sum finite."""
    bound = min(CLIP_SIGMAS * volatility, LARGEST_RETURN)
    return min(max(trade_return, -bound), bound)


def _bounded(trade_return: float) -> float:
    return min(max(trade_return, -LARGEST_RETURN), LARGEST_RETURN)


@dataclass(frozen=True, slots=True)
class RecordColumns:
    """Records gathered for a list of strategies, each of shape (n_strategies,)."""

    count: FloatArray
    mean: FloatArray
    wins: FloatArray
    quantile: FloatArray


class RecordBook:
    """Records by strategy, the least recently updated dropped beyond a bound.

    Parameters
    ----------
    params : ConformalParams
    max_strategies : int
    horizon_sec : float, seconds, > 0
        Horizon of claims: the one that means are over.
    """

    def __init__(
        self, params: ConformalParams, max_strategies: int, horizon_sec: float = _DAY_SEC
    ) -> None:
        self._params = params
        self._max = max_strategies
        self._horizon_sec = horizon_sec
        self._records: dict[str, StrategyRecord] = {}
        self.refused = 0

    def observe(self, lesson: Lesson) -> bool:
        """Learn from one outcome; False (and counted) when a number is unusable."""
        numbers = lesson.trade_return, lesson.predicted, lesson.volatility
        if standardised_residual(*numbers) is None:
            self.refused += 1
            return False
        name = lesson.strategy_id
        record = self._records.pop(name, None) or StrategyRecord(
            miscoverage=1.0 - self._params.coverage
        )
        self._records[name] = record  # newest last: the first one is the stalest
        if len(self._records) > self._max:
            del self._records[next(iter(self._records))]
        origin = lesson.decision_id, lesson.symbol, lesson.period
        kept = _Kept(*origin, *numbers, lesson.horizon_sec)
        record.add(kept, self._params, self._horizon_sec)
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
        rows = [
            (0, 0.0, 0, math.nan) if r is None else (*r.figures(self._horizon_sec), r.quantile)
            for r in map(self._records.get, strategies)
        ]
        table = np.array(rows, dtype=np.float64).reshape(-1, 4).T
        return RecordColumns(table[0], table[1], table[2], table[3])

    def summary(self) -> dict[str, dict[str, Any]]:
        """Plain view per strategy for ``GET /state``."""
        horizon_sec = self._horizon_sec
        return {name: _summary(r, horizon_sec) for name, r in sorted(self._records.items())}

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
            "records": {name: _export(record) for name, record in self._records.items()},
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state; quantiles are computed anew from their residuals."""
        self.refused = data["refused"]
        self._records = {name: _restored(entry) for name, entry in data["records"].items()}
        for record in self._records.values():
            record.measure(self._params)


def _summary(record: StrategyRecord, horizon_sec: float) -> dict[str, Any]:
    count, mean, wins = record.figures(horizon_sec)
    return {
        "outcomes": record.outcomes,
        "observations": count,
        "mean_return": mean,
        "wins": wins,
        "residuals": len(record.residuals),
        "miscoverage": record.miscoverage,
        "quantile": None if math.isnan(record.quantile) else record.quantile,
        "coverage": record.covered / record.judged if record.judged else None,
    }


def _export(record: StrategyRecord) -> dict[str, Any]:
    return {
        "lessons": [list(lesson) for lesson in record.lessons],
        "older": list(record.older),
        "open_periods": [[*key, *group] for key, group in record.open_periods.items()],
        "outcomes": record.outcomes,
        "residuals": list(record.residuals),
        "miscoverage": record.miscoverage,
        "judged": record.judged,
        "covered": record.covered,
    }


def _restored(data: dict[str, Any]) -> StrategyRecord:
    weight, mean, wins = data["older"]
    return StrategyRecord(
        lessons=deque(_Kept(*lesson) for lesson in data["lessons"]),
        older=(weight, mean, wins),
        open_periods={(own, period): _Group(*sums) for own, period, *sums in data["open_periods"]},
        outcomes=data["outcomes"],
        residuals=deque(data["residuals"]),
        miscoverage=data["miscoverage"],
        judged=data["judged"],
        covered=data["covered"],
    )


def standardised_residual(
    trade_return: float | None, predicted: float | None, volatility: float | None
) -> float | None:
    """|actual - predicted| / volatility; None where any of them is None, NaN or infinite."""
    if trade_return is None or predicted is None or volatility is None:
        return None
    if not all(map(math.isfinite, (trade_return, predicted, volatility))) or volatility <= 0.0:
        return None
    residual = abs(trade_return - predicted) / volatility
    return residual if math.isfinite(residual) else None
