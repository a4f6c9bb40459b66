"""Standing signals: what each strategy last said of a symbol, in force until its time is over.

See docs/concepts.md#standing-signals.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Self

from app.core.signals import signal_from_json, signal_to_json
from app.core.types import DIRECTION, Signal

# Time bounds what a caller can have us keep, this the memory: beyond it the stalest pairs give way.
PAIRS_KEPT: Final = 10_000
OF_BATCHES: Final = "allocate"
_LAST_NS: Final = 2**63 - 1
# longer than the clock of the journal can count, and small enough for an exact product
_LONGEST_SEC: Final = 1e10


class Pair(NamedTuple):
    """Whose word on what: the newest batch that names a pair replaces all that stood for it."""

    strategy_id: str
    symbol: str


@dataclass(frozen=True, slots=True)
class StandingSignal:
    """A directional signal that stays in force up to ``until_ns``; ``source`` is where it came in.

    It holds no price: whatever will (a stop) has to be rescaled when its symbol is split.
    """

    signal: Signal
    until_ns: int
    source: str = OF_BATCHES

    @property
    def pair(self) -> Pair:
        """Strategy and symbol."""
        return Pair(self.signal.strategy_id, self.signal.symbol)

    def is_in_force(self, at_ns: int) -> bool:
        """Return whether it still holds at a time; all that ends a signal by itself is here."""
        return at_ns <= self.until_ns


class StandingBook:
    """Signals in force by strategy and symbol; a fold over batches and the acts that end some.

    Parameters
    ----------
    max_pairs : int
        Pairs that are kept; those of the newest batch always are.
    standing : mapping of Pair to tuple of StandingSignal, optional
        What stands already; the pair that was named longest ago first.
    """

    def __init__(
        self,
        max_pairs: int = PAIRS_KEPT,
        standing: Mapping[Pair, tuple[StandingSignal, ...]] | None = None,
    ) -> None:
        self._max = max_pairs
        self._book = dict(standing or {})

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        """Copy for a dry run: what is in the book never changes itself."""
        return type(self)(self._max, self._book)

    def in_force(self, at_ns: int) -> Iterator[StandingSignal]:
        """Yield what holds at a time, in the order in which the pairs were named."""
        # a list, as a scrape of the gauge may look from another thread
        for kept in list(self._book.values()):
            yield from (standing for standing in kept if standing.is_in_force(at_ns))

    def beside(self, named: Collection[tuple[str, str]], at_ns: int) -> tuple[Signal, ...]:
        """Return the signals in force of all pairs (strategy, symbol) but those that are named."""
        return tuple(s.signal for s in self.in_force(at_ns) if s.pair not in named)

    def keep(self, given: Iterable[StandingSignal], at_ns: int) -> int:
        """Replace what stood for each pair that is named; return how many pairs gave way for room.

        Parameters
        ----------
        given : iterable of StandingSignal
            HOLD ends its pair, unless a directional signal of the same pair is given too.
        at_ns : int
            Time of receipt; what is over by then is dropped.
        """
        newest: dict[Pair, list[StandingSignal]] = {}
        for standing in given:
            mine = newest.setdefault(standing.pair, [])
            if DIRECTION[standing.signal.action] != 0.0:
                mine.append(standing)
        self.end(newest)
        over = [
            pair
            for pair, kept in self._book.items()
            if not any(standing.is_in_force(at_ns) for standing in kept)
        ]
        self.end(over)
        self._book.update({pair: tuple(mine) for pair, mine in newest.items() if mine})
        given_way = max(len(self._book) - max(self._max, len(newest)), 0)
        self.end(self.pairs()[:given_way])
        return given_way

    def pairs(self) -> list[Pair]:
        """Return the pairs that something is kept for, in force or not."""
        return list(self._book)

    def end(self, pairs: Iterable[tuple[str, str]]) -> None:
        """End what stands for pairs of strategy and symbol."""
        for pair in pairs:
            self._book.pop(Pair(*pair), None)

    def export(self) -> list[dict[str, Any]]:
        """Return the state as JSON-able data, exact to the last bit."""
        return [
            {
                "signal": signal_to_json(standing.signal),
                "until_ns": standing.until_ns,
                "source": standing.source,
            }
            for kept in self._book.values()
            for standing in kept
        ]

    def restore(self, data: Iterable[Mapping[str, Any]]) -> None:
        """Replace the state by one that :meth:`export` returned."""
        found: dict[Pair, list[StandingSignal]] = {}
        for entry in data:
            signal = signal_from_json(entry["signal"])
            standing = StandingSignal(signal, entry["until_ns"], entry["source"])
            found.setdefault(standing.pair, []).append(standing)
        self._book = {pair: tuple(mine) for pair, mine in found.items()}


def standing_until(signal: Signal, latest_ns: int | None, valid_for_sec: float) -> int:
    """Return the last moment at which a signal is in force, ns.

    Parameters
    ----------
    signal : Signal
    latest_ns : int or None
        A stamp that is later counts as this.
    valid_for_sec : float, seconds, >= 0
        For a signal that does not say.
    """
    stamp = signal.timestamp_ns if latest_ns is None else min(signal.timestamp_ns, latest_ns)
    span = valid_for_sec if signal.valid_for_sec is None else signal.valid_for_sec
    return min(stamp + round(min(span, _LONGEST_SEC) * 1e9), _LAST_NS)
