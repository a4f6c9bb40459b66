"""Prices and returns that are believed: what is observed, corrected, and kept."""

import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from app.core.books.market_reader import LastPrice, MarketReader, ReturnWindow
from app.core.books.observed import ObservedSymbols, PriceReport
from app.core.books.runs import Run, extend_run, price_jump_mask
from app.core.errors import FieldProblem, InvalidInput, UnknownSymbol
from app.core.types import BoolArray

__all__ = ["LastPrice", "MarketBook", "PriceReport", "ReturnWindow"]


class MarketBook(MarketReader):
    """What is believed of each symbol; an observation counts once per symbol and timestamp.

    Prices and posted returns fold into bars. A price gives no return where returns were posted
    since the symbol's last believed price or in the same bar (they would count twice), or where
    it was believed only because a run of observations confirmed it.
    """

    # -- observing -----------------------------------------------------------------------------

    def observe_prices(
        self,
        timestamp_ns: int,
        prices: Mapping[str, float],
        *,
        jump_from: float = 0.0,
        first: Collection[str] = (),
    ) -> PriceReport:
        """Learn prices at one time, unless they are older or too far from what is believed.

        Parameters
        ----------
        timestamp_ns : int
        prices : mapping of symbol to USD a unit, finite and > 0
        jump_from : float, fraction in [0, 1)
            See :func:`~app.core.books.runs.is_price_jump`; 0 believes everything.
        first : collection of str
            Symbols with signals or positions, which find room before others.
        """
        seen, columns = self._seen(timestamp_ns, prices, first), self._columns
        fresh: BoolArray = timestamp_ns > columns.price_ns[seen.rows]
        if not fresh.all():
            seen.older = seen.pick(~fresh)
        doubted = fresh & price_jump_mask(seen.values, columns.price[seen.rows], jump_from)
        continuous = fresh & ~doubted
        learnt = continuous
        if doubted.any():
            learnt = learnt | self._doubt(timestamp_ns, seen, doubted)
        if not learnt.any():
            return seen.report([], ())
        accepted = seen.pick(learnt)
        clipped = self._fold.take_prices(
            seen.rows[learnt], seen.values[learnt], timestamp_ns, continuous[learnt]
        )
        if self._runs:
            for symbol in accepted:
                self._runs.pop(symbol, None)
        self.version += 1
        return seen.report(accepted, _where(accepted, clipped))

    def observe_returns(
        self, timestamp_ns: int, returns: Mapping[str, float], *, first: Collection[str] = ()
    ) -> PriceReport:
        """Learn simple returns (fraction per period) at one time, unless they are older."""
        seen = self._seen(timestamp_ns, returns, first)
        fresh: BoolArray = timestamp_ns > self._columns.covered_ns[seen.rows]
        seen.older = seen.pick(~fresh)
        if not fresh.any():
            return seen.report([], ())
        accepted = seen.pick(fresh)
        clipped = self._fold.take_returns(seen.rows[fresh], seen.values[fresh], timestamp_ns)
        self.version += 1
        return seen.report(accepted, _where(accepted, clipped))

    def _seen(
        self, timestamp_ns: int, values: Mapping[str, float], first: Collection[str]
    ) -> ObservedSymbols:
        if self._anew_ns == 0:
            self._anew_ns = timestamp_ns
        tracked = self._columns.row
        if first or not all(symbol in tracked for symbol in values):
            self._columns.admit(timestamp_ns, values.keys(), frozenset(first))
            self._runs = {name: run for name, run in self._runs.items() if name in tracked}
        names = [symbol for symbol in values if symbol in tracked]
        no_room: tuple[str, ...] = ()
        if len(names) < len(values):
            no_room = tuple(symbol for symbol in values if symbol not in tracked)
        rows = np.array([tracked[symbol] for symbol in names], dtype=np.int64)
        numbers = np.array([values[symbol] for symbol in names], dtype=np.float64)
        return ObservedSymbols(names, rows, numbers, no_room)

    def _doubt(self, timestamp_ns: int, seen: ObservedSymbols, doubted: BoolArray) -> BoolArray:
        """Keep the runs of prices that are not believed; return where one is confirmed now."""
        confirmed: BoolArray = np.zeros(len(doubted), dtype=np.bool_)
        for place in np.flatnonzero(doubted).tolist():
            symbol = seen.names[place]
            before = self._runs.get(symbol)
            if before is not None and timestamp_ns <= before.last_ns:
                seen.older.append(symbol)
                continue
            run = extend_run(before, float(seen.values[place]), timestamp_ns)
            self._runs[symbol] = run
            confirmed[place] = run.confirmed
            (seen.confirmed if run.confirmed else seen.disbelieved).append(symbol)
        return confirmed

    # -- correcting ----------------------------------------------------------------------------

    def accept(self, symbol: str, price: float, timestamp_ns: int) -> float | None:
        """Believe a price because an operator says so; return what was believed before.

        No return is learnt across it, and the run against it ends.

        Raises
        ------
        UnknownSymbol
            If the symbol is not tracked.
        """
        rows, was = np.array([self._row(symbol)]), self.last(symbol)
        at_ns = timestamp_ns if was is None else max(was.at_ns, timestamp_ns)
        prices = np.array([price])
        self._fold.take_prices(rows, prices, at_ns, np.zeros(1, dtype=np.bool_))
        self._runs.pop(symbol, None)
        self.version += 1
        return None if was is None else was.price

    def split(self, symbol: str, ratio: float) -> int:
        """Divide what is known of a symbol's price by a ratio > 0 (new units per old one).

        Returns
        -------
        int
            How many bars are kept; their returns stay as they are.

        Raises
        ------
        UnknownSymbol
            If the symbol is not tracked.
        InvalidInput
            If no finite price > 0 would be left; nothing has changed then.
        """
        row, columns = self._row(symbol), self._columns
        price = float(columns.price[row]) / ratio
        if not math.isnan(price) and not (math.isfinite(price) and price > 0.0):
            raise InvalidInput(FieldProblem("ratio", "must leave a price > 0", ratio))
        columns.price[row] = price
        with np.errstate(over="ignore"):
            columns.value[row] /= ratio
            columns.values[row] /= ratio
        if symbol in self._runs:
            self._runs[symbol] = self._runs[symbol].scaled(ratio)
        self.version += 1
        return self._kept(row)

    def forget(self, symbol: str) -> int:
        """Forget a symbol's prices and bars, and free its room; return how many bars.

        Raises
        ------
        UnknownSymbol
            If the symbol is not tracked.
        """
        kept = self._kept(self._row(symbol))
        self._columns.drop(symbol)
        self._runs.pop(symbol, None)
        self.version += 1
        return kept

    def _row(self, symbol: str) -> int:
        row = self._columns.row.get(symbol)
        if row is None:
            raise UnknownSymbol(f"nothing is known of symbol {symbol!r}")
        return row

    def _kept(self, row: int) -> int:
        bars = int(self._columns.head[row] + self._columns.moved[row])
        return min(bars, self._params.history)

    # -- surviving -----------------------------------------------------------------------------

    def export(self) -> dict[str, Any]:
        """JSON-able exact state."""
        runs = {symbol: run.export() for symbol, run in self._runs.items()}
        clock = [self._clock.bar_ns, self._clock.phase_ns]
        own = {"version": self.version, "runs": runs, "clock": clock, "anew_ns": self._anew_ns}
        return {**own, **self._columns.export()}

    def restore(self, data: dict[str, Any]) -> None:
        """Take over an exported state; smaller bounds keep the newest.

        Bars of another length or phase begin anew: prices are kept, returns are not.
        """
        self._restored += 1
        self.version = data["version"]
        self._columns.restore(data)
        self._anew_ns = data["anew_ns"]
        if data["clock"] != [self._clock.bar_ns, self._clock.phase_ns]:
            self._columns.begin_anew()
            self._anew_ns = 0
        self._derive()
        tracked = self._columns.row
        self._runs = {
            symbol: Run(*run) for symbol, run in data["runs"].items() if symbol in tracked
        }


def _where(names: list[str], mask: BoolArray) -> tuple[str, ...]:
    if not mask.any():
        return ()
    return tuple(names[place] for place in np.flatnonzero(mask).tolist())
