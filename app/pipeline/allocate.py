"""The whole way of one decision, on one screen: draft, ask the policy, finish.

``draft`` ends where the policy is asked, ``finish`` begins with its answer; both are functions of
batch, beliefs and params alone, so a replay with the recorded answer gives the same decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from app.core.beliefs import Beliefs
from app.core.brakes import Braking, price_jumps
from app.core.limits import HeldBook, cut_held
from app.core.params import EngineParams
from app.core.phase1 import Phase1, size_signals
from app.core.policy.blend import blend_weights, collect_targets
from app.core.portfolio.phase2 import Portfolio, build_portfolio
from app.core.portfolio.valuation import value_positions
from app.core.settle import Setting, Settled, settle
from app.core.signals import Rejection, SignalTable, tabulate
from app.core.stages.cascade import CascadeAssessment, assess_cascade
from app.core.types import (
    Batch,
    FallbackReason,
    FloatArray,
    PolicyAnswer,
    PolicyInput,
    Regime,
    TradingState,
)


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision up to the point where the policy is asked.

    ``multiplier`` is the cascade's a times the brakes'; ``current`` holds signed current weights
    by symbol; ``held`` the positions that no directional signal names; ``braking`` what the kill
    switch and the brakes say.
    """

    batch: Batch
    table: SignalTable
    rejected: tuple[Rejection, ...]
    cascade: CascadeAssessment
    multiplier: float
    regimes: Mapping[str, Regime]
    phase1: Phase1
    current: Mapping[str, float]
    held: HeldBook
    held_prices: Mapping[str, float]
    portfolio: Portfolio
    braking: Braking
    warnings: tuple[str, ...]
    params: EngineParams

    @property
    def state(self) -> TradingState:
        """The strictest of the kill switch and the brakes."""
        return self.braking.state


@dataclass(frozen=True, slots=True)
class Finished:
    """A decision after the policy's answer: both allocations and why.

    ``blended`` has shape (m,): absolute weights at cascade multiplier 1; ``rl_symbols`` are
    those for which a prediction counted.
    """

    draft: Draft
    reason: FallbackReason | None
    rl_symbols: tuple[str, ...]
    blended: FloatArray
    final: Settled
    baseline: Settled
    warnings: tuple[str, ...]


def draft(batch: Batch, beliefs: Beliefs, params: EngineParams) -> Draft:
    """Phase 1 and Phase 2 of one batch; learns prices and regimes on the way.

    Raises
    ------
    UnknownPrice
        If a held symbol has no price; nothing was learnt then.
    """
    table, rejected = tabulate(batch, max_age_sec=params.trading.max_signal_age_sec)
    positions = batch.positions or {}
    last = {symbol: beliefs.market.last_price(symbol) for symbol in positions}
    current = value_positions(positions, batch.prices, last, batch.portfolio_value)
    jumps = _price_jumps(table, beliefs, params)
    regimes = beliefs.hear(batch, table)
    cascade = assess_cascade(batch.cascade, params.cascade)
    braking = beliefs.braking(batch, jumps)
    multiplier = cascade.multiplier * braking.multiplier
    phase1 = size_signals(table, beliefs.records, beliefs.market, dict(regimes), params)
    owners = _owners(table, current, halted=braking.state is TradingState.HALTED)
    held = _held(table, current, owners, multiplier, params)
    now = _current_weights(current, table.symbols)
    use = held.use.at_full_scale(multiplier)
    portfolio = build_portfolio(table, phase1, use, beliefs.structure, now, params)
    return Draft(
        batch=batch,
        table=table,
        rejected=rejected,
        cascade=cascade,
        multiplier=multiplier,
        regimes=regimes,
        phase1=phase1,
        current=current,
        held=held,
        held_prices={symbol: batch.prices.get(symbol) or last[symbol] or 0.0 for symbol in current},
        portfolio=portfolio,
        braking=braking,
        warnings=_draft_warnings(batch, phase1, portfolio, rejected, braking),
        params=params,
    )


def policy_inputs(drafted: Draft, beliefs: Beliefs) -> tuple[PolicyInput, ...]:
    """List what the policy is asked: every directional signal, in the table's order."""
    table, phase1, portfolio = drafted.table, drafted.phase1, drafted.portfolio
    row_of = {symbol: row for row, symbol in enumerate(portfolio.symbols)}
    history = {symbol: beliefs.market.history(symbol) for symbol in portfolio.symbols}
    signed = (portfolio.weights * portfolio.side).tolist()
    edges, volatilities = phase1.edge.tolist(), phase1.volatility.tolist()
    data = drafted.batch.market_data
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
            current_pct=drafted.current.get(signal.symbol, 0.0),
            returns=history[signal.symbol][0],
            interval_sec=history[signal.symbol][1],
            market_data=data,
        )
        for row, signal in enumerate(table.signals)
        if signal.symbol in row_of and table.direction[row] != 0.0
    )


