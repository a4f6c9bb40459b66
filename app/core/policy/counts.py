"""What the circuit breaker counts."""

from typing import Final

_RATE_BUCKETS: Final = 60


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
