"""Requests by route, method and kind of status, and their time: two of the library's metrics.

Its default set has five, two of them sizes of bodies, and looks every label up again each time:
a tenth of what a small request costs here.
"""

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_fastapi_instrumentator.metrics import Info


class HttpMetrics:
    """Count and time requests, under the names that the library gives these metrics.

    Parameters
    ----------
    registry : CollectorRegistry
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "http_requests_total",
            "Requests by handler, method and status (count)",
            ("handler", "method", "status"),
            registry=registry,
        )
        self._durations = Histogram(
            "http_request_duration_seconds",
            "Time of requests by handler and method (seconds)",
            ("handler", "method"),
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0),
            registry=registry,
        )
        # handlers are route templates, methods and statuses are few: bounded
        self._known: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def __call__(self, info: Info) -> None:
        """Record one request reported by the library."""
        key = (info.modified_handler, info.method, info.modified_status)
        self.observe(key, info.modified_duration)

    def observe(self, key: tuple[str, str, str], seconds: float) -> None:
        """Record one request.

        Parameters
        ----------
        key : tuple of str
            Route template, method, and status as in ``2xx``.
        seconds : float
        """
        children = self._known.get(key)
        if children is None:
            labelled = self._requests.labels(*key), self._durations.labels(*key[:2])
            children = self._known[key] = labelled
        children[0].inc()
        children[1].observe(seconds)
