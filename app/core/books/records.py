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
# the horizon of claims: a day
_PERIOD_NS: Final = 86_400 * 10**9


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
        Outcomes of a strategy in one period are one observation of their mean; None: alone.
    """

    strategy_id: str
    trade_return: float
    predicted: float
    volatility: float
    decision_id: str | None = None
    symbol: str = ""
    period: int | None = None


class _Kept(NamedTuple):
    """A lesson as a record keeps it."""

    decision_id: str | None
    symbol: str
    period: int | None
    trade_return: float
    predicted: float
    volatility: float

    @property
    def clipped(self) -> float:
        """Trade return that counts in the mean."""
        return clipped_return(self.trade_return, self.volatility)

    @property
    def residual(self) -> float:
        """Standardised absolute residual."""
        return abs(self.trade_return - self.predicted) / self.volatility


class _Figures(NamedTuple):
    """How many observations a record has, their mean, and how many of them won."""

    observations: int
    mean: float
    wins: int


@dataclass(slots=True)
class StrategyRecord:
    """Record of one strategy: outcomes of direction times return, and its conformal scaler.

    ``lessons`` are the newest ones, whole. Of older ones ``older`` keeps count, sum and wins of
    observations, and ``open_periods`` count, sum and unclipped sum of the older lessons of periods
    that ``lessons`` still names.
    """

    lessons: deque[_Kept] = field(default_factory=deque)
    older: tuple[int, float, int] = (0, 0.0, 0)
    open_periods: dict[int, tuple[int, float, float]] = field(default_factory=dict)
    outcomes: int = 0
    residuals: deque[float] = field(default_factory=deque)
    miscoverage: float = 0.1
    quantile: float = math.nan
    judged: int = 0
    covered: int = 0
    _figures: _Figures | None = None

    def add(self, lesson: _Kept, params: ConformalParams) -> None:
        """Count one outcome: an observation of its own, or part of its period's."""
        self.outcomes += 1
        self.lessons.append(lesson)
        self._figures = None
        if len(self.lessons) > LESSONS_KEPT:
            self._forget_oldest()
        self._add_residual(lesson, params)

    def _forget_oldest(self) -> None:
        oldest = self.lessons.popleft()
        period = oldest.period
        n, total, raw = 0, 0.0, 0.0
        if period is not None:
            n, total, raw = self.open_periods.pop(period, (0, 0.0, 0.0))
        n, total, raw = n + 1, total + oldest.clipped, raw + _bounded(oldest.trade_return)
        if period is not None and any(lesson.period == period for lesson in self.lessons):
            self.open_periods[period] = (n, total, raw)
            return
        count, means, wins = self.older
        self.older = (count + 1, means + total / n, wins + (raw > 0.0))

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

    def figures(self) -> _Figures:
        """Return the observations' count, mean and wins, each period one of its mean."""
        if self._figures is None:
            self._figures = self._sum_up()
        return self._figures

    def _sum_up(self) -> _Figures:
        groups: dict[object, tuple[int, float, float]] = dict(self.open_periods.items())
        for place, lesson in enumerate(self.lessons):
            key = (place,) if lesson.period is None else lesson.period
            n, total, raw = groups.get(key, (0, 0.0, 0.0))
            groups[key] = (
                n + 1,
                total + lesson.clipped,
                raw + _bounded(lesson.trade_return),
            )
        count, mean_sum, wins = self.older
        count += len(groups)
        if not count:
            return _Figures(0, 0.0, 0)
        # exact whatever the order, so that a withdrawn outcome leaves no trace in the last bits
        total = math.fsum([mean_sum, *(total / n for n, total, _ in groups.values())])
        return _Figures(count, total / count, wins + sum(raw > 0.0 for *_, raw in groups.values()))

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


def outcome_period(timestamp_ns: int) -> int:
    """Return the period of a signal's outcome: days from noon to noon UTC.

    So closes of one trading day, of whatever exchange, are one observation.
    """
    return (timestamp_ns - _PERIOD_NS // 2) // _PERIOD_NS


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
    """Records by strategy, the least recently updated dropped beyond a bound."""

    def __init__(self, params: ConformalParams, max_strategies: int) -> None:
        self._params = params
        self._max = max_strategies
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
        record.add(_Kept(lesson.decision_id, lesson.symbol, lesson.period, *numbers), self._params)
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
            (0, 0.0, 0, math.nan) if r is None else (*r.figures(), r.quantile)
            for r in map(self._records.get, strategies)
        ]
        table = np.array(rows, dtype=np.float64).reshape(-1, 4).T
        return RecordColumns(table[0], table[1], table[2], table[3])

    def summary(self) -> dict[str, dict[str, Any]]:
        """Plain view per strategy for ``GET /state``."""
        return {name: _summary(record) for name, record in sorted(self._records.items())}

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


def _summary(record: StrategyRecord) -> dict[str, Any]:
    count, mean, wins = record.figures()
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
        "open_periods": [[period, *sums] for period, sums in record.open_periods.items()],
        "outcomes": record.outcomes,
        "residuals": list(record.residuals),
        "miscoverage": record.miscoverage,
        "judged": record.judged,
        "covered": record.covered,
    }


def _restored(data: dict[str, Any]) -> StrategyRecord:
    count, total, wins = data["older"]
    return StrategyRecord(
        lessons=deque(_Kept(*lesson) for lesson in data["lessons"]),
        older=(count, total, wins),
        open_periods={period: (n, sums, raw) for period, n, sums, raw in data["open_periods"]},
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
