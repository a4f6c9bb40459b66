"""Targets of every symbol: what HALTED, REDUCING and "no target" mean is decided here alone."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.core.decision.draft import Draft, halted_book
from app.core.decision.observe import Observation
from app.core.decision.settle import Settled
from app.core.limits import HeldBook
from app.core.types import DIRECTION, FloatArray, Notice, TradingState

_NAMED = 20


@dataclass(frozen=True, slots=True)
class Targets:
    """Signed weights of every symbol of the answer, and each signal's part of them.

    ``parts`` has shape (n,), signed; ``unowned`` are held parts that no signal stands behind.
    """

    weights: dict[str, float]
    parts: FloatArray
    unowned: dict[str, float]


def build_targets(drafted: Draft, settled: Settled) -> Targets:
    """Bring settled directional symbols, held ones and the trading state together."""
    observed, portfolio = drafted.observed, drafted.portfolio
    table = observed.table
    count = len(table.signals)
    if _is_without_targets(observed):
        return Targets({}, np.zeros(count), {})
    if observed.state is TradingState.HALTED:
        book = halted_book(observed, drafted.closed)
        weights = {symbol: book.weights.get(symbol, 0.0) for symbol in table.symbols}
        weights.update(dict.fromkeys(drafted.closed, 0.0))
        weights.update(book.weights)
        return Targets(weights, held_parts(book, count), _unowned(weights, book, table.symbols))
    full = np.zeros(len(table.symbols))
    # adding zero turns -0.0 into 0.0
    full[portfolio.places] = settled.weights + 0.0
    parts = settled.share * full[table.symbol_of] + held_parts(drafted.held, count)
    weights = dict(zip(table.symbols, full.tolist(), strict=True))
    weights.update(drafted.held.weights)
    if drafted.closed:
        weights.update(dict.fromkeys(drafted.closed, 0.0))
    for symbol in _without_target(observed):
        # its parts are zero already: flat counts as zero, and it may not grow
        del weights[symbol]
    return Targets(weights, parts, _unowned_idle(observed, drafted.held))


def held_parts(book: HeldBook, count: int) -> FloatArray:
    """Part of the held positions that each of ``count`` signals owns, shape (n,), signed."""
    parts = np.zeros(count)
    for (_, row), part in book.owned.items():
        parts[row] = part
    return parts


def stays(observed: Observation, symbol: str, weight: float) -> bool:
    """Whether the target is exactly the current position, which then keeps its quantity."""
    return weight != 0.0 and weight == observed.current.get(symbol)


def missing_targets(observed: Observation) -> Notice | None:
    """Say which symbols have no target, and why; None where all have one."""
    if _is_without_targets(observed):
        named = ", ".join(observed.table.symbols[:_NAMED])
        detail = (
            f"trading is {observed.state.value} and current_positions was not given: "
            f"no target for {named or 'any symbol'}"
        )
        return Notice(None, None, detail)
    without = _without_target(observed)
    if not without:
        return None
    named = ", ".join(sorted(without)[:_NAMED])
    return Notice(None, None, f"current_positions was not given: no target for {named}")


def _is_without_targets(observed: Observation) -> bool:
    """Whether the trading state forbids targets: no positions given, and not a full exit."""
    unknown = observed.batch.positions is None
    return observed.state is not TradingState.ACTIVE and unknown and observed.multiplier > 0.0


def _without_target(observed: Observation) -> frozenset[str]:
    """Symbols without a target: their price is not believed, and nobody said what is held.

    A symbol that is only to be sold has one where shorts are off: zero, whatever is held.
    """
    idle = observed.unsized.idle & frozenset(observed.table.symbols)
    if not idle or observed.batch.positions is not None or observed.multiplier == 0.0:
        return frozenset()
    wanted: dict[str, set[float]] = {symbol: set() for symbol in idle}
    for signal in observed.table.signals:
        if signal.symbol in idle:
            wanted[signal.symbol].add(DIRECTION[signal.action])
    sold: set[str] = set()
    if not observed.effective.limits.allow_short:
        sold = {symbol for symbol, directions in wanted.items() if directions - {0.0} == {-1.0}}
    return idle - sold


def _unowned_idle(observed: Observation, held: HeldBook) -> dict[str, float]:
    """Weights of held symbols of a disbelieved price that none of their signals owns."""
    idle = observed.unsized.idle
    if not idle:
        return {}
    owned = {symbol for symbol, _ in held.owned}
    signalled = idle & held.weights.keys() & set(observed.table.symbols)
    return {s: held.weights[s] for s in sorted(signalled - owned) if held.weights[s] != 0.0}


def _unowned(weights: Mapping[str, float], book: HeldBook, symbols: list[str]) -> dict[str, float]:
    """Weights of symbols with signals of which none is on the position's side."""
    owned = {symbol for symbol, _ in book.owned}
    return {s: weights[s] for s in symbols if weights[s] != 0.0 and s not in owned}
