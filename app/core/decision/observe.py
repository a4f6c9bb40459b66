"""Observe a batch: the only step of a decision that learns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from app.core.beliefs import Beliefs, Learnt, TradingStatus
from app.core.books.standing import StandingSignal, standing_until
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
    canonical_order,
    signal_faults,
    tabulate,
    usable_prices,
)
from app.core.stages.cascade import CascadeAssessment
from app.core.types import Batch, Regime, TradingState


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """A batch and what is believed of it, whatever the trading state and the limits are.

    Attributes
    ----------
    batch : Batch
        With what stands beside its own signals.
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
    facts : BatchFacts
    regimes : mapping of symbol to Regime
        In force, of each symbol of the table.
    stale : tuple of str
        Symbols whose claims of a regime were not newer than what is known.
    elapsed_sec : mapping of symbol to seconds, >= 0
        Since the last decision of each symbol of the table.
    table : SignalTable
    rejected : tuple of Rejection
        Of the batch's own signals.
    set_aside : tuple of Rejection
        Standing signals that size nothing now, and still stand.
    gave_way : int
        Pairs of strategy and symbol whose standing signals ended for want of room.
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

    facts: BatchFacts
    regimes: Mapping[str, Regime]
    stale: tuple[str, ...]
    elapsed_sec: Mapping[str, float]
    table: SignalTable
    rejected: tuple[Rejection, ...]
    set_aside: tuple[Rejection, ...]
    gave_way: int
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
        return self.facts.batch

    def sized_batch(self) -> Batch:
        """Return the batch with those standing signals alone that it used."""
        if not self.set_aside:
            return self.batch
        signals, aside = self.batch.all_signals, {entry.index for entry in self.set_aside}
        used = range(len(self.batch.signals), len(signals))
        standing = tuple(signals[index] for index in used if index not in aside)
        return replace(self.batch, standing=standing)

    @property
    def cascade(self) -> CascadeAssessment:
        """What announces a liquidation cascade."""
        return self.facts.cascade

    @property
    def views(self) -> Mapping[str, PriceView]:
        """Prices of every symbol that is signalled or held."""
        return self.facts.views

    @property
    def state(self) -> TradingState:
        """The strictest of the kill switch and the brakes."""
        return self.braking.state

    @property
    def value_usd(self) -> float:
        """Portfolio value that is used: the given one, or the last believed one."""
        return self.facts.learnt.value.used


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
    faults = signal_faults(batch, params.trading.max_signal_age_sec, given)
    if params.signals.standing:
        batch = _with_standing(batch, faults, beliefs)
        faults = signal_faults(batch, params.trading.max_signal_age_sec, given)
    symbols = sorted(held.union(signal.symbol for signal in batch.all_signals))
    at_ns = batch_time(batch)
    learnt = beliefs.observe_market(batch, given, at_ns, symbols)
    views = view_prices(symbols, given, learnt.prices, beliefs.market, at_ns, params)
    facts = BatchFacts(
        batch=batch,
        at_ns=at_ns,
        given=given,
        learnt=learnt,
        views=views,
        faults=faults,
        cascade=beliefs.observe_cascade(batch, at_ns),
        brakes=assess_brakes(batch, learnt.value, beliefs.values, params.brakes),
    )
    observed = _assess(facts, beliefs.trading, params, params.limits, beliefs)
    regimes, stale = beliefs.observe_regimes(observed.table, at_ns)
    elapsed_sec = beliefs.observe_decided(observed.table.symbols, at_ns)
    gave_way = 0
    if params.signals.standing:
        named = {signal.symbol for signal in batch.signals}
        stale = tuple(symbol for symbol in stale if symbol in named)
        gave_way = _keep_standing(observed, beliefs)
    return replace(
        observed, regimes=regimes, stale=stale, elapsed_sec=elapsed_sec, gave_way=gave_way
    )


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
    again = _assess(observed.facts, switch, observed.params, limits, beliefs)
    return replace(
        again,
        regimes=observed.regimes,
        stale=observed.stale,
        elapsed_sec=observed.elapsed_sec,
        gave_way=observed.gave_way,
    )


def _assess(
    facts: BatchFacts,
    switch: TradingStatus,
    params: EngineParams,
    limits: LimitParams,
    beliefs: Beliefs,
) -> Observation:
    """Say what is sized under a trading state and limits; learns nothing."""
    batch, value = facts.batch, facts.learnt.value.used
    braking = facts.brakes.under(switch.state, flatten=switch.flatten)
    multiplier = facts.cascade.multiplier * braking.multiplier
    rule = Rule(braking.state, multiplier == 0.0, limits.allow_short)
    unsized = find_unsized(batch, facts.views, facts.faults, rule)
    prices = {symbol: view.price for symbol, view in facts.views.items() if view.price is not None}
    table, rejected = tabulate(batch, Screen(prices, unsized.idle, unsized.refused))
    current = value_positions(batch.positions or {}, prices, value)
    names = table.strategies
    if limits.new_strategy_pct > 0.0:
        names = sorted({*names, *beliefs.owners.strategies(current)})
    holding = effective_limits(limits, params.strategies, value, names, beliefs.records)
    own = len(batch.signals)
    return Observation(
        facts=facts,
        regimes={},
        stale=(),
        elapsed_sec={},
        table=table,
        rejected=tuple(entry for entry in rejected if entry.index < own),
        set_aside=tuple(entry for entry in rejected if entry.index >= own),
        gave_way=0,
        unsized=unsized,
        multiplier=multiplier,
        current=current,
        switch=switch,
        braking=braking,
        params=params,
        limits=limits,
        effective=params if holding is params.limits else replace(params, limits=holding),
    )


def _with_standing(batch: Batch, faults: Collection[int], beliefs: Beliefs) -> Batch:
    """Put what stands beside a batch's own signals, which replace what stood for their pairs.

    A signal that is refused for itself replaces nothing.
    """
    named = {
        (signal.strategy_id, signal.symbol)
        for index, signal in enumerate(batch.signals)
        if index not in faults
    }
    return replace(batch, standing=beliefs.standing.beside(named, batch.received_ns))


def _keep_standing(observed: Observation, beliefs: Beliefs) -> int:
    """Keep a batch's own signals that were not rejected; return how many pairs gave way."""
    batch, rejected = observed.batch, {entry.index for entry in observed.rejected}
    latest = None if batch.stamps_until_ns is None else batch.received_ns
    default = observed.params.signals.valid_for_sec
    taken = [signal for index, signal in enumerate(batch.signals) if index not in rejected]
    standing = [
        StandingSignal(signal, standing_until(signal, latest, default))
        for signal in canonical_order(taken)
    ]
    return beliefs.standing.keep(standing, batch.received_ns)


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
