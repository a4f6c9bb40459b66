"""Observe a batch: the only step of a decision that learns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from app.core.beliefs import Beliefs, Learnt, TradingStatus
from app.core.brakes import Braking, assess_brakes
from app.core.decision.closing import Rule, Unsized, find_unsized
from app.core.decision.prices import PriceView, batch_time, view_prices
from app.core.limits import effective_limits, strictest_limits
from app.core.params import EngineParams, LimitParams
from app.core.portfolio.valuation import require_finite_values, value_positions
from app.core.signals import (
    Rejection,
    Screen,
    SignalTable,
    signal_faults,
    tabulate,
    usable_prices,
)
from app.core.stages.cascade import CascadeAssessment
from app.core.types import Batch, Regime, TradingState


@dataclass(frozen=True, slots=True)
class Heard:
    """A batch and what is believed of it, whatever the trading state and the limits are.

    Attributes
    ----------
    batch : Batch
    at_ns : int
        Time of the batch.
    given : mapping of symbol to USD a unit
        Usable prices of the batch.
    learnt : Learnt
    views : mapping of symbol to PriceView
        Of every symbol that is signalled or held.
    faults : mapping of index to reason
        Signals that are refused for themselves.
    cascade : CascadeAssessment
        Score of the batch, and what is in force after it.
    brakes : Braking
        Without the kill switch.
    """

    batch: Batch
    at_ns: int
    given: Mapping[str, float]
    learnt: Learnt
    views: Mapping[str, PriceView]
    faults: Mapping[int, str]
    cascade: CascadeAssessment
    brakes: Braking


@dataclass(frozen=True, slots=True)
class Observation:
    """A batch, and what was believed once it had been observed.

    Attributes
    ----------
    heard : Heard
    regimes : mapping of symbol to Regime
        In force, of each symbol of the table.
    stale : tuple of str
        Symbols whose claims of a regime were not newer than what is known.
    elapsed_sec : mapping of symbol to seconds, >= 0
        Since the last decision of each symbol of the table.
    table : SignalTable
    rejected : tuple of Rejection
    unsized : Unsized
        What is closed, set apart or idle.
    multiplier : float in [0, 1]
        The cascade's a times the brakes'.
    current : mapping of symbol to signed current weight
        Positions that have a price.
    switch : TradingStatus
        The kill switch under which it is decided.
    braking : Braking
        What the kill switch and the brakes leave.
    params : EngineParams
        In force when the batch came.
    limits : LimitParams
        Of the settings, as small as they were from then until it was decided.
    effective : EngineParams
        The same with the limits that hold for this batch.
    """

    heard: Heard
    regimes: Mapping[str, Regime]
    stale: tuple[str, ...]
    elapsed_sec: Mapping[str, float]
    table: SignalTable
    rejected: tuple[Rejection, ...]
    unsized: Unsized
    multiplier: float
    current: Mapping[str, float]
    switch: TradingStatus
    braking: Braking
    params: EngineParams
    limits: LimitParams
    effective: EngineParams

    @property
    def batch(self) -> Batch:
        """The request."""
        return self.heard.batch

    @property
    def cascade(self) -> CascadeAssessment:
        """What announces a liquidation cascade."""
        return self.heard.cascade

    @property
    def views(self) -> Mapping[str, PriceView]:
        """Prices of every symbol that is signalled or held."""
        return self.heard.views

    @property
    def state(self) -> TradingState:
        """The strictest of the kill switch and the brakes."""
        return self.braking.state

    @property
    def value_usd(self) -> float:
        """Portfolio value that is used: the given one, or the last believed one."""
        return self.heard.learnt.value.used


def observe_batch(batch: Batch, beliefs: Beliefs, params: EngineParams) -> Observation:
    """Teach the beliefs what any observer of the batch would learn, and return what was seen.

    Live, in a rehearsal on a copy, in a replay and in the fold of the journal alike.

    Raises
    ------
    InvalidInput
        If a position's value is not finite; nothing was learnt then.
    """
    given = usable_prices(batch.prices)
    held = {symbol for symbol, units in (batch.positions or {}).items() if units != 0.0}
    if held:
        _require_finite(batch, held, given, beliefs)
    symbols = sorted(held.union(signal.symbol for signal in batch.signals))
    at_ns = batch_time(batch)
    learnt = beliefs.observe_market(batch, given, at_ns, symbols)
    views = view_prices(symbols, given, learnt.prices, beliefs.market, at_ns, params)
    heard = Heard(
        batch=batch,
        at_ns=at_ns,
        given=given,
        learnt=learnt,
        views=views,
        faults=signal_faults(batch, params.trading.max_signal_age_sec, given),
        cascade=beliefs.observe_cascade(batch, at_ns),
        brakes=assess_brakes(batch, learnt.value, beliefs.values, params.brakes),
    )
    observed = _assess(heard, beliefs.trading, params, params.limits, beliefs)
    regimes, stale = beliefs.observe_regimes(observed.table, at_ns)
    elapsed_sec = beliefs.observe_decided(observed.table.symbols, at_ns)
    return replace(observed, regimes=regimes, stale=stale, elapsed_sec=elapsed_sec)


def observe_again(observed: Observation, beliefs: Beliefs) -> Observation:
    """Return the same batch as seen under the strictest of both trading states and limits.

    Those are what it was seen under and what the beliefs say now; where nothing became stricter,
    the observation itself. Nothing is learnt.
    """
    switch = observed.switch.strictest(beliefs.trading)
    limits = observed.limits
    if beliefs.params.limits is not observed.params.limits:
        limits = strictest_limits(limits, beliefs.params.limits)
    if switch is observed.switch and limits == observed.limits:
        return observed
    again = _assess(observed.heard, switch, observed.params, limits, beliefs)
    elapsed_sec = observed.elapsed_sec
    return replace(again, regimes=observed.regimes, stale=observed.stale, elapsed_sec=elapsed_sec)


def _assess(
    heard: Heard,
    switch: TradingStatus,
    params: EngineParams,
    limits: LimitParams,
    beliefs: Beliefs,
) -> Observation:
    """Say what is sized under a trading state and limits; learns nothing."""
    batch, value = heard.batch, heard.learnt.value.used
    braking = heard.brakes.under(switch.state, flatten=switch.flatten)
    multiplier = heard.cascade.multiplier * braking.multiplier
    rule = Rule(braking.state, multiplier == 0.0, limits.allow_short)
    unsized = find_unsized(batch, heard.views, heard.faults, rule)
    prices = {symbol: view.price for symbol, view in heard.views.items() if view.price is not None}
    table, rejected = tabulate(batch, Screen(prices, unsized.idle, unsized.refused))
    holding = effective_limits(limits, params.strategies, value, table.strategies, beliefs.records)
    return Observation(
        heard=heard,
        regimes={},
        stale=(),
        elapsed_sec={},
        table=table,
        rejected=rejected,
        unsized=unsized,
        multiplier=multiplier,
        current=value_positions(batch.positions or {}, prices, value),
        switch=switch,
        braking=braking,
        params=params,
        limits=limits,
        effective=params if holding is params.limits else replace(params, limits=holding),
    )


def _require_finite(
    batch: Batch, held: Collection[str], given: Mapping[str, float], beliefs: Beliefs
) -> None:
    prices: dict[str, list[float]] = {}
    for symbol in held:
        known = beliefs.market.last_price(symbol)
        candidates = (given.get(symbol), known)
        prices[symbol] = [price for price in candidates if price is not None]
    last = beliefs.values.last
    values = (batch.portfolio_value, last) if last > 0.0 else (batch.portfolio_value,)
    require_finite_values(batch.positions or {}, prices, values)
