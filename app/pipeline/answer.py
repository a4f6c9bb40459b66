"""A finished decision in the words of the wire."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import orjson

from app.core.books.drift import Drift
from app.core.limits import HeldBook, Holdings, binding_limits, limit_use
from app.core.params import EngineParams
from app.core.settle import Settled
from app.core.stages.regime import most_defensive
from app.core.types import FloatArray, TradingState
from app.pipeline.allocate import Draft, Finished, halted_book

_LARGEST = float(np.finfo(np.float64).max)
# sizes of stages and requests may be several portfolios large; beyond this they could overflow
_OVERFLOW_FROM = 1e300

STAGES = ("kelly", "conformal", "sentiment", "regime", "cascade", "portfolio", "rl", "final")


@dataclass(frozen=True)
class Decision:
    """One answer of ``POST /allocate`` as a JSON-able dict and, when asked, as its bytes."""

    answer: dict[str, Any]

    @cached_property
    def body(self) -> bytes:
        """UTF-8 JSON of the answer; the same bytes are sent, journalled and replayed."""
        return orjson.dumps(self.answer)


@dataclass(frozen=True, slots=True)
class DecisionDetails:
    """What metrics show of a decision beyond its answer; made when somebody looks."""

    kelly_fraction: float
    conformal_scale: float
    regimes: dict[str, str]
    risk_budget: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DecisionView:
    """What telemetry is told of a decision; ``details`` costs something only when called."""

    answer: dict[str, Any]
    stage_ms: dict[str, float]
    rl_enabled: bool
    details: Callable[[], DecisionDetails]


@dataclass(frozen=True, slots=True)
class Weighed:
    """Signed weights of every symbol of the answer, and each signal's part of them.

    ``parts`` has shape (n,), signed; ``unowned`` are held parts that no signal stands behind.
    """

    weights: dict[str, float]
    parts: FloatArray
    unowned: dict[str, float]


def is_left_out(drafted: Draft) -> bool:
    """Whether the trading state forbids targets: no positions given, and not a full exit."""
    unknown = drafted.batch.positions is None
    return drafted.state is not TradingState.ACTIVE and unknown and drafted.multiplier > 0.0


def left_out(drafted: Draft) -> frozenset[str]:
    """Symbols without a target: a brake lets them only reduce, and nobody said from where."""
    unknown = drafted.batch.positions is None and drafted.multiplier > 0.0
    return drafted.braking.reduce_only if unknown else frozenset()


def weigh(drafted: Draft, settled: Settled, params: EngineParams) -> Weighed:
    """Bring settled directional symbols, held ones and the trading state together."""
    table, portfolio = drafted.table, drafted.portfolio
    count = len(table.signals)
    if is_left_out(drafted):
        return Weighed({}, np.zeros(count), {})
    if drafted.state is TradingState.HALTED:
        book = halted_book(drafted, params)
        weights = {symbol: book.weights.get(symbol, 0.0) for symbol in table.symbols}
        weights.update(book.weights)
        return Weighed(weights, _held_parts(book, count), _unowned(weights, book, table.symbols))
    full = np.zeros(len(table.symbols))
    # adding zero turns -0.0 into 0.0
    full[portfolio.places] = settled.weights + 0.0
    parts = settled.share * full[table.symbol_of] + _held_parts(drafted.held, count)
    weights = dict(zip(table.symbols, full.tolist(), strict=True))
    weights.update(drafted.held.weights)
    for symbol in left_out(drafted):
        # its parts are zero already: flat counts as zero, and it may not grow
        del weights[symbol]
    return Weighed(weights, parts, {})


def _held_parts(book: HeldBook, count: int) -> FloatArray:
    parts = np.zeros(count)
    for (_, row), part in book.owned.items():
        parts[row] = part
    return parts


def _unowned(weights: Mapping[str, float], book: HeldBook, symbols: list[str]) -> dict[str, float]:
    """Weights of symbols with signals of which none is on the position's side."""
    owned = {symbol for symbol, _ in book.owned}
    return {s: weights[s] for s in symbols if weights[s] != 0.0 and s not in owned}


