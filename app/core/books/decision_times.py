"""When each symbol was last decided on, so that slow trading can count time."""

from collections.abc import Iterable
from typing import Any


class DecisionTimes:
    """Time of the last decision of each symbol, the one decided longest ago dropped beyond a bound.

    A decision is of the symbols of its signals, HOLD too.
    """

    def __init__(self, max_symbols: int) -> None:
        self._max = max_symbols
        self._last_ns: dict[str, int] = {}

    def observe(self, symbols: Iterable[str], at_ns: int, first_sec: float) -> dict[str, float]:
        """Take the symbols of a decision; return how long ago each had its last one.

        Parameters
        ----------
        symbols : iterable of str
        at_ns : int
        first_sec : float, seconds
            What counts for a symbol's first decision.

        Returns
        -------
        dict of symbol to seconds, >= 0
        """
        elapsed: dict[str, float] = {}
        for symbol in symbols:
            last_ns = self._last_ns.pop(symbol, None)
            if last_ns is None:
                elapsed[symbol], last_ns = first_sec, at_ns
            else:
                elapsed[symbol] = max(at_ns - last_ns, 0) / 1e9
            # newest last: the first one is the stalest
            self._last_ns[symbol] = max(last_ns, at_ns)
        self._drop_stalest()
        return elapsed

    def _drop_stalest(self) -> None:
        while len(self._last_ns) > self._max:
            del self._last_ns[next(iter(self._last_ns))]

    def export(self) -> dict[str, Any]:
        """JSON-able exact state."""
        return dict(self._last_ns)

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state; a smaller bound keeps the newest."""
        self._last_ns = dict(data)
        self._drop_stalest()
