"""A clock that tests move."""


class FakeClock:
    """A clock that stands still until `advance` moves both of its times."""

    def __init__(self, now_ns: int = 1_735_226_000_000_000_000, monotonic: float = 1000.0) -> None:
        self._now_ns = now_ns
        self._monotonic = monotonic

    def now_ns(self) -> int:
        return self._now_ns

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now_ns += round(seconds * 1e9)
        self._monotonic += seconds
