"""Draft a decision: Phase 1 and Phase 2 of what was observed, up to where the policy is asked."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from app.core.beliefs import Beliefs
from app.core.books.market_reader import MarketReader
from app.core.books.owners import Shares
from app.core.decision.draft_notices import draft_notices
from app.core.decision.observe import Observation
from app.core.limits import HeldBook, cut_held
from app.core.phase1 import Phase1, cautious_volatility, size_signals
from app.core.portfolio.netting import net_symbols
from app.core.portfolio.phase2 import Beside, Portfolio, build_portfolio
from app.core.portfolio.risk import RiskModel
from app.core.types import DIRECTION, FloatArray, Notice, PolicyInput, Signal, TradingState

_LARGEST: Final = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision up to the point where the policy is asked.

    ``held`` are the positions that no directional signal names; ``owners`` are the shares in each
    position, were it held; ``closed`` are held symbols that are brought to zero whatever their
    price; ``risk`` is of every symbol that may be in the book; ``set_apart_usd`` is what positions
    without a price take of the gross room of new ones.
    """

    observed: Observation
    phase1: Phase1
    held: HeldBook
    owners: Mapping[str, Shares]
    portfolio: Portfolio
    risk: RiskModel
    closed: frozenset[str]
    set_apart_usd: float
    notices: tuple[Notice, ...]


def draft(observed: Observation, beliefs: Beliefs) -> Draft:
    """Size each signal alone, then all of them together; reads beliefs and changes nothing."""
    table, params = observed.table, observed.effective
    phase1 = size_signals(table, beliefs.records, beliefs.market, observed.regimes, params)
    closed = observed.unsized.closed | _overruled(observed, beliefs)
    set_apart_usd = _set_apart_usd(observed)
    owners = _owners(observed, beliefs)
    held = _held(observed, owners, closed, set_apart_usd / observed.value_usd)
    beside = _beside(held, observed, phase1, beliefs.market)
    portfolio = build_portfolio(
        table,
        phase1,
        beside,
        beliefs.structure,
        current_weights(observed.current, table.symbols),
        params,
    )
    notices = draft_notices(observed, phase1, portfolio, held, beliefs)
    risk = _risk_model(observed, portfolio, beside, beliefs)
    return Draft(observed, phase1, held, owners, portfolio, risk, closed, set_apart_usd, notices)


def policy_inputs(drafted: Draft, beliefs: Beliefs) -> tuple[PolicyInput, ...]:
    """List what the policy is asked: every directional signal, in the table's order."""
    table, phase1, portfolio = drafted.observed.table, drafted.phase1, drafted.portfolio
    row_of = {symbol: row for row, symbol in enumerate(portfolio.symbols)}
    history = {symbol: beliefs.market.history(symbol) for symbol in portfolio.symbols}
    signed = (portfolio.weights * portfolio.side).tolist()
    claims = phase1.claims.expected_return
    edges = np.where(np.isnan(claims), phase1.edge, claims).tolist()
    volatilities = phase1.volatility.tolist()
    current = drafted.observed.current
    data = drafted.observed.batch.market_data
    return tuple(
        PolicyInput(
            symbol=signal.symbol,
            action=signal.action,
            confidence=signal.confidence,
            risk_score=signal.risk_score,
            regime=signal.regime,
            expected_return=edges[row],
            predicted_volatility=volatilities[row],
            baseline_pct=signed[row_of[signal.symbol]],
            current_pct=current.get(signal.symbol, 0.0),
            returns=history[signal.symbol][0],
            interval_sec=history[signal.symbol][1],
            market_data=data,
        )
        for row, signal in enumerate(table.signals)
        if signal.symbol in row_of and table.direction[row] != 0.0
    )


def current_weights(current: Mapping[str, float], symbols: list[str]) -> FloatArray:
    """Signed current weight of each symbol, shape (m,); 0 where none is held."""
    if not current:
        return np.zeros(len(symbols))
    return np.array([current.get(symbol, 0.0) for symbol in symbols])


def halted_book(
    observed: Observation, owners: Mapping[str, Shares], closed: frozenset[str]
) -> HeldBook:
    """All current positions within the limits, but for those that are closed: HALTED's targets."""
    kept = {symbol: weight for symbol, weight in observed.current.items() if symbol not in closed}
    mine = {symbol: shares for symbol, shares in owners.items() if symbol in kept}
    return cut_held(kept, mine, observed.multiplier, observed.effective.limits)


def _held(
    observed: Observation,
    owners: Mapping[str, Shares],
    closed: frozenset[str],
    set_apart: float,
) -> HeldBook:
    if not observed.current and set_apart == 0.0:
        return HeldBook()
    fixed = _directed_symbols(observed) | closed
    free = {s: w for s, w in observed.current.items() if s not in fixed}
    mine = {s: shares for s, shares in owners.items() if s in free}
    return cut_held(free, mine, observed.multiplier, observed.effective.limits, set_apart)


