"""Effective regime per symbol, with hysteresis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.types import Regime


@dataclass(slots=True)
class SymbolRegime:
    """Regime in force, a candidate with its run of periods, and the last period's time."""

    current: Regime
    last_ns: int
    candidate: Regime | None = None
    streak: int = 0


class RegimeBook:
    """Regimes by symbol; one newer timestamp is one period.

    The first observation is adopted at once; a change needs ``confirmations`` consecutive
    periods; a candidate that is given up is a false flip.
    """

    def __init__(self, confirmations: int, max_symbols: int) -> None:
        self._confirmations = confirmations
        self._max = max_symbols
        self._book: dict[str, SymbolRegime] = {}
        self.transitions = 0
        self.false_flips = 0

    def observe(self, symbol: str, claim: Regime, timestamp_ns: int) -> Regime:
        """Take one batch's claim for a symbol and return the regime in force after it."""
        state = self._book.get(symbol)
        if state is None:
            self._make_room()
            self._book[symbol] = SymbolRegime(claim, timestamp_ns)
            return claim
        if timestamp_ns > state.last_ns:
            state.last_ns = timestamp_ns
            if claim is not state.current or state.candidate is not None:
                self._weigh(state, claim)
        return state.current

    def newest_ns(self, symbol: str) -> int:
        """Stamp of the newest claim of a symbol, -1 before the first."""
        state = self._book.get(symbol)
        return -1 if state is None else state.last_ns

    def _weigh(self, state: SymbolRegime, claim: Regime) -> None:
        if claim is not state.candidate:
            if state.candidate is not None:
                self.false_flips += 1
            state.candidate = None if claim is state.current else claim
            state.streak = 0
        if state.candidate is None:
            return
        state.streak += 1
        if state.streak >= self._confirmations:
            state.current, state.candidate, state.streak = claim, None, 0
            self.transitions += 1

    def _make_room(self) -> None:
        if len(self._book) >= self._max:
            stalest = min(self._book, key=lambda name: (self._book[name].last_ns, name))
            del self._book[stalest]

    def current(self) -> Mapping[str, Regime]:
        """Regime in force of every known symbol."""
        return {symbol: state.current for symbol, state in self._book.items()}

    def export(self) -> dict[str, Any]:
        """JSON-able exact state."""
        return {
            "transitions": self.transitions,
            "false_flips": self.false_flips,
            "book": [
                [symbol, s.current.value, s.last_ns, s.candidate and s.candidate.value, s.streak]
                for symbol, s in self._book.items()
            ],
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state."""
        self.transitions = data["transitions"]
        self.false_flips = data["false_flips"]
        self._book = {
            symbol: SymbolRegime(
                Regime(current), last_ns, Regime(candidate) if candidate else None, streak
            )
            for symbol, current, last_ns, candidate, streak in data["book"]
        }
