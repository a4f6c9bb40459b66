"""From aims to targets: trading state, slow trading, limits, lots, and who contributes what."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from app.core.limits import HeldUse, build_limits, worst_excess
from app.core.params import EngineParams
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
    the final recheck had to scale something down.
    """

    weights: FloatArray
    share: FloatArray
    notices: tuple[Notice, ...] = ()
    repaired: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """What settling depends on besides the aims.

    ``current`` has shape (m,): signed current weights of the directional symbols; ``prices``
    likewise, USD a unit; ``held`` is what held positions use; ``multiplier`` is a;
    ``elapsed_sec`` has shape (m,): seconds since each symbol's last decision, >= 0.
    """

    current: FloatArray
    prices: FloatArray
    held: HeldUse
    multiplier: float
    state: TradingState
    portfolio_value: float
    elapsed_sec: FloatArray


def settle(
    aims: FloatArray,
    table: SignalTable,
    sizes: FloatArray,
    portfolio: Portfolio,
    setting: Setting,
    params: EngineParams,
) -> Settled:
    """Turn signed aims (already times a) into targets that hold every promise.

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
    if not len(aims):
        return Settled(aims, portfolio.share)
    free = setting.state is TradingState.ACTIVE
    plain = params.trading.moves_at_once and free
    # aims come out of a feasible problem, so one look is enough; a miss goes the long way
    if plain and worst_excess(np.abs(aims), portfolio.limits, setting.multiplier) <= _DUST:
        return Settled(aims, portfolio.share)
    current = setting.current
    if setting.state is TradingState.REDUCING:
        aims = _between_zero_and(current, aims)
    moved = _slow(aims, setting, portfolio, params)
    in_band, too_small = _not_worth_trading(moved, setting, portfolio, params)
    stay = in_band | too_small
    wanted = np.where(stay, current, moved)
    settled = _within_limits(wanted, table, sizes, portfolio, setting, params)
    # towards zero, so the limits still hold; what stays as it is needs no lots
    whole = _in_lots(settled.weights, setting, portfolio, params)
    kept = stay & (settled.weights == current)
    weights = np.where(kept, current, whole)
    unmade = kept & (moved != current)
    no_lot = ~kept & (whole == 0.0) & (wanted != 0.0)
    told = _untraded(unmade & in_band, unmade & ~in_band, no_lot, portfolio)
    return replace(settled, weights=weights, notices=(*settled.notices, *told))


def _untraded(
    in_band: BoolArray, too_small: BoolArray, no_lot: BoolArray, portfolio: Portfolio
) -> list[Notice]:
    """Name symbols whose trade is too small to make, and those that are less than a lot."""
    told: list[Notice] = []
    for row in (in_band | too_small | no_lot).nonzero()[0].tolist():
        symbol = portfolio.symbols[row]
        if in_band[row]:
            detail = f"{symbol} is not traded: the change of weight is within the no-trade band"
            told.append(Notice("band", symbol, detail))
        elif too_small[row]:
            detail = f"{symbol} is not traded: the trade is below the minimum notional"
            told.append(Notice("minimum", symbol, detail))
        else:
            told.append(Notice("lot", symbol, f"the target of {symbol} is less than one lot: zero"))
    return told


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


def _not_worth_trading(
    weights: FloatArray, setting: Setting, portfolio: Portfolio, params: EngineParams
) -> tuple[BoolArray, BoolArray]:
    """Say where a trade is inside the band, and where below the minimum; closing passes."""
    trading, current = params.trading, setting.current
    on_course = (weights != 0.0) & (weights * current >= 0.0)
    in_band: BoolArray = on_course & (np.abs(weights - current) < trading.no_trade_band_pct)
    too_small = np.zeros(len(weights), dtype=np.bool_)
    least = _per_symbol(portfolio, trading.min_notional_usd, trading.default_min_notional_usd)
    if np.count_nonzero(least):
        whole = _in_lots(weights, setting, portfolio, params)
        trade = np.abs(whole - current) * setting.portfolio_value
        too_small = on_course & (whole != 0.0) & (trade < least)
    return in_band, too_small


def _in_lots(
    weights: FloatArray, setting: Setting, portfolio: Portfolio, params: EngineParams
) -> FloatArray:
    """Round towards zero to whole lots, where a symbol has a lot size."""
    lots = _per_symbol(portfolio, params.trading.lot_sizes, params.trading.default_lot_size)
    unit = lots * setting.prices / setting.portfolio_value
    # the factor undoes the rounding of a weight just below a whole number of lots
    count = np.trunc(weights / np.where(unit > 0.0, unit, 1.0) * (1.0 + 1e-12))
    rounded: FloatArray = np.where(unit > 0.0, count * unit, weights)
    return rounded


def _per_symbol(portfolio: Portfolio, own: Mapping[str, float], default: float) -> FloatArray:
    if not own:
        return np.full(len(portfolio.symbols), default)
    return np.array([own.get(symbol, default) for symbol in portfolio.symbols])


def _ceiling(portfolio: Portfolio, setting: Setting) -> FloatArray:
    """Return the largest absolute weight of each symbol, shape (m,)."""
    ceiling: FloatArray = setting.multiplier * portfolio.limits.cap
    if setting.state is TradingState.REDUCING:
        return np.minimum(ceiling, np.abs(setting.current))
    return ceiling


def _within_limits(
    weights: FloatArray,
    table: SignalTable,
    sizes: FloatArray,
    portfolio: Portfolio,
    setting: Setting,
    params: EngineParams,
) -> Settled:
    side = np.sign(weights)
    share = portfolio.share
    limits = portfolio.limits
    turned = (side != 0.0) & (side != np.where(portfolio.leaning < 0.0, -1.0, 1.0))
    if turned.any():
        full = np.zeros(len(table.symbols))
        full[portfolio.places] = np.where(side != 0.0, side, portfolio.leaning)
        share = ownership(table, sizes, full)
        owned = owned_by(table, share, portfolio.places)
        scaled = setting.held.at_full_scale(setting.multiplier)
        limits = build_limits(portfolio.symbols, table.strategies, owned, scaled, params.limits)
        limits = limits.with_less_gross(portfolio.reserved)
    room, ceiling = setting.multiplier * limits.room, _ceiling(portfolio, setting)
    inside, failure = project_on_limits(np.abs(weights), ceiling, limits.rows, room)
    solver = Notice("solver", None, f"limits met by a scale-down: {failure}")
    broken = worst_excess(inside, limits, setting.multiplier) > _TOLERANCE
    if broken:
        cut = np.minimum(inside, ceiling)
        reach = np.asarray(limits.rows @ cut)
        over = reach > room
        inside = cut * float((room[over] / reach[over]).min(initial=1.0))
    repaired = failure is not None or broken
    return Settled(np.copysign(inside, side), share, (solver,) if failure else (), repaired)
