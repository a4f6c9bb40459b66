"""Sanity brakes: what must not trade as usual, and the sentence that says why.

A brake only ever reduces. It makes the trading state stricter for one decision, keeps a symbol
between zero and its current position, or scales sizes and limits down.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.core.books.values import ValueBook
from app.core.params import BrakeParams
from app.core.types import Batch, TradingState

_STRICTNESS: Final = {state: rank for rank, state in enumerate(TradingState)}


@dataclass(frozen=True, slots=True)
class Braking:
    """What the brakes and the kill switch leave of a decision.

    Attributes
    ----------
    state : TradingState
        The strictest of the kill switch and the brakes.
    multiplier : float in [0, 1]
        Scales sizes and limits; 0 makes every target zero.
    reduce_only : frozenset of str
        Symbols that may only be reduced.
    reasons : tuple of str
        A sentence for each brake that acts.
    """

    state: TradingState = TradingState.ACTIVE
    multiplier: float = 1.0
    reduce_only: frozenset[str] = frozenset()
    reasons: tuple[str, ...] = ()


def strictest(*states: TradingState) -> TradingState:
    """Choose the most restrictive trading state."""
    return max(states, key=_STRICTNESS.__getitem__)


def price_jumps(
    prices: Mapping[str, float], known: Mapping[str, float | None], jump_from: float
) -> dict[str, float]:
    """Find prices that moved too far from the last known ones.

    Parameters
    ----------
    prices : mapping of symbol to USD a unit, > 0
    known : mapping of symbol to USD a unit, or None where none is known
        Only these symbols are looked at.
    jump_from : float
        Move that is a jump, fraction of the last known price; 0 finds none.

    Returns
    -------
    dict of symbol to its signed move, fraction; infinite where it overflows
    """
    if jump_from <= 0.0:
        return {}
    return {
        symbol: prices[symbol] / before - 1.0
        for symbol, before in known.items()
        if before is not None and abs(prices[symbol] - before) >= jump_from * before
    }


def drawdown_multiplier(value: float, values: ValueBook, params: BrakeParams) -> float:
    """Multiplier of the drawdown brake: 1 when off, or not far enough below the peak."""
    if params.drawdown_from <= 0.0 or values.peak <= 0.0:
        return 1.0
    floor = (1.0 - params.drawdown_from) * values.peak
    return params.drawdown_multiplier if value <= floor else 1.0


def assess_brakes(
    switch: TradingState,
    batch: Batch,
    values: ValueBook,
    jumps: Mapping[str, float],
    params: BrakeParams,
) -> Braking:
    """Say what kill switch and brakes leave of a decision.

    Parameters
    ----------
    switch : TradingState
        What the kill switch says.
    batch : Batch
        Its portfolio value counts, which `values` has heard.
    values : ValueBook
    jumps : mapping of symbol to move
        See :func:`price_jumps`.
    params : BrakeParams

    Returns
    -------
    Braking
    """
    reasons = [
        f"price of {symbol} moved by {_percent(move)} from the last known, the limit is "
        f"{_percent(params.price_jump_from)}: it may only be reduced"
        for symbol, move in sorted(jumps.items())
    ]
    value = batch.portfolio_value
    multiplier = drawdown_multiplier(value, values, params)
    if multiplier < 1.0:
        reasons.append(
            f"portfolio value {value:.10g} is {_percent(1.0 - value / values.peak)} below its "
            f"peak {values.peak:.10g}: sizes and limits are multiplied by {multiplier:g}"
        )
    stops = _value_stops(batch, values, params)
    state = strictest(switch, TradingState.REDUCING) if stops else switch
    return Braking(state, multiplier, frozenset(jumps), (*reasons, *stops))


def _value_stops(batch: Batch, values: ValueBook, params: BrakeParams) -> list[str]:
    """Reasons for which nothing may grow."""
    stops: list[str] = []
    value, least = batch.portfolio_value, params.collapse_below
    if values.is_collapse(value, least):
        stops.append(
            f"portfolio value {value:.10g} is below {least:g} of the last one, "
            f"{values.last:.10g}: positions may only be reduced"
        )
    if values.is_loss(batch.received_ns, params.daily_loss_from):
        stops.append(
            f"the portfolio lost {_percent(values.loss)} of {values.start:.10g} today, the limit "
            f"is {_percent(params.daily_loss_from)}: positions may only be reduced until the UTC "
            "day ends"
        )
    return stops


def _percent(fraction: float) -> str:
    return f"{100.0 * fraction:.4g} %" if math.isfinite(fraction) else "more than can be said"
