"""The system clock, behind the pipeline's ``Clock`` port."""

import time


class SystemClock:
    """Wall clock for records, monotonic clock for durations."""

    def now_ns(self) -> int:
        """Return the wall-clock time, nanoseconds since 1970-01-01 UTC."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return the seconds of a clock that never goes back."""
        return time.monotonic()
