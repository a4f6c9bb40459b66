"""Observe a batch: the only step of a decision that learns."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.beliefs import Beliefs
from app.core.brakes import Braking, price_jumps
from app.core.params import EngineParams
from app.core.portfolio.valuation import value_positions
from app.core.signals import Rejection, SignalTable, tabulate
from app.core.stages.cascade import CascadeAssessment, assess_cascade
from app.core.types import Batch, Regime, TradingState


@dataclass(frozen=True, slots=True)
class Observation:
    """A batch, and what was believed once it had been observed.

    Attributes
    ----------
    batch : Batch
    table : SignalTable
    rejected : tuple of Rejection
    cascade : CascadeAssessment
    multiplier : float in [0, 1]
        The cascade's a times the brakes'.
    regimes : mapping of symbol to Regime
    current : mapping of symbol to signed current weight
    held_prices : mapping of symbol to USD a unit
        Price at which each of ``current`` was valued.
    braking : Braking
        What the kill switch and the brakes leave.
    params : EngineParams
        In force when the batch came.
    """

    batch: Batch
    table: SignalTable
    rejected: tuple[Rejection, ...]
    cascade: CascadeAssessment
    multiplier: float
    regimes: Mapping[str, Regime]
    current: Mapping[str, float]
    held_prices: Mapping[str, float]
    braking: Braking
    params: EngineParams

    @property
    def state(self) -> TradingState:
        """The strictest of the kill switch and the brakes."""
        return self.braking.state

    @property
    def value_usd(self) -> float:
        """Portfolio value."""
        return self.batch.portfolio_value


def observe_batch(batch: Batch, beliefs: Beliefs, params: EngineParams) -> Observation:
    """Teach the beliefs what any observer of the batch would learn, and return what was seen.

    Live, in a rehearsal on a copy, in a replay and in the fold of the journal alike.

    Raises
    ------
    UnknownPrice
        If a held symbol has no price; nothing was learnt then.
    InvalidInput
        If a position's value is not finite; nothing was learnt then.
    """
    table, rejected = tabulate(batch, max_age_sec=params.trading.max_signal_age_sec)
    positions = batch.positions or {}
    last = {symbol: beliefs.market.last_price(symbol) for symbol in positions}
    current = value_positions(positions, batch.prices, last, batch.portfolio_value)
    jumps = _jumps_before(table, beliefs, params)
    learnt = beliefs.observe(batch, table)
    cascade = assess_cascade(batch.cascade, params.cascade)
    braking = beliefs.braking(batch, jumps)
    return Observation(
        batch=batch,
        table=table,
        rejected=rejected,
        cascade=cascade,
        multiplier=cascade.multiplier * braking.multiplier,
        regimes=learnt.regimes,
        current=current,
        held_prices={symbol: batch.prices.get(symbol) or last[symbol] or 0.0 for symbol in current},
        braking=braking,
        params=params,
    )


def _jumps_before(table: SignalTable, beliefs: Beliefs, params: EngineParams) -> dict[str, float]:
    """Symbols with signals whose prices moved too far from those known before the batch."""
    jump_from = params.brakes.price_jump_from
    if jump_from <= 0.0:
        return {}
    prices = dict(zip(table.symbols, table.prices.tolist(), strict=True))
    known = {symbol: beliefs.market.last_price(symbol) for symbol in prices}
    return price_jumps(prices, known, jump_from)
