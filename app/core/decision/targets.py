"""Targets of every symbol: what HALTED, REDUCING and "no target" mean is decided here alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from app.core.decision.draft import Draft, halted_book
from app.core.decision.lot_notices import lot_notices
from app.core.decision.lots import (
    Order,
    Wish,
    build_grid,
    is_whole,
    lot_of,
    plan_lots,
)
from app.core.decision.observe import Observation
from app.core.decision.settle import Settled
from app.core.limits import HeldBook
from app.core.types import DIRECTION, FloatArray, Notice, TradingState

_NAMED = 20


# USD of a target, its signed units, and the signed units to trade for it; plain, for its speed
Amounts = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Targets:
    """Signed weights of every symbol of the answer, and each signal's part of them.

    ``parts`` has shape (n,), signed; ``unowned`` are held parts that no signal stands behind;
    ``orders`` are quantities and trades of the symbols that trade whole lots, see
    :func:`amounts_of`; ``notices`` are of held symbols.
    """

    weights: dict[str, float]
    parts: FloatArray
    unowned: dict[str, float]
    orders: Mapping[str, Order] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()


@dataclass(frozen=True, slots=True)
class _Held:
    """Held positions as they are to be, in trades that can be made."""

    book: HeldBook
    orders: Mapping[str, Order]
    notices: tuple[Notice, ...]


def build_targets(drafted: Draft, settled: Settled) -> Targets:
    """Bring settled directional symbols, held ones and the trading state together."""
    observed, portfolio = drafted.observed, drafted.portfolio
    table = observed.table
    count = len(table.signals)
    if _is_without_targets(observed):
        return Targets({}, np.zeros(count), {})
    if observed.state is TradingState.HALTED:
        held = _in_lots(halted_book(observed, drafted.closed), observed)
        book = held.book
        weights = {symbol: book.weights.get(symbol, 0.0) for symbol in table.symbols}
        weights.update(dict.fromkeys(drafted.closed, 0.0))
        weights.update(book.weights)
        unowned = _unowned(weights, book, table.symbols)
        return Targets(weights, held_parts(book, count), unowned, held.orders, held.notices)
    held = _in_lots(drafted.held, observed)
    full = np.zeros(len(table.symbols))
    # adding zero turns -0.0 into 0.0
    full[portfolio.places] = settled.weights + 0.0
    parts = settled.share * full[table.symbol_of] + held_parts(held.book, count)
    weights = dict(zip(table.symbols, full.tolist(), strict=True))
    weights.update(held.book.weights)
    if drafted.closed:
        weights.update(dict.fromkeys(drafted.closed, 0.0))
    for symbol in _without_target(observed):
        # its parts are zero already: flat counts as zero, and it may not grow
        del weights[symbol]
    orders = {**settled.orders, **held.orders}
    return Targets(weights, parts, _unowned_idle(observed, held.book), orders, held.notices)


def _in_lots(book: HeldBook, observed: Observation) -> _Held:
    """Bring what limits cut of the held into whole lots and trades that are large enough."""
    trading = observed.effective.trading
    if trading.takes_any_quantity or not book.weights:
        return _Held(book, {}, ())
    symbols = sorted(book.weights)
    prices = np.array([observed.views[symbol].price for symbol in symbols], dtype=np.float64)
    grid = build_grid(symbols, prices, observed.value_usd, trading)
    if grid is None:
        return _Held(book, {}, ())
    units = observed.batch.positions or {}
    current = np.array([observed.current[symbol] for symbol in symbols])
    reach = np.array([book.weights[symbol] for symbol in symbols])
    held = np.array([units[symbol] for symbol in symbols])
    everywhere = np.ones(len(symbols), dtype=np.bool_)
    plan = plan_lots(grid, Wish(held, current, current, reach, everywhere))
    weights = dict(zip(symbols, (plan.weights + 0.0).tolist(), strict=True))
    told = lot_notices(plan, plan, ~everywhere, symbols)
    return _Held(book.rescaled(weights), plan.orders(symbols), tuple(told))


def amounts_of(observed: Observation, targets: Targets) -> dict[str, Amounts]:
    """Return what every target comes to.

    Whole lots, and a position that stays, are exactly those quantities; a target of zero needs no
    price.
    """
    positions, current = observed.batch.positions or {}, observed.current
    views, value, orders = observed.views, observed.value_usd, targets.orders
    amounts: dict[str, Amounts] = {}
    for symbol, weight in targets.weights.items():
        have, price = positions.get(symbol, 0.0), views[symbol].price
        if price is None:
            amounts[symbol] = (weight * value, 0.0, -have)
        elif orders and symbol in orders:
            quantity, trade = orders[symbol]
            amounts[symbol] = (quantity * price, quantity, trade)
        elif weight != 0.0 and weight == current.get(symbol):
            amounts[symbol] = (have * price, have, 0.0)
        else:
            usd = weight * value
            amounts[symbol] = (usd, usd / price, usd / price - have)
    return amounts


def fraction_notices(observed: Observation, targets: Targets) -> Iterator[Notice]:
    """Name positions that are no whole number of lots, and whether they are traded."""
    trading = observed.effective.trading
    if trading.takes_any_quantity:
        return
    amounts = amounts_of(observed, targets)
    for symbol, units in sorted((observed.batch.positions or {}).items()):
        lot = lot_of(symbol, trading)
        if is_whole(units, lot):
            continue
        _, _, trade = amounts.get(symbol, (0.0, units, 0.0))
        if trade == 0.0:
            detail = f"{symbol} stays at {units:.10g}, which is no multiple of its lot {lot:.10g}"
        else:
            detail = f"the trade of {symbol}, {trade:.10g}, is no multiple of its lot {lot:.10g}"
        yield Notice("lot", symbol, detail)


def held_parts(book: HeldBook, count: int) -> FloatArray:
    """Part of the held positions that each of ``count`` signals owns, shape (n,), signed."""
    parts = np.zeros(count)
    for (_, row), part in book.owned.items():
        parts[row] = part
    return parts


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