def compose(
    finished: Finished,
    final: Weighed,
    baseline: Weighed,
    shares: dict[str, float],
    drift: Drift,
) -> dict[str, Any]:
    """Put the deterministic part of the answer together: all but id, mode, circuit and time.

    Parameters
    ----------
    finished : Finished
    final, baseline : Weighed
    shares : dict of strategy to its share, see `strategy_weights`
    drift : Drift

    Returns
    -------
    dict
        JSON-able, every number finite.
    """
    drafted = finished.draft
    value = drafted.batch.portfolio_value
    positions = _positions(finished, final)
    allocations = {entry["symbol"]: entry["target_usd"] for entry in positions}
    other = allocations if baseline is final else _allocations(drafted, baseline)
    gross = sum(map(abs, allocations.values()), 0.0)
    portfolio = drafted.portfolio
    wanted = portfolio.size > 0.0
    ratio = portfolio.weights / np.where(wanted, portfolio.size, 1.0)
    return {
        "strategy": "rl" if finished.reason is None else "fallback",
        "fallback_reason": None if finished.reason is None else finished.reason.value,
        "allocations": allocations,
        "baseline_allocations": dict(other),
        "positions": positions,
        "total_allocated_usd": gross,
        "net_usd": sum(allocations.values(), 0.0),
        "portfolio_value": value,
        "utilization_pct": 100.0 * (gross / value),
        "strategy_weights": shares,
        "drifted_strategies": list(drift.drifted),
        "max_drift_pct": drift.max_drift_pct,
        "correlation_penalties": {
            symbol: penalty
            for symbol, penalty, kept in zip(
                portfolio.symbols, ratio.tolist(), wanted.tolist(), strict=True
            )
            if kept
        },
        "binding_limits": binding_limits(
            portfolio.hits, drafted.held.hits, drafted.multiplier, value
        ),
        "rejected_signals": [
            {"index": entry.index, "symbol": entry.symbol, "reason": entry.reason}
            for entry in drafted.rejected
        ],
        "warnings": _warnings(finished),
        "cascade": {
            "risk_score": drafted.cascade.risk_score,
            "recommendation": drafted.cascade.recommendation,
            "components": drafted.cascade.components,
        },
        "regime": most_defensive(drafted.regimes.values()).value,
    }


def strategy_weights(drafted: Draft, weighed: Weighed) -> dict[str, float]:
    """Each strategy's share of what all strategies hold, summing to 1; empty when flat."""
    table = drafted.table
    by = np.bincount(table.strategy_of, np.abs(weighed.parts), len(table.strategies))
    total = float(by.sum())
    if not total > 0.0:
        return {}
    return dict(zip(table.strategies, (by / total).tolist(), strict=True))


def _warnings(finished: Finished) -> list[str]:
    drafted = finished.draft
    warnings = [*drafted.warnings, *finished.warnings]
    if is_left_out(drafted):
        named = ", ".join(drafted.table.symbols[:20])
        warnings.append(
            f"trading is {drafted.state.value} and current_positions was not given: "
            f"no target for {named or 'any symbol'}"
        )
    elif left_out(drafted):
        named = ", ".join(sorted(left_out(drafted))[:20])
        warnings.append(f"current_positions was not given: no target for {named}")
    return warnings


def _price_of(drafted: Draft) -> dict[str, float]:
    prices = dict(drafted.held_prices)
    prices.update(zip(drafted.table.symbols, drafted.table.prices.tolist(), strict=True))
    return prices


def _target_usd(drafted: Draft, symbol: str, weight: float, price: float) -> float:
    """USD of a weight; a position that stays keeps its exact value."""
    if weight != 0.0 and weight == drafted.current.get(symbol):
        return (drafted.batch.positions or {})[symbol] * price
    return weight * drafted.batch.portfolio_value


def _allocations(drafted: Draft, weighed: Weighed) -> dict[str, float]:
    prices = _price_of(drafted)
    return {
        symbol: _target_usd(drafted, symbol, weighed.weights[symbol], prices[symbol])
        for symbol in sorted(weighed.weights)
    }


