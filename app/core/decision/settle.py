"""From aims to targets: trading state, slow trading, limits, lots, and who contributes what."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np

from app.core.decision.lot_notices import lot_notices, named
from app.core.decision.lots import Order, Plan, Wish, build_grid, plan_lots
from app.core.limits import HeldUse, Limits, build_limits, worst_excess
from app.core.params import EngineParams, TradingParams
from app.core.portfolio.netting import ownership
from app.core.portfolio.phase2 import Portfolio, owned_by
from app.core.portfolio.projection import project_on_limits
from app.core.signals import SignalTable
from app.core.types import BoolArray, FloatArray, Notice, TradingState

_TOLERANCE = 1e-9
_DUST = 1e-12


@dataclass(frozen=True, slots=True)
class Settled:
    """Signed target weights of the m directional symbols, and each signal's share of them.

    ``share`` has shape (n,); ``notices`` are sentences for the answer; ``repaired`` says that
    the final recheck had to scale something down; ``orders`` are the quantities and trades of
    symbols that trade whole lots.
    """

    weights: FloatArray
    share: FloatArray
    notices: tuple[Notice, ...] = ()
    repaired: bool = False
    orders: Mapping[str, Order] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Setting:
    """What settling depends on besides the aims.

    ``current`` has shape (m,): signed current weights of the directional symbols; ``prices``
    likewise, USD a unit; ``units`` are signed quantities by symbol; ``held`` is what held
    positions use; ``multiplier`` is a; ``elapsed_sec`` has shape (m,): seconds since each
    symbol's last decision, >= 0.
    """

    current: FloatArray
    units: Mapping[str, float]
    prices: FloatArray
    held: HeldUse
    multiplier: float
    state: TradingState
    portfolio_value: float
    elapsed_sec: FloatArray


@dataclass(frozen=True, slots=True)
class _Inside:
    """Signed weights within the limits, and the limits: those of the sides the weights are on.

    ``ceiling`` has shape (m,): largest absolute weights; ``room`` is that of each row.
    """

    weights: FloatArray
    share: FloatArray
    limits: Limits
    ceiling: FloatArray
    room: FloatArray
    failure: str | None
    repaired: bool


def settle(
    aims: FloatArray,
    table: SignalTable,
    sizes: FloatArray,
    portfolio: Portfolio,
    setting: Setting,
    params: EngineParams,
) -> Settled:
    """Turn signed aims (already times a) into targets that hold every promise.

    Under HALTED the targets are the current positions, so nothing is settled.

    Parameters
    ----------
    aims : ndarray of shape (m,), signed fraction of portfolio value
    table : SignalTable of n signals
    sizes : ndarray of shape (n,), Phase 1 sizes, for ownership
    portfolio : Portfolio
    setting : Setting
    params : EngineParams

    Returns
    -------
    Settled
    """
    if not len(aims) or setting.state is TradingState.HALTED:
        return Settled(aims, portfolio.share)
    free = setting.state is TradingState.ACTIVE
    plain = params.trading.moves_at_once and free
    # aims come out of a feasible problem, so one look is enough; a miss goes the long way
    if plain and worst_excess(np.abs(aims), portfolio.limits, setting.multiplier) <= _DUST:
        return Settled(aims, portfolio.share)
    if setting.state is TradingState.REDUCING:
        aims = _between_zero_and(setting.current, aims)
    moved = _slow(aims, setting, portfolio, params)
    within = partial(_within_limits, table, sizes, portfolio, setting, params)
    settled = _traded(aims, moved, portfolio.symbols, setting, params.trading, within)
    traded = (settled.weights != setting.current) | (moved == setting.current)
    slowed = (np.abs(moved - aims) > _DUST) & traded
    told = _told_of_slowness(slowed, portfolio.symbols)
    return replace(settled, notices=(*told, *settled.notices))


def _without_breaking(plan: Plan, inside: _Inside) -> Plan:
    """Leave out the lots that symbols add beyond their reach where they break a limit."""
    rows, room = inside.limits.rows, inside.room
    while True:
        weights, added = np.abs(plan.weights), plan.added
        broken = np.asarray(rows @ weights) > room + _TOLERANCE
        concerned = np.asarray(rows.T @ broken.astype(np.float64)) > 0.0
        out = added & (concerned | (weights > inside.ceiling + _TOLERANCE))
        if not out.any():
            return plan
        plan = plan.without(out)


def _traded(
    aims: FloatArray,
    moved: FloatArray,
    symbols: list[str],
    setting: Setting,
    trading: TradingParams,
    within_limits: Callable[[FloatArray], _Inside],
) -> Settled:
    """Bring what is wanted now within the limits, and into trades that can be made."""
    current = setting.current
    band = _in_band(moved, current, trading.no_trade_band_pct)
    grid = build_grid(symbols, setting.prices, setting.portfolio_value, trading)
    wanted = np.where(band, current, moved)
    if grid is None:
        inside = within_limits(wanted)
        told = _told(inside, band & (moved != current) & (inside.weights == current), symbols)
        return Settled(inside.weights, inside.share, tuple(told), inside.repaired)
    units = np.array([setting.units.get(symbol, 0.0) for symbol in symbols])
    # where no time has passed there is no step, so not of one lot either
    still = band | ((moved == current) & (aims != current))
    asked = plan_lots(grid, Wish(units, current, aims, wanted, still))
    wanted = np.where(asked.kept, current, wanted)
    inside = within_limits(wanted)
    # a solver's rounding must not cost a lot
    reach = np.where(np.abs(wanted - inside.weights) <= _TOLERANCE, wanted, inside.weights)
    first = plan_lots(grid, Wish(units, current, aims, reach, asked.kept))
    plan = _without_breaking(first, inside)
    told = _told(inside, band & (moved != current) & plan.kept, symbols)
    told += lot_notices(asked, plan, first.target > plan.target, symbols)
    orders = plan.orders(symbols)
    return Settled(plan.weights, inside.share, tuple(told), inside.repaired, orders)


def _told(inside: _Inside, still: BoolArray, symbols: list[str]) -> list[Notice]:
    """Tell of a solver that failed, and of symbols that the band keeps as they are."""
    sentence = "is not traded: the change of weight is within the no-trade band"
    names = [symbols[row] for row in still.nonzero()[0].tolist()]
    told = [Notice("band", name, f"{name} {sentence}") for name in names]
    if inside.failure is not None:
        told.insert(0, Notice("solver", None, f"limits met by a scale-down: {inside.failure}"))
    return told


def _told_of_slowness(slowed: BoolArray, symbols: list[str]) -> list[Notice]:
    names = [symbols[row] for row in slowed.nonzero()[0].tolist()]
    if not names:
        return []
    detail = f"slow trading goes a part of the way to the aim: {named(names)}"
    return [Notice(None, names[0] if len(names) == 1 else None, detail)]


def _between_zero_and(current: FloatArray, aims: FloatArray) -> FloatArray:
    low, high = np.minimum(current, 0.0), np.maximum(current, 0.0)
    clipped: FloatArray = np.minimum(np.maximum(aims, low), high)
    return clipped


def _slow(
    aims: FloatArray, setting: Setting, portfolio: Portfolio, params: EngineParams
) -> FloatArray:
    r"""Move a part of the way: :math:`w_0 + s (w - w_0)`.

    The step s is :math:`2 / (span + 1)`, or with a half-life :math:`1 - 2^{-dt / half-life}`.

    A move to or through zero that direction demands is immediate: the current position is on
    a side that no directional signal of the symbol (or, offset, the larger one) supports.
    """
    current, step = setting.current, _step(setting, params)
    if step is None:
        return aims
    moved = current + step * (aims - current)
    crosses = aims * current < 0.0
    supported = _side_is_supported(np.sign(current), portfolio, params)
    closing = (aims == 0.0) & ~supported
    result: FloatArray = np.where(crosses | closing, aims, moved)
    return result


def _step(setting: Setting, params: EngineParams) -> FloatArray | float | None:
    """Part of the way to the aim, in [0, 1]; None where trading is not slow."""
    span, half_life_sec = params.trading.rebalance_span, params.trading.rebalance_half_life_sec
    if half_life_sec > 0.0:
        part: FloatArray = -np.expm1(-math.log(2.0) * (setting.elapsed_sec / half_life_sec))
        return part
    return 2.0 / (span + 1.0) if span > 0.0 else None


def _side_is_supported(side: FloatArray, portfolio: Portfolio, params: EngineParams) -> BoolArray:
    """Whether a signal of that direction stands behind the side, and is not overruled."""
    long = portfolio.longs & (portfolio.leaning >= 0.0)
    short = portfolio.shorts & (portfolio.leaning <= 0.0) & params.limits.allow_short
    supported: BoolArray = np.where(side > 0.0, long, np.where(side < 0.0, short, True))
    return supported


def _in_band(weights: FloatArray, current: FloatArray, band_pct: float) -> BoolArray:
    """Say where a change is within the no-trade band; closing and turning round pass."""
    on_course = (weights != 0.0) & (weights * current >= 0.0)
    inside: BoolArray = on_course & (np.abs(weights - current) < band_pct)
    return inside


def _ceiling(portfolio: Portfolio, setting: Setting) -> FloatArray:
    """Return the largest absolute weight of each symbol, shape (m,)."""
    ceiling: FloatArray = setting.multiplier * portfolio.limits.cap
    if setting.state is TradingState.REDUCING:
        return np.minimum(ceiling, np.abs(setting.current))
    return ceiling


def _within_limits(
    table: SignalTable,
    sizes: FloatArray,
    portfolio: Portfolio,
    setting: Setting,
    params: EngineParams,
    weights: FloatArray,
) -> _Inside:
    """Project signed weights on the limits of the sides that they are on."""
    side = np.sign(weights)
    share = portfolio.share
    limits = portfolio.limits
    turned = (side != 0.0) & (side != np.where(portfolio.leaning < 0.0, -1.0, 1.0))
    if turned.any():
        full = np.zeros(len(table.symbols))
        full[portfolio.symbol_index] = np.where(side != 0.0, side, portfolio.leaning)
        share = ownership(table, sizes, full)
        owned = owned_by(table, share, portfolio.symbol_index)
        scaled = setting.held.at_full_scale(setting.multiplier)
        limits = build_limits(portfolio.symbols, table.strategies, owned, scaled, params.limits)
        limits = limits.with_less_gross(portfolio.reserved)
    room, ceiling = setting.multiplier * limits.room, _ceiling(portfolio, setting)
    inside, failure = project_on_limits(np.abs(weights), ceiling, limits.rows, room)
    broken = worst_excess(inside, limits, setting.multiplier) > _TOLERANCE
    if broken:
        cut = np.minimum(inside, ceiling)
        reach = np.asarray(limits.rows @ cut)
        over = reach > room
        inside = cut * float((room[over] / reach[over]).min(initial=1.0))
    repaired = failure is not None or broken
    signed = np.copysign(inside, side)
    return _Inside(signed, share, limits, ceiling, room, failure, repaired)
