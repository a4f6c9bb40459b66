"""Gauges of the model that the policy answers with, and of how long it has been seen."""

import time
from collections.abc import Callable, Iterator
from typing import Final

from prometheus_client.core import GaugeMetricFamily, Metric

from app.adapters.telemetry.last_values import OTHER

NO_MODEL: Final = "none"


class ModelGauges:
    """Version that answered last: the first ones by name, later ones as ``other``.

    Parameters
    ----------
    limit : int
        Names that get a label of their own, count.
    wall_sec : callable, seconds since 1970
    """

    def __init__(self, limit: int, wall_sec: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._wall_sec = wall_sec
        self._names = {NO_MODEL}
        self._version: str | None = None
        self._since_sec = 0.0

    def families(self, version: str | None) -> Iterator[Metric]:
        """Yield the info and the age of a version.

        Parameters
        ----------
        version : str or None
            None as long as no model has answered.
        """
        if version != self._version:
            self._version, self._since_sec = version, self._wall_sec()
        info = GaugeMetricFamily(
            "himari_l3_model_info",
            "1 for the model that answered last, `none` before the first answer (no unit)",
            labels=("version",),
        )
        info.add_metric((self._label(version),), 1.0)
        yield info
        yield GaugeMetricFamily(
            "himari_l3_model_seen_sec",
            "Time since that model was first seen to answer, 0 without one (seconds)",
            value=0.0 if version is None else max(0.0, self._wall_sec() - self._since_sec),
        )

    def _label(self, version: str | None) -> str:
        if version is None:
            return NO_MODEL
        if version not in self._names and len(self._names) >= self._limit:
            return OTHER
        self._names.add(version)
        return version