def _positions(finished: Finished, final: Weighed) -> list[dict[str, Any]]:
    drafted = finished.draft
    prices, contributions = _price_of(drafted), _contributions(finished, final)
    held = drafted.batch.positions or {}
    value = drafted.batch.portfolio_value
    entries = []
    for symbol in sorted(final.weights):
        weight, price = final.weights[symbol], prices[symbol]
        target = _target_usd(drafted, symbol, weight, price)
        have = held.get(symbol, 0.0)
        stays = weight != 0.0 and weight == drafted.current.get(symbol)
        quantity = have if stays else target / price
        trade = quantity - have
        entries.append(
            {
                "symbol": symbol,
                "target_usd": target,
                "target_quantity": quantity,
                "weight": target / value,
                "current_quantity": have,
                "trade_quantity": trade,
                "trade_usd": trade * price,
                "contributions": contributions.get(symbol, []),
            }
        )
    return entries


def _contributions(finished: Finished, final: Weighed) -> dict[str, list[dict[str, Any]]]:
    """Stage by stage, per symbol, in the table's order."""
    drafted = finished.draft
    table = drafted.table
    value = drafted.batch.portfolio_value
    columns = [column.tolist() for column in _in_usd_columns(finished, final)]
    result: dict[str, list[dict[str, Any]]] = {}
    for signal, kelly, conformal, sentiment, regime, cascade, portfolio, rl, last in zip(
        table.signals, *columns, strict=True
    ):
        result.setdefault(signal.symbol, []).append(
            {
                "strategy_id": signal.strategy_id,
                "final_usd": last,
                "stages": {
                    "kelly_usd": kelly,
                    "conformal_usd": conformal,
                    "sentiment_usd": sentiment,
                    "regime_usd": regime,
                    "cascade_usd": cascade,
                    "portfolio_usd": portfolio,
                    "rl_usd": rl,
                    "final_usd": last,
                },
            }
        )
    for symbol, weight in final.unowned.items():
        result[symbol].append(_unowned_entry(weight * value))
    return result


def _in_usd_columns(finished: Finished, final: Weighed) -> list[FloatArray]:
    value = finished.draft.batch.portfolio_value
    columns = _stage_columns(finished, final)
    if value < _OVERFLOW_FROM:
        return [column * value + 0.0 for column in columns]
    with np.errstate(over="ignore"):
        return [np.clip(column * value, -_LARGEST, _LARGEST) for column in columns]


def _unowned_entry(usd: float) -> dict[str, Any]:
    """Show a held part that belongs to no strategy: ``strategy_id`` is null."""
    stages = {f"{stage}_usd": 0.0 for stage in STAGES[:-1]}
    return {"strategy_id": None, "final_usd": usd, "stages": {**stages, "final_usd": usd}}


def _stage_columns(finished: Finished, final: Weighed) -> list[FloatArray]:
    drafted, phase1 = finished.draft, finished.draft.phase1
    table, portfolio, a = drafted.table, drafted.portfolio, drafted.multiplier
    direction = table.direction
    held = _held_parts(drafted.held, len(table.signals))
    columns = [
        direction * phase1.kelly,
        direction * phase1.conformal,
        direction * phase1.sentiment,
        direction * phase1.regime,
        a * direction * phase1.regime,
    ]
    for weights in (portfolio.weights, finished.blended):
        full = np.zeros(len(table.symbols))
        full[portfolio.places] = a * portfolio.side * weights
        columns.append(portfolio.share * full[table.symbol_of] + held)
    columns.append(final.parts)
    return columns


def risk_budget(drafted: Draft, final: Weighed, params: EngineParams) -> list[dict[str, Any]]:
    """Use of every limit by the final allocation, in USD and percent of the limit."""
    table = drafted.table
    by = np.bincount(table.strategy_of, np.abs(final.parts), len(table.strategies)).tolist()
    holdings = Holdings(final.weights, dict(zip(table.strategies, by, strict=True)))
    value = drafted.batch.portfolio_value
    return limit_use(holdings, drafted.multiplier, value, params.limits)
