"""Finish a draft with the policy's answer: blend, then settle both allocations."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.core.decision.draft import Draft, current_weights
from app.core.decision.observe import Observation
from app.core.decision.settle import Setting, Settled, settle
from app.core.policy.blend import blend_weights, collect_targets
from app.core.types import FallbackReason, FloatArray, Notice, PolicyAnswer


@dataclass(frozen=True, slots=True)
class Finished:
    """A decision after the policy's answer.

    ``reason`` is None where the policy decided; ``rl_symbols`` are those for which a prediction
    counted; ``blended`` has shape (m,): absolute weights at cascade multiplier 1; ``final`` and
    ``baseline`` are both allocations, the same object where they do not differ.
    """

    draft: Draft
    reason: FallbackReason | None
    rl_symbols: tuple[str, ...]
    blended: FloatArray
    final: Settled
    baseline: Settled
    notices: tuple[Notice, ...]


def finish(drafted: Draft, answer: PolicyAnswer) -> Finished:
    """Blend the policy's answer, settle both allocations, check every limit once more."""
    portfolio, params = drafted.portfolio, drafted.observed.effective
    table = drafted.observed.table
    baseline = _settle(portfolio.weights, drafted)
    if answer.reason is not None:
        told = (Notice(None, None, f"policy: {answer.detail}"),)
        details = told if answer.detail else ()
        return _fallen_back(drafted, answer.reason, baseline, details)
    rows = table.direction.nonzero()[0]
    row_of = np.zeros(len(table.symbols), dtype=np.int64)
    row_of[portfolio.symbol_index] = np.arange(len(portfolio.symbol_index))
    symbol_of = row_of[table.symbol_of[rows]]
    signed = portfolio.side * portfolio.weights
    targets = collect_targets(answer.predictions, symbol_of, signed, params.blend.min_confidence)
    if not targets.used.any():
        return _fallen_back(drafted, FallbackReason.LOW_CONFIDENCE, baseline, ())
    blended, failure = blend_weights(portfolio.weights, portfolio.side, targets, portfolio.limits)
    final = baseline if blended is portfolio.weights else _settle(blended, drafted)
    notices = [*final.notices]
    unusable = sum(prediction is None for prediction in answer.predictions)
    if unusable:
        asked = len(answer.predictions)
        detail = f"policy: {unusable} of {asked} predictions were unusable"
        notices.append(Notice(None, None, detail))
    if failure is not None:
        detail = f"blended weights were scaled into the limits: {failure}"
        notices.append(Notice("solver", None, detail))
    used = tuple(portfolio.symbols[row] for row in targets.used.nonzero()[0].tolist())
    return Finished(drafted, None, used, blended, final, baseline, tuple(notices))


def _fallen_back(
    drafted: Draft, reason: FallbackReason, baseline: Settled, details: tuple[Notice, ...]
) -> Finished:
    weights = drafted.portfolio.weights
    notices = (*baseline.notices, *details)
    return Finished(drafted, reason, (), weights, baseline, baseline, notices)


def _settle(weights: FloatArray, drafted: Draft) -> Settled:
    observed, portfolio = drafted.observed, drafted.portfolio
    setting = Setting(
        current=current_weights(observed.current, portfolio.symbols),
        units=observed.batch.positions or {},
        prices=observed.table.prices[portfolio.symbol_index],
        held=drafted.held.use,
        multiplier=observed.multiplier,
        state=observed.state,
        portfolio_value=observed.value_usd,
        elapsed_sec=_elapsed(observed, portfolio.symbols),
    )
    aims = observed.multiplier * portfolio.side * weights
    return settle(
        aims, observed.table, drafted.phase1.regime, portfolio, setting, observed.effective
    )


def _elapsed(observed: Observation, symbols: Sequence[str]) -> FloatArray:
    """Return the seconds since each symbol's last decision, shape (m,)."""
    return np.array([observed.elapsed_sec.get(symbol, 0.0) for symbol in symbols])
