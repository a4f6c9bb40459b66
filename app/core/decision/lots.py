"""Whole lots and least notionals: how targets become trades that can be made.

See docs/concepts.md#lots.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from math import isfinite
from typing import Final, NamedTuple

import numpy as np

from app.core.params import TradingParams
from app.core.types import BoolArray, FloatArray

# a portfolio of more lots than this is counted more finely than floating point can tell
_FINEST: Final = 2.0**-53
_LARGEST: Final = 1e300


class Order(NamedTuple):
    """Target quantity and trade of one symbol, signed units."""

    quantity: float
    trade: float


@dataclass(frozen=True, slots=True)
class Grid:
    """What targets and trades of m symbols are counted in; each array has shape (m,), no NaN.

    Attributes
    ----------
    lots : units, >= 0
    counted : bool
        Whether a symbol has a lot; the amounts of others are weights.
    unit : fraction of portfolio value, > 0
        Weight of one lot, 1 where there is none.
    least : lots, or weight
        Least trade and least position, >= 0; whole where counted.
    """

    lots: FloatArray
    counted: BoolArray
    unit: FloatArray
    least: FloatArray

    def below(self, amount: FloatArray) -> FloatArray:
        """Round down to whole lots; what only rounding keeps from being whole counts as whole."""
        return np.where(self.counted, np.floor(amount + _slack(amount)), amount)

    def above(self, amount: FloatArray) -> FloatArray:
        """Round up to whole lots likewise."""
        return np.where(self.counted, np.ceil(amount - _slack(amount)), amount)


class Wish(NamedTuple):
    """What is wanted of m symbols; each array has shape (m,).

    Attributes
    ----------
    units : signed units
        What is held.
    current : signed fraction of portfolio value
        Its weight.
    aim : signed fraction of portfolio value
        Where a symbol is to be in the end.
    reach : signed fraction of portfolio value
        How far it may go now: the aim or the part of the way to it, within every limit.
    fixed : bool
        Not traded unless the reach is less than what is held, whatever the aim.
    """

    units: FloatArray
    current: FloatArray
    aim: FloatArray
    reach: FloatArray
    fixed: BoolArray


@dataclass(frozen=True, slots=True)
class Plan:
    """Targets of m symbols, in amounts of the grid on each symbol's side, >= 0; shape (m,).

    Attributes
    ----------
    grid : Grid
    wish : Wish
    side : +1, -1, or 0 where nothing is held or wanted
    have : what is held on that side
    aim : the aim in whole lots
    inside : whole lots at or inside the reach
    plain : the target if there were no least notional
    target : the target
    """

    grid: Grid
    wish: Wish
    side: FloatArray
    have: FloatArray
    aim: FloatArray
    inside: FloatArray
    plain: FloatArray
    target: FloatArray

    @property
    def kept(self) -> BoolArray:
        """Whether what is held stays exactly as it is."""
        kept: BoolArray = (self.target == self.have) & (self.side * self.wish.units >= 0.0)
        return kept

    @property
    def weights(self) -> FloatArray:
        """Signed target weights; the current ones to the last bit where they are kept."""
        wanted = self.side * (self.target * self.grid.unit)
        return np.where(self.kept, self.wish.current, wanted)

    @property
    def added(self) -> BoolArray:
        """Whether a target goes beyond the reach, which alone is known to be within the limits."""
        added: BoolArray = (self.target > self.inside) & ~self.kept
        return added

    def without(self, left_out: BoolArray) -> "Plan":
        """Return the plan without the lots that some symbols add beyond their reach."""
        trade = self.inside - self.have
        worth = (trade > 0.0) & (trade >= self.grid.least)
        target = np.where(left_out, np.where(worth, self.inside, self.have), self.target)
        return replace(self, target=target)

    def orders(self, symbols: Sequence[str]) -> dict[str, Order]:
        """Quantities and trades of the symbols that trade to whole lots; zero is everybody's."""
        traded = (self.grid.counted & ~self.kept & (self.target > 0.0)).nonzero()[0]
        counts = (self.side[traded] * self.target[traded]).tolist()
        lots, units = self.grid.lots[traded].tolist(), self.wish.units[traded].tolist()
        return {
            symbols[row]: order_of_lots(count, lot, held)
            for row, count, lot, held in zip(traded.tolist(), counts, lots, units, strict=True)
        }


def build_grid(
    symbols: Sequence[str], prices: FloatArray, value_usd: float, trading: TradingParams
) -> Grid | None:
    """Return what the targets of symbols are counted in; None where nothing is rounded.

    Parameters
    ----------
    symbols : sequence of m names
    prices : ndarray of shape (m,), USD a unit, finite and > 0
    value_usd : float, USD, > 0
        Portfolio value.
    trading : TradingParams
    """
    if trading.takes_any_quantity:
        return None
    lots = _per_symbol(symbols, trading.lot_sizes, trading.default_lot_size)
    least_usd = _per_symbol(symbols, trading.min_notional_usd, trading.default_min_notional_usd)
    # a lot that no finite number can price is so large that every target is zero lots
    with np.errstate(over="ignore"):
        weight = np.minimum(lots * prices / value_usd, _LARGEST)
        counted = (lots > 0.0) & (weight >= _FINEST)
        unit = np.where(counted, weight, 1.0)
        least = np.minimum(least_usd / value_usd / unit, _LARGEST)
    if not (np.count_nonzero(counted) or np.count_nonzero(least)):
        return None
    grid = Grid(lots, counted, unit, least)
    return replace(grid, least=grid.above(least))


