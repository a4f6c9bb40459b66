"""A token bucket for each API key, on the monotonic clock."""

from typing import Final

from app.api.response.problems import RateLimited
from app.pipeline.ports import Clock

# more than there will ever be keys
_MAX_NAMES: Final = 10_000


class RateLimiter:
    """Grant each name so many requests a second, and a burst after a rest.

    Parameters
    ----------
    per_sec : float, 1/s, > 0
    burst : int, requests
    clock : Clock
    max_names : int
        Names remembered; beyond them the one that asked longest ago is forgotten.
    """

    def __init__(
        self, per_sec: float, burst: int, clock: Clock, *, max_names: int = _MAX_NAMES
    ) -> None:
        self._per_sec = per_sec
        self._burst = float(burst)
        self._clock = clock
        self._max_names = max_names
        # tokens left, and when that was counted; in the order of asking
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, name: str) -> None:
        """Take one token of a name.

        Raises
        ------
        RateLimited
            If there is none; with the seconds until there is.
        """
        now = self._clock.monotonic()
        left, counted_at = self._buckets.pop(name, (self._burst, now))
        left = min(self._burst, left + self._per_sec * (now - counted_at))
        granted = left >= 1.0
        self._buckets[name] = (left - 1.0 if granted else left, now)
        if len(self._buckets) > self._max_names:
            del self._buckets[next(iter(self._buckets))]
        if not granted:
            raise RateLimited(self._per_sec, (1.0 - left) / self._per_sec)
