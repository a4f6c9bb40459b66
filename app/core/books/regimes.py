"""Effective regime per symbol, with hysteresis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.core.params import RegimeParams
from app.core.types import Regime


@dataclass(slots=True)
class SymbolRegime:
    """Regime in force, and a candidate with its run of periods.

    ``last_ns`` is the newest stamp of a claim, ``counted_ns`` that of the last one that counted as
    a period.
    """

    current: Regime
    last_ns: int
    counted_ns: int
    candidate: Regime | None = None
    streak: int = 0


class RegimeBook:
    """Regimes by symbol; a claim counts as a period if it is a while after the last that counted.

    The first claim is adopted at once, and so is CRISIS unless it is older than the newest stamp;
    any other change needs ``confirmations`` consecutive periods. Claims that do not count change
    nothing. A candidate that is given up is a false flip.

    Parameters
    ----------
    params : RegimeParams
    max_symbols : int
    """

    def __init__(self, params: RegimeParams, max_symbols: int) -> None:
        self._confirmations = params.confirmations
        self._period_ns = round(params.period_sec * 1e9)
        self._max = max_symbols
        self._book: dict[str, SymbolRegime] = {}
        self.transitions = 0
        self.false_flips = 0

    def observe(self, symbol: str, claim: Regime, timestamp_ns: int) -> Regime:
        """Take one batch's claim for a symbol and return the regime in force after it."""
        state = self._book.get(symbol)
        if state is None:
            self._make_room()
            self._book[symbol] = SymbolRegime(claim, timestamp_ns, timestamp_ns)
            return claim
        urgent = claim is Regime.CRISIS and timestamp_ns >= state.last_ns
        if urgent or self._is_period(state, timestamp_ns):
            state.counted_ns = timestamp_ns
            if claim is not state.current or state.candidate is not None:
                self._weigh(state, claim)
        state.last_ns = max(state.last_ns, timestamp_ns)
        return state.current

    def newest_ns(self, symbol: str) -> int:
        """Stamp of the newest claim of a symbol, -1 before the first."""
        state = self._book.get(symbol)
        return -1 if state is None else state.last_ns

    def _is_period(self, state: SymbolRegime, timestamp_ns: int) -> bool:
        since_ns = timestamp_ns - state.counted_ns
        return since_ns > 0 and since_ns >= self._period_ns

    def _weigh(self, state: SymbolRegime, claim: Regime) -> None:
        if claim is not state.candidate:
            if state.candidate is not None:
                self.false_flips += 1
            state.candidate = None if claim is state.current else claim
            state.streak = 0
        if state.candidate is None:
            return
        state.streak += 1
        if claim is Regime.CRISIS or state.streak >= self._confirmations:
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
                [
                    *(symbol, s.current.value, s.last_ns, s.counted_ns),
                    *(s.candidate and s.candidate.value, s.streak),
                ]
                for symbol, s in self._book.items()
            ],
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state."""
        self.transitions = data["transitions"]
        self.false_flips = data["false_flips"]
        self._book = {
            symbol: SymbolRegime(
                Regime(current), last, counted, Regime(candidate) if candidate else None, streak
            )
            for symbol, current, last, counted, candidate, streak in data["book"]
        }
