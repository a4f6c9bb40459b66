"""A finished decision in the words of the wire."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import orjson

from app.core.decision.conclude import Conclusion
from app.core.decision.observe import Observation
from app.core.decision.targets import Targets, amounts_of, held_parts
from app.core.limits import Holdings, binding_limits, limit_use
from app.core.portfolio.phase2 import Portfolio
from app.core.stages.regime import most_defensive
from app.core.types import DEFAULT_PORTFOLIO, FallbackReason, FloatArray

_LARGEST = float(np.finfo(np.float64).max)
# sizes of stages and requests may be several portfolios large; beyond this they could overflow
_OVERFLOW_FROM = 1e300

_REASONS_SHOWN = 10
_NOT_ASKED = frozenset(
    {
        FallbackReason.RL_DISABLED,
        FallbackReason.CIRCUIT_OPEN,
        FallbackReason.OVERLOADED,
        FallbackReason.EMPTY_BATCH,
    }
)

STAGES = ("kelly", "conformal", "sentiment", "regime", "cascade", "portfolio", "rl", "final")
# those in which a held position has its weight
_HELD_STAGES = STAGES[-3:]


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


def compose(conclusion: Conclusion) -> dict[str, Any]:
    """Put the deterministic part of the answer together: all but id, mode, circuit and time.

    Returns
    -------
    dict
        JSON-able, every number finite.
    """
    observed, finished = conclusion.observed, conclusion.finished
    portfolio = conclusion.drafted.portfolio
    value = observed.value_usd
    positions = _positions(conclusion)
    allocations = {
        entry["symbol"]: entry["target_usd"] for entry in positions if not entry["set_apart"]
    }
    same = conclusion.baseline is conclusion.final
    other = allocations if same else _allocations(observed, conclusion.baseline)
    gross = sum(map(abs, allocations.values()), 0.0)
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
        "strategy_weights": conclusion.shares,
        "drifted_strategies": list(conclusion.drift.drifted),
        "max_drift_pct": conclusion.drift.max_drift_pct,
        "correlation_penalties": _penalties(portfolio),
        "binding_limits": binding_limits(
            portfolio.hits, conclusion.drafted.held.hits, observed.multiplier, value
        ),
        "rejected_signals": [
            {"index": entry.index, "symbol": entry.symbol, "reason": entry.reason}
            for entry in observed.rejected
        ],
        "warnings": [notice.detail for notice in conclusion.notices],
        "cascade": {
            "risk_score": observed.cascade.risk_score,
            "recommendation": observed.cascade.recommendation,
            "score_recommendation": observed.cascade.score_recommendation,
            "components": observed.cascade.components,
        },
        "risk": risk_summary(conclusion),
        "policy": policy_summary(conclusion),
        "portfolio_id": DEFAULT_PORTFOLIO,
        "trading_state": observed.switch.state.value,
        "control_version": conclusion.control_version,
        "set_apart_usd": conclusion.drafted.set_apart_usd,
        "notices": [
            {"what": notice.what, "symbol": notice.symbol, "detail": notice.detail}
            for notice in conclusion.notices
            if notice.what is not None
        ],
        "regime": most_defensive(observed.regimes.values()).value,
    }


def _penalties(portfolio: Portfolio) -> dict[str, float]:
    """Return the share of its net size that Phase 2 gives each symbol that has one."""
    wanted = portfolio.size > 0.0
    ratio = portfolio.weights / np.where(wanted, portfolio.size, 1.0)
    rows = zip(portfolio.symbols, ratio.tolist(), wanted.tolist(), strict=True)
    return {symbol: penalty for symbol, penalty, kept in rows if kept}


def _allocations(observed: Observation, targets: Targets) -> dict[str, float]:
    amounts = amounts_of(observed, targets)
    return {symbol: amounts[symbol][0] for symbol in sorted(amounts)}


def _positions(conclusion: Conclusion) -> list[dict[str, Any]]:
    observed, final = conclusion.observed, conclusion.final
    contributions, amounts = _contributions(conclusion), amounts_of(observed, final)
    held = observed.batch.positions or {}
    apart = observed.unsized.set_apart
    entries = []
    for symbol in sorted((*amounts, *apart)) if apart else sorted(amounts):
        if symbol in apart:
            entries.append(_set_apart_entry(symbol, held[symbol]))
            continue
        view, (target, quantity, trade) = observed.views[symbol], amounts[symbol]
        entries.append(
            {
                "symbol": symbol,
                "target_usd": target,
                "target_quantity": quantity,
                "weight": target / observed.value_usd,
                "current_quantity": held.get(symbol, 0.0),
                "trade_quantity": trade,
                "trade_usd": None if view.price is None else trade * view.price,
                "price": view.price,
                "price_source": view.source,
                "price_age_sec": view.age_sec,
                "set_apart": False,
                "contributions": contributions.get(symbol, []),
            }
        )
    return entries


def _set_apart_entry(symbol: str, units: float) -> dict[str, Any]:
    """Show a position without a price, which keeps its quantity."""
    return {
        "symbol": symbol,
        "target_usd": None,
        "target_quantity": units,
        "weight": None,
        "current_quantity": units,
        "trade_quantity": 0.0,
        "trade_usd": None,
        "price": None,
        "price_source": "none",
        "price_age_sec": None,
        "set_apart": True,
        "contributions": [],
    }


def _contributions(conclusion: Conclusion) -> dict[str, list[dict[str, Any]]]:
    """Stage by stage, per symbol, in the table's order."""
    table, value = conclusion.observed.table, conclusion.observed.value_usd
    columns = [_in_usd(column, value).tolist() for column in _stage_columns(conclusion)]
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
    for symbol, parts in conclusion.final.beside.items():
        entries = result.setdefault(symbol, [])
        entries += [_held_entry(name, part * value) for name, part in parts.items()]
    return result


