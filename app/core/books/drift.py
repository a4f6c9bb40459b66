"""Drift of each strategy's share of gross exposure against its own slow average."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.params import DriftParams


@dataclass(frozen=True, slots=True)
class Drift:
    """Strategies whose drift is above the alert, and the largest relative drift, in percent."""

    drifted: tuple[str, ...] = ()
    max_drift_pct: float = 0.0


class DriftBook:
    """EWMA of each strategy's share of gross exposure, updated once per decision.

    Parameters
    ----------
    params : DriftParams
        Span of the average in decisions, relative drift of the alert, strategies kept.
    """

    def __init__(self, params: DriftParams) -> None:
        self._params = params
        self._average: dict[str, float] = {}

    def measure(self, weights: Mapping[str, float]) -> Drift:
        """Return the drift of shares against their averages; a new strategy has no drift.

        Parameters
        ----------
        weights : mapping of strategy to its share of gross exposure, summing to 1 (or empty)
            Finite.

        Returns
        -------
        Drift
        """
        if not weights:
            return Drift()
        drifted: list[str] = []
        largest = 0.0
        for name, weight in weights.items():
            average = self._average.get(name)
            if not average:
                continue
            relative = abs(weight - average) / average
            largest = max(largest, relative)
            if relative > self._params.alert_relative:
                drifted.append(name)
        return Drift(tuple(sorted(drifted)), 100.0 * largest)

    def learn(self, weights: Mapping[str, float]) -> None:
        """Move the averages one step towards these shares; an empty mapping changes nothing."""
        step = 2.0 / (self._params.span + 1.0)
        for name, weight in weights.items():
            average = self._average.pop(name, weight)
            self._average[name] = average + step * (weight - average)
        while len(self._average) > self._params.max_strategies:
            del self._average[next(iter(self._average))]

    def export(self) -> dict[str, Any]:
        """Return the state as JSON-able data, exact to the last bit."""
        return {"average": list(self._average.items())}

    def restore(self, data: dict[str, Any]) -> None:
        """Replace the state by one that :meth:`export` returned."""
        self._average = dict(map(tuple, data["average"]))
