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
from app.core.signals import SignalTable
from app.core.types import DIRECTION, FloatArray, Notice, TradingState

_NAMED = 20


# USD of a target, its signed units, and the signed units to trade for it; plain, for its speed
Amounts = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Targets:
    """Signed weights of every symbol of the answer, and each signal's part of them.

    ``parts`` has shape (n,), signed; ``beside`` are held parts that no signal of the batch stands
    behind, by symbol and owner, None being nobody; ``orders`` are quantities and trades of the
    symbols that trade whole lots, see :func:`amounts_of`; ``notices`` are of held symbols.
    """

    weights: dict[str, float]
    parts: FloatArray
    beside: dict[str, dict[str | None, float]]
    orders: Mapping[str, Order] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()

    def strategies(self, table: SignalTable) -> tuple[str, ...]:
        """Name the strategies of the signals, and the owners that sent nothing."""
        if not self.beside:
            return tuple(table.strategies)
        owners = {name for parts in self.beside.values() for name in parts if name is not None}
        return (*table.strategies, *sorted(owners.difference(table.strategies)))

    def gross_by_strategy(self, table: SignalTable) -> dict[str, float]:
        """Return the gross of each strategy's parts, of those too that sent nothing."""
        gross = np.bincount(table.strategy_of, np.abs(self.parts), len(table.strategies))
        by = dict(zip(table.strategies, gross.tolist(), strict=True))
        for parts in self.beside.values():
            for strategy, part in parts.items():
                if strategy is not None:
                    by[strategy] = by.get(strategy, 0.0) + abs(part)
        return by


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
        held = _in_lots(halted_book(observed, drafted.owners, drafted.closed), observed)
        book = held.book
        weights = {symbol: book.weights.get(symbol, 0.0) for symbol in table.symbols}
        weights.update(dict.fromkeys(drafted.closed, 0.0))
        weights.update(book.weights)
        parts, beside = held_parts(book, table)
        return Targets(weights, parts, beside, held.orders, held.notices)
    held = _in_lots(drafted.held, observed)
    full = np.zeros(len(table.symbols))
    # adding zero turns -0.0 into 0.0
    full[portfolio.symbol_index] = settled.weights + 0.0
    held_part, beside = held_parts(held.book, table)
    parts = settled.share * full[table.symbol_of] + held_part
    weights = dict(zip(table.symbols, full.tolist(), strict=True))
    weights.update(held.book.weights)
    if drafted.closed:
        weights.update(dict.fromkeys(drafted.closed, 0.0))
    for symbol in _without_target(observed):
        # its parts are zero already: flat counts as zero, and it may not grow
        del weights[symbol]
    orders = {**settled.orders, **held.orders}
    return Targets(weights, parts, beside, orders, held.notices)


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


def held_parts(
    book: HeldBook, table: SignalTable
) -> tuple[FloatArray, dict[str, dict[str | None, float]]]:
    """Return which signals the parts of held positions lie with.

    Parameters
    ----------
    book : HeldBook
    table : SignalTable of n signals

    Returns
    -------
    ndarray of shape (n,), signed fraction of portfolio value
        An owner's part lies with its signals of the position's side, else with its HOLD.
    dict of symbol to dict of strategy to float
        Parts of owners without such a signal; None: of a signalled symbol that nobody owns.
    """
    parts = np.zeros(len(table.signals))
    beside: dict[str, dict[str | None, float]] = {}
    if not book.weights:
        return parts, beside
    rows = _rows_of(book, table)
    for (symbol, strategy), part in book.owned.items():
        mine = rows.get((symbol, strategy))
        if mine:
            parts[mine] = part / len(mine)
        elif part != 0.0:
            beside.setdefault(symbol, {})[strategy] = part
    for symbol in table.symbols:
        weight = book.weights.get(symbol, 0.0)
        if weight != 0.0 and not book.owners.get(symbol):
            beside[symbol] = {None: weight}
    return parts, beside


def _rows_of(book: HeldBook, table: SignalTable) -> dict[tuple[str, str], list[int]]:
    """Rows that may carry a held part, by symbol and strategy."""
    rows: dict[tuple[str, str], list[int]] = {}
    holds: dict[tuple[str, str], list[int]] = {}
    for row, signal in enumerate(table.signals):
        weight = book.weights.get(signal.symbol)
        if weight is None:
            continue
        direction = DIRECTION[signal.action]
        if direction * weight > 0.0:
            rows.setdefault((signal.symbol, signal.strategy_id), []).append(row)
        elif direction == 0.0:
            holds.setdefault((signal.symbol, signal.strategy_id), []).append(row)
    return holds | rows


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