def owned_positions(conclusion: Conclusion) -> list[dict[str, Any]]:
    """Return the positions of an answer as far as owners are learnt from them, without the rest.

    For who decides without composing answers; the numbers are those of :func:`compose`.
    """
    observed, final = conclusion.observed, conclusion.final
    table, value = observed.table, observed.value_usd
    amounts = amounts_of(observed, final)
    parts: dict[str, list[tuple[str | None, float]]] = {}
    final_usd = _in_usd(final.parts, value).tolist()
    for signal, usd in zip(table.signals, final_usd, strict=True):
        parts.setdefault(signal.symbol, []).append((signal.strategy_id, usd))
    for symbol, beside in final.beside.items():
        parts.setdefault(symbol, []).extend((name, part * value) for name, part in beside.items())
    return [
        {
            "symbol": symbol,
            "target_usd": amounts[symbol][0],
            "contributions": [
                {"strategy_id": name, "final_usd": usd} for name, usd in parts.get(symbol, ())
            ],
        }
        for symbol in sorted(final.weights)
    ]


def _in_usd(column: FloatArray, value: float) -> FloatArray:
    if value < _OVERFLOW_FROM:
        return column * value + 0.0
    with np.errstate(over="ignore"):
        return np.clip(column * value, -_LARGEST, _LARGEST)


def _held_entry(strategy_id: str | None, usd: float) -> dict[str, Any]:
    """Show a held part that no signal of the batch stands behind; null: it is nobody's."""
    held = _HELD_STAGES if strategy_id is not None else _HELD_STAGES[-1:]
    stages = {f"{stage}_usd": usd if stage in held else 0.0 for stage in STAGES}
    return {"strategy_id": strategy_id, "final_usd": usd, "stages": stages}


def _stage_columns(conclusion: Conclusion) -> list[FloatArray]:
    drafted, observed = conclusion.drafted, conclusion.observed
    phase1, portfolio = drafted.phase1, drafted.portfolio
    table, a = observed.table, observed.multiplier
    direction = table.direction
    held, _ = held_parts(drafted.held, table)
    columns = [
        direction * phase1.kelly,
        direction * phase1.conformal,
        direction * phase1.sentiment,
        direction * phase1.regime,
        a * direction * phase1.regime,
    ]
    for weights in (portfolio.weights, conclusion.finished.blended):
        full = np.zeros(len(table.symbols))
        full[portfolio.symbol_index] = a * portfolio.side * weights
        columns.append(portfolio.share * full[table.symbol_of] + held)
    columns.append(conclusion.final.parts)
    return columns


def risk_summary(conclusion: Conclusion) -> dict[str, Any]:
    """Tell the predicted risk of the targets, and of what is held now, over the horizon of claims.

    Positions that are set apart have no part in either.
    """
    observed, model = conclusion.observed, conclusion.drafted.risk
    targets, current = model.assess(conclusion.final.weights), model.assess(observed.current)
    return {
        "volatility": targets.volatility,
        "es_95": targets.shortfall,
        "horizon_sec": observed.params.signals.horizon_sec,
        "contributions": targets.contributions,
        "current": {"volatility": current.volatility, "es_95": current.shortfall},
    }


def policy_summary(conclusion: Conclusion) -> dict[str, Any]:
    """Count what was asked of the policy, used, abstained by the model's own reason, and unusable.

    A row whose confidence is too small abstained; a model that gives no reason counts as
    ``unspecified``.
    """
    finished, policy = conclusion.finished, conclusion.policy
    rows = int(np.count_nonzero(conclusion.observed.table.direction))
    asked = 0 if policy.reason in _NOT_ASKED else rows
    least = conclusion.observed.params.blend.min_confidence
    rest = [row for row in policy.predictions if row is not None and row.confidence < least]
    counts = Counter(row.reason or "unspecified" for row in rest)
    abstained = dict(counts.most_common(_REASONS_SHOWN))
    if others := len(rest) - sum(abstained.values()):
        abstained["other"] = abstained.get("other", 0) + others
    bad = sum(row is None for row in policy.predictions)
    if policy.reason is FallbackReason.INVALID_PREDICTION:
        bad = asked
    return {
        "asked": asked,
        "used": len(policy.predictions) - bad - len(rest) if finished.reason is None else 0,
        "abstained": abstained,
        "unusable": bad,
        "book": "none",
        "mode": "live",
        "canary": False,
    }


def risk_budget(observed: Observation, final: Targets) -> list[dict[str, Any]]:
    """Use of every limit by the final allocation, in USD and percent of the limit."""
    holdings = Holdings(final.weights, final.gross_by_strategy(observed.table))
    return limit_use(holdings, observed.multiplier, observed.value_usd, observed.effective.limits)