def plan_lots(grid: Grid, wish: Wish) -> Plan:
    """Take each symbol a step of whole lots towards its aim.

    Upwards the step is rounded towards zero, at least one lot; downwards the target is the whole
    count at or inside the reach, at least one lot less. Neither passes the aim in whole lots, so
    both rest at the same count; a reach that limits cut is never passed downwards. A trade is at
    least the least notional, leaves nothing below it and no rest that would be.

    Parameters
    ----------
    grid : Grid of m symbols
    wish : Wish

    Returns
    -------
    Plan
    """
    wish = wish._replace(aim=np.where(wish.fixed, wish.current, wish.aim))
    side = np.sign(wish.reach)
    for weights in (wish.aim, wish.current):
        side = np.where(side == 0.0, np.sign(weights), side)
    with np.errstate(over="ignore"):
        held = np.where(grid.counted, wish.units / np.where(grid.counted, grid.lots, 1.0), 0.0)
    held = np.where(grid.counted, held, wish.current)
    have = np.minimum(np.maximum(side * held, 0.0), _LARGEST)
    have = np.where(_is_whole(have) & grid.counted, np.rint(have), have)
    toward = np.maximum(side * wish.aim, 0.0) / grid.unit
    reach = np.abs(wish.reach) / grid.unit
    aim, inside = grid.below(toward), grid.below(reach)
    one = np.where(grid.counted, 1.0, 0.0)
    rising = (aim > have) & (reach >= have - _slack(have))
    up = np.maximum(inside, np.minimum(aim, np.floor(have) + one))
    down = np.minimum(inside, np.maximum(aim, np.ceil(have) - one))
    plain = np.where(grid.counted, np.where(rising, up, down), reach)
    cut = reach < np.minimum(have, toward) - _slack(have)
    plan = Plan(grid, wish, side, have, aim, inside, plain, plain)
    if np.count_nonzero(grid.least):
        plan = replace(plan, target=_worth_trading(plan, rising, cut))
    still = wish.fixed & (wish.reach == wish.current)
    return replace(plan, target=np.where(still, have, plan.target))


def _worth_trading(plan: Plan, rising: BoolArray, cut: BoolArray) -> FloatArray:
    """Bring trades and what they leave to the least notional, or do not make them.

    What limits cut and what is wanted to be zero is traded in any case.
    """
    grid, have, aim, plain = plan.grid, plan.have, plan.aim, plan.plain
    least = grid.least
    higher = np.maximum(plain, grid.above(have + least))
    lower = np.minimum(plain, np.maximum(grid.below(have - least), 0.0))
    # the last trade goes all the way: the rest would be too small to trade
    higher = np.where(aim - higher < least, aim, higher)
    ending = np.where(lower - aim < least, aim, lower)
    small = np.abs(aim - have) < least
    kept = small & ~(plan.wish.aim == 0.0)
    stepped = np.where(kept, have, np.where(rising, higher, ending))
    target = np.where(cut, lower, stepped)
    dust = (target > 0.0) & (target < least) & (target != have)
    return np.where(dust, 0.0, target)


def lot_of(symbol: str, trading: TradingParams) -> float:
    """Lot of a symbol in units; 0 where it has none."""
    return trading.lot_sizes.get(symbol, trading.default_lot_size)


def is_whole(units: float, lot: float) -> bool:
    """Whether units are a whole number of lots but for rounding; True without a lot."""
    count = units / lot if lot > 0.0 else 0.0
    return not isfinite(count) or abs(count - round(count)) <= 1e-9 + 1e-15 * abs(count)


def order_of_lots(count: float, lot: float, held: float) -> Order:
    """Return the quantity of a count of lots, and the trade that leads to it.

    Parameters
    ----------
    count : float, signed and whole
    lot : float, units, > 0
    held : float, signed units
        Where it is whole lots, the trade is too.
    """
    quantity = _quantity(count, lot)
    if is_whole(held, lot) and abs(held / lot) * _FINEST < 1.0:
        return Order(quantity, _quantity(count - round(held / lot), lot))
    return Order(quantity, float(Decimal(repr(quantity)) - Decimal(repr(held))))


def _quantity(count: float, lot: float) -> float:
    """Units of whole lots: the number nearest to the decimal, 0.113 and not 0.11300000000000002."""
    digits, scale = _decimals(lot)
    # a quotient of integers is rounded once; adding zero turns -0.0 into 0.0
    return int(count) * digits / scale + 0.0


@lru_cache(maxsize=4096)
def _decimals(lot: float) -> tuple[float, int]:
    """Write a lot with decimals as a whole number over a power of ten, another over 1."""
    written = Decimal(repr(lot)).normalize()
    exponent = written.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= 0:
        return lot, 1
    return int(written.scaleb(-exponent)), 10**-exponent


def _slack(amount: FloatArray) -> FloatArray:
    """How far from a whole number rounding alone can take an amount."""
    slack: FloatArray = 1e-9 + 1e-15 * amount
    return slack


def _is_whole(amount: FloatArray) -> BoolArray:
    whole: BoolArray = np.abs(amount - np.rint(amount)) <= _slack(amount)
    return whole


def _per_symbol(symbols: Sequence[str], own: Mapping[str, float], default: float) -> FloatArray:
    if not own:
        return np.full(len(symbols), default)
    return np.array([own.get(symbol, default) for symbol in symbols])
