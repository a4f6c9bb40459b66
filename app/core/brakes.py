"""Sanity brakes: what must not trade as usual, and the sentence that says why.

A brake only ever reduces. It makes the trading state stricter for one decision, or scales sizes
and limits down. What becomes of a price that is not believed is decided in `decision/prices`.
"""

from dataclasses import dataclass, replace
from typing import Final

from app.core.books.values import ValueBook, ValueReport
from app.core.params import BrakeParams
from app.core.types import Batch, Notice, TradingState

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
    reasons : tuple of Notice
        A sentence for each brake that acts.
    """

    state: TradingState = TradingState.ACTIVE
    multiplier: float = 1.0
    reasons: tuple[Notice, ...] = ()

    def under(self, switch: TradingState, *, flatten: bool) -> "Braking":
        """Return what is left under a kill switch as well."""
        state = strictest(self.state, switch)
        if not flatten:
            return self if state is self.state else replace(self, state=state)
        why = Notice(None, None, "trading is HALTED with flatten: every target is zero")
        return Braking(state, 0.0, (why, *self.reasons))


def strictest(*states: TradingState) -> TradingState:
    """Choose the most restrictive trading state."""
    return max(states, key=_STRICTNESS.__getitem__)


def drawdown_multiplier(value: float, values: ValueBook, params: BrakeParams) -> float:
    """Multiplier of the drawdown brake: 1 when off, or not far enough below the peak."""
    if params.drawdown_from <= 0.0 or values.peak <= 0.0:
        return 1.0
    floor = (1.0 - params.drawdown_from) * values.peak
    return params.drawdown_multiplier if value <= floor else 1.0


def assess_brakes(
    batch: Batch, report: ValueReport, values: ValueBook, params: BrakeParams
) -> Braking:
    """Say what the brakes leave of a decision.

    Parameters
    ----------
    batch : Batch
    report : ValueReport
        What became of its portfolio value, which `values` has observed.
    values : ValueBook
    params : BrakeParams

    Returns
    -------
    Braking
    """
    value, reasons = report.used, []
    multiplier = drawdown_multiplier(value, values, params)
    if multiplier < 1.0:
        detail = (
            f"portfolio value {value:.10g} is {_percent(1.0 - value / values.peak)} below its "
            f"peak {values.peak:.10g}: sizes and limits are multiplied by {multiplier:g}"
        )
        reasons.append(Notice(None, None, detail))
    stops = _value_stops(batch, report, values, params)
    state = TradingState.REDUCING if stops else TradingState.ACTIVE
    return Braking(state, multiplier, (*reasons, *stops))


def _value_stops(
    batch: Batch, report: ValueReport, values: ValueBook, params: BrakeParams
) -> list[Notice]:
    """Reasons for which nothing may grow."""
    stops: list[Notice] = []
    if not report.believed:
        detail = (
            f"portfolio value {batch.portfolio_value:.10g} is not believed, the last believed "
            f"one, {report.used:.10g}, is used: positions may only be reduced"
        )
        stops.append(Notice("value_disbelieved", None, detail))
    if values.is_loss(batch.received_ns, params.daily_loss_from):
        detail = (
            f"the portfolio lost {_percent(values.loss)} of {values.start:.10g} today, the limit "
            f"is {_percent(params.daily_loss_from)}: positions may only be reduced until the UTC "
            "day ends"
        )
        stops.append(Notice(None, None, detail))
    return stops


def _percent(fraction: float) -> str:
    return f"{100.0 * fraction:.4g} %"