def _beside(held: HeldBook, observed: Observation, phase1: Phase1, market: MarketReader) -> Beside:
    """Return what is held beside the directional symbols, divided by the cascade multiplier."""
    use, multiplier = held.use.at_full_scale(observed.multiplier), observed.multiplier
    weights = {symbol: held.weights[symbol] for symbol in sorted(held.weights)}
    symbols = tuple(symbol for symbol, weight in weights.items() if weight != 0.0)
    if not symbols or multiplier <= 0.0:
        return Beside(use)
    at_one = np.array([weights[symbol] for symbol in symbols]) / multiplier
    claims: dict[str, float] = {}
    for signal, claimed in zip(
        observed.table.signals, phase1.claims.volatility.tolist(), strict=True
    ):
        if signal.symbol in weights:
            claims[signal.symbol] = np.fmax(claims.get(signal.symbol, math.nan), claimed)
    horizon_sec, params = observed.params.signals.horizon_sec, observed.params
    learnt = cautious_volatility(market, symbols, horizon_sec, params.market)
    said = np.array([claims.get(symbol, math.nan) for symbol in symbols])
    return Beside(use, symbols, at_one, np.where(np.isnan(said), learnt, said))


def _risk_model(
    observed: Observation, portfolio: Portfolio, beside: Beside, beliefs: Beliefs
) -> RiskModel:
    """Return volatilities and correlations of what is wanted, held or to be closed."""
    correlations, params = portfolio.correlations, observed.params
    sigma = dict(zip(portfolio.symbols, portfolio.net.claimed.tolist(), strict=True))
    sigma.update(zip(beside.symbols, beside.volatility.tolist(), strict=True))
    names = correlations.symbols
    rest = observed.current.keys() - set(names) if observed.current else None
    if rest:
        sides = portfolio.side[portfolio.size > 0.0].tolist()
        sides += np.sign(beside.weights).tolist() if len(names) > len(sides) else []
        others = sorted(rest)
        sides += [math.copysign(1.0, observed.current[symbol]) for symbol in others]
        names = (*names, *others)
        correlations = beliefs.structure.correlations(names, np.array(sides))
        unsaid = [symbol for symbol in others if symbol not in sigma]
        learnt = cautious_volatility(
            beliefs.market, unsaid, params.signals.horizon_sec, params.market
        )
        sigma.update(zip(unsaid, learnt.tolist(), strict=True))
    return RiskModel(np.array([sigma[symbol] for symbol in names]), correlations)


def _owners(observed: Observation, beliefs: Beliefs) -> dict[str, Shares]:
    """Shares in each position, were it held; a symbol that is not there belongs to nobody.

    A position belongs to those who owned its side in the last decision that gave it a weight
    there; where nobody did, to its signals equally: those of its side, else HOLD where all are.
    """
    owners: dict[str, Shares] = {}
    unknown: set[str] = set()
    for symbol, weight in observed.current.items():
        if shares := beliefs.owners.of(symbol, weight):
            owners[symbol] = shares
        else:
            unknown.add(symbol)
    named: dict[str, list[Signal]] = {}
    for signal in observed.table.signals if unknown else ():
        if signal.symbol in unknown:
            named.setdefault(signal.symbol, []).append(signal)
    for symbol, signals in named.items():
        weight = observed.current[symbol]
        mine = [one.strategy_id for one in signals if DIRECTION[one.action] * weight > 0.0]
        if not mine and all(DIRECTION[one.action] == 0.0 for one in signals):
            mine = [one.strategy_id for one in signals]
        if mine:
            owners[symbol] = {name: mine.count(name) / len(mine) for name in mine}
    return owners


def _overruled(observed: Observation, beliefs: Beliefs) -> frozenset[str]:
    """Held symbols of a disbelieved price whose larger side is against the position.

    A price has no part in Phase 1, so the signals tell their sides as if it were believed.
    """
    mixed = observed.unsized.idle & observed.current.keys() - observed.unsized.closed
    if not mixed or observed.state is TradingState.HALTED:
        return frozenset()
    table, params = observed.table, observed.effective
    wanted = np.array([DIRECTION[signal.action] for signal in table.signals])
    directed = replace(table, direction=wanted)
    phase1 = size_signals(directed, beliefs.records, beliefs.market, observed.regimes, params)
    net = net_symbols(directed, phase1, allow_short=params.limits.allow_short)
    sides = dict(zip(table.symbols, net.side.tolist(), strict=True))
    return frozenset(
        symbol for symbol in mixed if sides.get(symbol, 0.0) * observed.current[symbol] < 0.0
    )


def _set_apart_usd(observed: Observation) -> float:
    """Return what set-apart positions take of the gross room: their last known value.

    All that were never priced take one position limit together.
    """
    if not observed.unsized.set_apart:
        return 0.0
    positions, views = observed.batch.positions or {}, observed.views
    known = [(symbol, views[symbol].known) for symbol in observed.unsized.set_apart]
    usd = sum(abs(positions[symbol]) * price for symbol, price in known if price is not None)
    if any(price is None for _, price in known):
        limit = observed.effective.limits.max_position_pct
        usd += observed.multiplier * limit * observed.value_usd
    return min(usd, _LARGEST)


def _directed_symbols(observed: Observation) -> set[str]:
    table = observed.table
    return {table.signals[row].symbol for row in np.flatnonzero(table.direction != 0.0).tolist()}