def finish(drafted: Draft, answer: PolicyAnswer, params: EngineParams) -> Finished:
    """Blend the policy's answer, settle both allocations, check every limit once more."""
    portfolio = drafted.portfolio
    baseline = _settle(portfolio.weights, drafted, params)
    if answer.reason is not None:
        told = (f"policy: {answer.detail}",) if answer.detail else ()
        return _fallen_back(drafted, answer.reason, baseline, told)
    rows = drafted.table.direction.nonzero()[0]
    row_of = np.zeros(len(drafted.table.symbols), dtype=np.int64)
    row_of[portfolio.places] = np.arange(len(portfolio.places))
    places = row_of[drafted.table.symbol_of[rows]]
    signed = portfolio.side * portfolio.weights
    targets = collect_targets(answer.predictions, places, signed, params.blend.min_confidence)
    if not targets.used.any():
        return _fallen_back(drafted, FallbackReason.LOW_CONFIDENCE, baseline, ())
    blended, failure = blend_weights(portfolio.weights, portfolio.side, targets, portfolio.limits)
    final = baseline if blended is portfolio.weights else _settle(blended, drafted, params)
    warnings = [*final.warnings]
    unusable = sum(prediction is None for prediction in answer.predictions)
    if unusable:
        asked = len(answer.predictions)
        warnings.append(f"policy: {unusable} of {asked} predictions were unusable")
    if failure is not None:
        warnings.append(f"blended weights were scaled into the limits: {failure}")
    used = tuple(portfolio.symbols[row] for row in targets.used.nonzero()[0].tolist())
    return Finished(drafted, None, used, blended, final, baseline, tuple(warnings))


def _fallen_back(
    drafted: Draft, reason: FallbackReason, baseline: Settled, told: tuple[str, ...]
) -> Finished:
    weights = drafted.portfolio.weights
    warnings = (*baseline.warnings, *told)
    return Finished(drafted, reason, (), weights, baseline, baseline, warnings)


def _settle(weights: FloatArray, drafted: Draft, params: EngineParams) -> Settled:
    table, portfolio = drafted.table, drafted.portfolio
    setting = Setting(
        current=_current_weights(drafted.current, portfolio.symbols),
        prices=table.prices[portfolio.places],
        held=drafted.held.use,
        multiplier=drafted.multiplier,
        state=drafted.state,
        portfolio_value=drafted.batch.portfolio_value,
        reduce_only=drafted.braking.reduce_only,
    )
    aims = drafted.multiplier * portfolio.side * weights
    return settle(aims, table, drafted.phase1.regime, portfolio, setting, params)


def _current_weights(current: Mapping[str, float], symbols: list[str]) -> FloatArray:
    if not current:
        return np.zeros(len(symbols))
    return np.array([current.get(symbol, 0.0) for symbol in symbols])


def _owners(
    table: SignalTable, current: Mapping[str, float], *, halted: bool
) -> dict[str, list[tuple[int, str]]]:
    """Owners of held symbols: their HOLD signals; halted, also signals of the position's side."""
    owners: dict[str, list[tuple[int, str]]] = {}
    if not current:
        return owners
    directed = {
        table.signals[row].symbol for row in np.flatnonzero(table.direction != 0.0).tolist()
    }
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


def _held(
    table: SignalTable,
    current: Mapping[str, float],
    owners: Mapping[str, list[tuple[int, str]]],
    multiplier: float,
    params: EngineParams,
) -> HeldBook:
    if not current:
        return HeldBook()
    directed = {
        table.signals[row].symbol for row in np.flatnonzero(table.direction != 0.0).tolist()
    }
    free = {s: w for s, w in current.items() if s not in directed}
    mine = {s: pairs for s, pairs in owners.items() if s in free}
    return cut_held(free, mine, multiplier, params.limits)


def halted_book(drafted: Draft, params: EngineParams) -> HeldBook:
    """All current positions within the limits: what HALTED targets."""
    owners = _owners(drafted.table, drafted.current, halted=True)
    return cut_held(drafted.current, owners, drafted.multiplier, params.limits)


def _price_jumps(table: SignalTable, beliefs: Beliefs, params: EngineParams) -> dict[str, float]:
    """Find symbols with signals whose prices moved too far from those known before."""
    jump_from = params.brakes.price_jump_from
    if jump_from <= 0.0:
        return {}
    prices = dict(zip(table.symbols, table.prices.tolist(), strict=True))
    known = {symbol: beliefs.market.last_price(symbol) for symbol in prices}
    return price_jumps(prices, known, jump_from)


def _draft_warnings(
    batch: Batch,
    phase1: Phase1,
    portfolio: Portfolio,
    rejected: tuple[Rejection, ...],
    braking: Braking,
) -> tuple[str, ...]:
    warnings = [
        f"cascade indicator {name} was not given: counted as calm" for name in batch.calm_by_default
    ]
    warnings += braking.reasons
    warnings += phase1.warnings
    if portfolio.failure is not None:
        warnings.append(f"the solver failed, sizes were scaled down instead: {portfolio.failure}")
    if rejected:
        warnings.append(f"{len(rejected)} signals were rejected, see rejected_signals")
    return tuple(warnings)
