"""What the circuit breaker counts: totals, failures in a row, the failure rate of late."""

from typing import Final

_RATE_BUCKETS: Final = 60


class CallCounts:
    """Totals since start, and failures since the circuit was last closed or reset.

    Attributes
    ----------
    requests, successes, failures, fallbacks : int
        Calls let through, their results, and decisions without the protected call.
    failures_since_closed, failures_in_a_row : int
        The second ends with a success.
    last_failure_reason : str or None
    """

    __slots__ = (
        "failures",
        "failures_in_a_row",
        "failures_since_closed",
        "fallbacks",
        "last_failure_reason",
        "requests",
        "successes",
    )

    def __init__(self) -> None:
        self.requests = self.successes = self.failures = self.fallbacks = 0
        self.failures_since_closed = self.failures_in_a_row = 0
        self.last_failure_reason: str | None = None

    @property
    def success_rate(self) -> float:
        """Share of successes among successes and failures, 1 before the first of them."""
        settled = self.successes + self.failures
        return self.successes / settled if settled else 1.0

    def add_failure(self, reason: str, *, bypassed: bool) -> None:
        """Count a failure; one of a bypassed breaker counts towards the total alone."""
        self.failures += 1
        self.last_failure_reason = reason or "unknown"
        if not bypassed:
            self.failures_since_closed += 1
            self.failures_in_a_row += 1

    def close(self) -> None:
        """Start counting failures afresh; the totals go on."""
        self.failures_since_closed = self.failures_in_a_row = 0


class FailureRateWindow:
    """Calls and failures of the last ``window_sec``, in 60 buckets whatever the load."""

    __slots__ = ("_bucket_sec", "_calls", "_failures", "_newest", "calls", "failures")

    def __init__(self, window_sec: float) -> None:
        self._bucket_sec = window_sec / _RATE_BUCKETS
        self._newest = 0
        self.clear()

    def clear(self) -> None:
        """Forget every call."""
        self._calls = [0] * _RATE_BUCKETS
        self._failures = [0] * _RATE_BUCKETS
        self.calls = 0
        self.failures = 0

    def add(self, now: float, *, failed: bool) -> None:
        """Count one call at ``now`` seconds and drop what is older than the window."""
        bucket = int(now / self._bucket_sec)
        if bucket > self._newest:
            self._advance(bucket)
        place = self._newest % _RATE_BUCKETS
        self._calls[place] += 1
        self.calls += 1
        if failed:
            self._failures[place] += 1
            self.failures += 1

    def reaches(self, rate: float, min_calls: int) -> bool:
        """Whether at least ``min_calls`` are held and ``rate`` of them failed."""
        return self.calls >= min_calls and self.failures >= rate * self.calls

    def _advance(self, bucket: int) -> None:
        if bucket - self._newest >= _RATE_BUCKETS:
            self.clear()
            self._newest = bucket
        while self._newest < bucket:
            self._newest += 1
            self._drop(self._newest % _RATE_BUCKETS)

    def _drop(self, place: int) -> None:
        self.calls -= self._calls[place]
        self.failures -= self._failures[place]
        self._calls[place] = self._failures[place] = 0
