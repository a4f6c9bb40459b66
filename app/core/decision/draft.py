"""Draft a decision: Phase 1 and Phase 2 of what was observed, up to where the policy is asked."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.core.beliefs import Beliefs
from app.core.decision.observe import Observation
from app.core.limits import HeldBook, cut_held
from app.core.phase1 import Phase1, size_signals
from app.core.portfolio.phase2 import Portfolio, build_portfolio
from app.core.types import FloatArray, PolicyInput, TradingState


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision up to the point where the policy is asked.

    ``held`` are the positions that no directional signal names.
    """

    observed: Observation
    phase1: Phase1
    held: HeldBook
    portfolio: Portfolio
    warnings: tuple[str, ...]


def draft(observed: Observation, beliefs: Beliefs) -> Draft:
    """Size each signal alone, then all of them together; reads beliefs and changes nothing."""
    table, params = observed.table, observed.params
    phase1 = size_signals(table, beliefs.records, beliefs.market, dict(observed.regimes), params)
    held = _held(observed)
    portfolio = build_portfolio(
        table,
        phase1,
        held.use.at_full_scale(observed.multiplier),
        beliefs.structure,
        current_weights(observed.current, table.symbols),
        params,
    )
    return Draft(observed, phase1, held, portfolio, _warnings(observed, phase1, portfolio))


def policy_inputs(drafted: Draft, beliefs: Beliefs) -> tuple[PolicyInput, ...]:
    """List what the policy is asked: every directional signal, in the table's order."""
    table, phase1, portfolio = drafted.observed.table, drafted.phase1, drafted.portfolio
    row_of = {symbol: row for row, symbol in enumerate(portfolio.symbols)}
    history = {symbol: beliefs.market.history(symbol) for symbol in portfolio.symbols}
    signed = (portfolio.weights * portfolio.side).tolist()
    edges, volatilities = phase1.edge.tolist(), phase1.volatility.tolist()
    current = drafted.observed.current
    data = drafted.observed.batch.market_data
    return tuple(
        PolicyInput(
            symbol=signal.symbol,
            action=signal.action,
            confidence=signal.confidence,
            risk_score=signal.risk_score,
            regime=signal.regime,
            expected_return=edges[row]
            if signal.expected_return is None
            else signal.expected_return,
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


def halted_book(observed: Observation) -> HeldBook:
    """All current positions within the limits: what HALTED targets."""
    owners = _owners(observed, halted=True)
    return cut_held(observed.current, owners, observed.multiplier, observed.params.limits)


def _held(observed: Observation) -> HeldBook:
    if not observed.current:
        return HeldBook()
    directed = _directed_symbols(observed)
    free = {s: w for s, w in observed.current.items() if s not in directed}
    owners = _owners(observed, halted=observed.state is TradingState.HALTED)
    mine = {s: pairs for s, pairs in owners.items() if s in free}
    return cut_held(free, mine, observed.multiplier, observed.params.limits)


def _owners(observed: Observation, *, halted: bool) -> dict[str, list[tuple[int, str]]]:
    """Owners of held symbols: their HOLD signals; halted, also signals of the position's side."""
    table, current = observed.table, observed.current
    owners: dict[str, list[tuple[int, str]]] = {}
    if not current:
        return owners
    directed = _directed_symbols(observed)
    for row, signal in enumerate(table.signals):
        symbol = signal.symbol
        if symbol not in current:
            continue
        if symbol in directed:
            owns = halted and table.direction[row] * current[symbol] > 0.0
        else:
            owns = True
        if owns:
            owners.setdefault(symbol, []).append((row, signal.strategy_id))
    return owners


def _directed_symbols(observed: Observation) -> set[str]:
    table = observed.table
    return {table.signals[row].symbol for row in np.flatnonzero(table.direction != 0.0).tolist()}


def _warnings(observed: Observation, phase1: Phase1, portfolio: Portfolio) -> tuple[str, ...]:
    warnings = [
        f"cascade indicator {name} was not given: counted as calm"
        for name in observed.batch.calm_by_default
    ]
    warnings += observed.braking.reasons
    warnings += phase1.warnings
    if portfolio.failure is not None:
        warnings.append(f"the solver failed, sizes were scaled down instead: {portfolio.failure}")
    if observed.rejected:
        warnings.append(f"{len(observed.rejected)} signals were rejected, see rejected_signals")
    return tuple(warnings)
