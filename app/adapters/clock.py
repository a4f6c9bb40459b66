"""The system's clocks."""

import time


class SystemClock:
    """Wall clock for records, monotonic clock for durations."""

    def now_ns(self) -> int:
        """Wall-clock time, nanoseconds since 1970-01-01 UTC."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back."""
        return time.monotonic()
