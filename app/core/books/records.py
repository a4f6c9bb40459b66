"""What each strategy's outcomes have taught: posterior, win rate, conformal residuals."""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from app.core.params import ConformalParams
from app.core.stages.conformal import conformal_quantile, next_miscoverage
from app.core.types import FloatArray

LARGEST_RETURN = 1e100


@dataclass(slots=True)
class StrategyRecord:
    """Record of one strategy: outcomes of direction times return, and its conformal scaler."""

    count: int = 0
    mean: float = 0.0
    wins: int = 0
    residuals: deque[float] = field(default_factory=deque)
    miscoverage: float = 0.1
    quantile: float = math.nan
    judged: int = 0
    covered: int = 0

    def add_outcome(self, trade_return: float) -> None:
        """Count one realised return of a trade (direction times the symbol's return)."""
        # bounded, so that no pair of returns can make the mean overflow
        bounded = min(max(trade_return, -LARGEST_RETURN), LARGEST_RETURN)
        self.count += 1
        self.mean += (bounded - self.mean) / self.count
        self.wins += bounded > 0.0

    def add_residual(self, residual: float, params: ConformalParams) -> None:
        """Feed one standardised absolute residual to the adaptive conformal scaler."""
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
        if len(self.residuals) >= params.active_from:
            self.quantile = conformal_quantile(self.residuals, self.miscoverage)


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

    def observe(
        self, strategy_id: str, trade_return: float, predicted: float, volatility: float
    ) -> bool:
        """Learn from one outcome; False (and counted) when a number is unusable.

        Parameters
        ----------
        strategy_id : str
        trade_return : float, direction times realised return
        predicted : float, posterior mean the decision used
        volatility : float, volatility the decision used, > 0
        """
        residual = standardised_residual(trade_return, predicted, volatility)
        if residual is None:
            self.refused += 1
            return False
        record = self._records.pop(strategy_id, None) or StrategyRecord(
            miscoverage=1.0 - self._params.coverage
        )
        self._records[strategy_id] = record  # newest last: the first one is the stalest
        if len(self._records) > self._max:
            del self._records[next(iter(self._records))]
        record.add_outcome(trade_return)
        record.add_residual(residual, self._params)
        return True

    def gather(self, strategies: Sequence[str]) -> RecordColumns:
        """Columns for these strategies; unknown ones have no record."""
        rows = [
            (0, 0.0, 0, math.nan) if r is None else (r.count, r.mean, r.wins, r.quantile)
            for r in map(self._records.get, strategies)
        ]
        table = np.array(rows, dtype=np.float64).reshape(-1, 4).T
        return RecordColumns(table[0], table[1], table[2], table[3])

    def summary(self) -> dict[str, dict[str, Any]]:
        """Plain view per strategy for ``GET /state``."""
        return {
            name: {
                "outcomes": record.count,
                "mean_return": record.mean,
                "wins": record.wins,
                "residuals": len(record.residuals),
                "miscoverage": record.miscoverage,
                "quantile": None if math.isnan(record.quantile) else record.quantile,
                "coverage": record.covered / record.judged if record.judged else None,
            }
            for name, record in sorted(self._records.items())
        }

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
            "records": [
                [
                    name,
                    record.count,
                    record.mean,
                    record.wins,
                    list(record.residuals),
                    record.miscoverage,
                    record.judged,
                    record.covered,
                ]
                for name, record in self._records.items()
            ],
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state; quantiles are computed anew from their residuals."""
        self.refused = data["refused"]
        self._records = {}
        for name, count, mean, wins, residuals, miscoverage, judged, covered in data["records"]:
            record = StrategyRecord(
                count, mean, wins, deque(residuals), miscoverage, math.nan, judged, covered
            )
            if len(residuals) >= self._params.active_from:
                record.quantile = conformal_quantile(residuals, miscoverage)
            self._records[name] = record


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
