"""The metrics of ``GET /metrics``, one set for each application."""

import time
from collections import Counter as Tally
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from inference_server.model.loading import ServedModel

# It would add a second series to each counter, which no dashboard plots.
disable_created_metrics()  # type: ignore[no-untyped-call]

_MAX_REASONS: Final = 50
_OTHER: Final = "other"
_COUNTS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 24.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0)
_SECONDS: Final = (
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
)  # fmt: skip
ROW_RESULTS: Final = ("sized", "abstained", "refused", "failed", "turned_away")
RELOAD_RESULTS: Final = ("switched", "rolled_back", "refused")
_HISTOGRAMS: Final = {
    "batch_rows": ("Rows that one run of the model answered together (count)", _COUNTS),
    "batch_callers": ("Requests that shared one run of the model (count)", _COUNTS),
    "queue_wait_sec": ("Time from the queue to the first run of a request (seconds)", _SECONDS),
    "model_run_sec": ("Time of one run of the model (seconds)", _SECONDS),
}
_GAUGES: Final = {
    "queue_rows": "Rows that wait for a run (count)",
    "model_busy_sec": "How long the run at hand has lasted (seconds)",
    "ready": "1 if GET /health/ready answers 200 (no unit)",
    "model_age_sec": "Time since the day that the model was made (seconds; NaN without a model)",
    "model_loaded_sec": "Time since the model was loaded (seconds; NaN without a model)",
}
_MODEL: Final = "himari_inference_model_info", "1 for the model that is served (no unit)"
_BUILD: Final = "himari_inference_build_info", "1 for the version of the server (no unit)"
_ROWS: Final = (
    "himari_inference_rows_total",
    "Rows of requests by what became of them and why (count)",
)
_RELOADS: Final = (
    "himari_inference_reloads_total",
    "Reloads of the model by what became of them (count)",
)
_FAILED: Final = (
    "himari_inference_failed_callers_total",
    "Requests whose rows the model could not run, alone either (count)",
)
RowKind = tuple[str, str]


class Telemetry:
    """Counters that are kept as things happen, and gauges that are read at each scrape.

    Parameters
    ----------
    version : str
        Shown in ``himari_inference_build_info``.

    Attributes
    ----------
    registry : CollectorRegistry
        Of this application alone.
    """

    def __init__(self, *, version: str = "unknown") -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self._histograms = {
            name: Histogram(f"himari_inference_{name}", text, buckets=buckets, registry=registry)
            for name, (text, buckets) in _HISTOGRAMS.items()
        }
        self._gauges = {
            name: Gauge(f"himari_inference_{name}", text, registry=registry)
            for name, text in _GAUGES.items()
        }
        Gauge(*_BUILD, ("version",), registry=registry).labels(version).set(1)
        self._model = Gauge(*_MODEL, ("version", "kind"), registry=registry)
        self._failed = Counter(*_FAILED, registry=registry)
        self._rows = Counter(*_ROWS, ("result", "reason"), registry=registry)
        self._reasons = {(result, ""): self._rows.labels(result, "") for result in ROW_RESULTS}
        reloads = Counter(*_RELOADS, ("result",), registry=registry)
        self._reloads = {result: reloads.labels(result) for result in RELOAD_RESULTS}

    def bind_gauges(
        self,
        *,
        queued_rows: Callable[[], int],
        busy_sec: Callable[[], float],
        ready: Callable[[], bool],
        model: Callable[[], ServedModel | None],
    ) -> None:
        """Set the functions that the gauges call at each scrape.

        Parameters
        ----------
        queued_rows : callable, rows that wait, count
        busy_sec : callable, time of the run at hand, seconds
        ready : callable
        model : callable
            The model that is served, or None.
        """
        sources = {
            "queue_rows": queued_rows,
            "model_busy_sec": busy_sec,
            "ready": lambda: float(ready()),
            "model_age_sec": lambda: _age_sec(model(), _day_of),
            "model_loaded_sec": lambda: _age_sec(model(), lambda served: served.loaded_at),
        }
        for name, function in sources.items():
            self._gauges[name].set_function(function)

    def show_model(self, model: ServedModel) -> None:
        """Set the info metric to the model that is served."""
        self._model.clear()
        self._model.labels(model.card.version, model.card.kind).set(1)

    def count_reload(self, result: str) -> None:
        """Count a reload: switched, rolled_back or refused."""
        self._reloads[result].inc()

    def observe_run(self, rows: int, seconds: float, *, failed: int, callers: int) -> None:
        """Count one run; see `batching.RunObserver`."""
        self._histograms["batch_rows"].observe(rows)
        self._histograms["batch_callers"].observe(callers)
        self._histograms["model_run_sec"].observe(seconds)
        if failed:
            self._failed.inc(failed)

    def observe_wait(self, seconds: float) -> None:
        """Count one request's wait."""
        self._histograms["queue_wait_sec"].observe(seconds)

    def count_rows(self, kinds: Tally[RowKind]) -> None:
        """Add up rows by result and reason; a reason ends at its first colon.

        At most 50 reasons have a series of their own, the rest are ``other``.
        """
        for (result, reason), count in kinds.items():
            self._child(result, reason.partition(":")[0]).inc(count)

    def _child(self, result: str, reason: str) -> Counter:
        known = self._reasons.get((result, reason))
        if known is not None:
            return known
        if len(self._reasons) >= _MAX_REASONS:
            return self._rows.labels(result, _OTHER)  # one more for each result
        child = self._reasons[result, reason] = self._rows.labels(result, reason)
        return child


def _day_of(served: ServedModel) -> datetime:
    return datetime.combine(served.card.created, datetime.min.time(), UTC)


def _age_sec(model: ServedModel | None, since: Callable[[ServedModel], datetime]) -> float:
    return float("nan") if model is None else time.time() - since(model).timestamp()
