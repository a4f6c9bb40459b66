"""Recommendation of the cascade in force, with hysteresis: tightened at once, eased by time."""

from typing import Any, Final

from app.core.params import CascadeParams
from app.core.stages.cascade import RECOMMENDATIONS

_LEVELS: Final = range(1, len(RECOMMENDATIONS))


class CascadeBook:
    """The recommendation in force, and what is needed to ease it.

    A batch whose score recommends the same or tighter is in force at once. Three looser batches
    that count ease to the tightest that was recommended, counted or not, since the last batch at
    least as tight. A batch counts if it is a period or more after the last one that counted; the
    first and one that tightens always do. After a while without a batch the next one is in force
    whatever was before.

    For each recommendation, by rank, ``_waits`` counts the looser batches that counted since the
    last one at least as tight, and ``_looser`` is the tightest rank among all looser ones since.

    Parameters
    ----------
    params : CascadeParams
    period_sec : float, seconds
        Least time between two batches that count.
    """

    def __init__(self, params: CascadeParams, period_sec: float) -> None:
        self._confirmations = params.confirmations
        self._forget_ns = round(params.forget_sec * 1e9)
        self._period_ns = round(period_sec * 1e9)
        self._in_force = 0
        self._last_ns = -1
        self._counted_ns = -1
        self._forget()

    @property
    def in_force(self) -> str:
        """Recommendation in force after the last batch; MONITOR before the first."""
        return RECOMMENDATIONS[self._in_force]

    def observe(self, recommended: str, timestamp_ns: int) -> str:
        """Take what a batch's score recommends; return the recommendation in force after it."""
        rank = RECOMMENDATIONS.index(recommended)
        if self._last_ns < 0 or max(timestamp_ns - self._last_ns, 0) >= self._forget_ns:
            self._forget()
            self._in_force, self._counted_ns = rank, timestamp_ns
        counts = rank > self._in_force or self._is_period(timestamp_ns)
        if counts:
            self._counted_ns = max(self._counted_ns, timestamp_ns)
        self._last_ns = max(self._last_ns, timestamp_ns)
        for level in _LEVELS:
            if rank >= level:
                self._waits[level] = self._looser[level] = 0
            else:
                self._waits[level] += counts
                self._looser[level] = max(self._looser[level], rank)
        if rank >= self._in_force:
            self._in_force = rank
        elif counts and self._waits[self._in_force] >= self._confirmations:
            self._in_force = self._looser[self._in_force]
        return self.in_force

    def _is_period(self, timestamp_ns: int) -> bool:
        since_ns = timestamp_ns - self._counted_ns
        return since_ns > 0 and since_ns >= self._period_ns

    def _forget(self) -> None:
        self._waits = [0] * len(RECOMMENDATIONS)
        self._looser = [0] * len(RECOMMENDATIONS)

    def export(self) -> dict[str, Any]:
        """JSON-able exact state."""
        return {
            "in_force": self.in_force,
            "last_ns": self._last_ns,
            "counted_ns": self._counted_ns,
            "waits": list(self._waits),
            "looser": list(self._looser),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state."""
        self._in_force = RECOMMENDATIONS.index(data["in_force"])
        self._last_ns, self._counted_ns = data["last_ns"], data["counted_ns"]
        self._waits, self._looser = list(data["waits"]), list(data["looser"])
