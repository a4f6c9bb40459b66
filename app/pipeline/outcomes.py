"""Posted outcomes resolved: what each teaches and compares, and why one is refused."""

import math
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from app.core.types import Outcome


@dataclass(slots=True)
class Resolved:
    """What a list of outcomes comes to.

    ``lessons`` are (strategy, signed return, edge, volatility), ``unpaired`` (return, whether the
    policy was used) and ``paired`` (decision, difference to Phase 2, return of Phase 2); ``pairs``
    are the (decision, symbol) that count from now on.
    """

    lessons: list[list[Any]] = field(default_factory=list)
    unpaired: list[list[Any]] = field(default_factory=list)
    paired: list[list[Any]] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    accepted: int = 0
    duplicates: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Return what the beliefs learn, as it is journalled."""
        return {"lessons": self.lessons, "unpaired": self.unpaired, "paired": self.paired}

    def report(self) -> dict[str, Any]:
        """Return the caller's answer: counts, and index and reason of each that was refused."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
        }


def resolve_outcomes(
    outcomes: Sequence[Outcome],
    decisions: Mapping[str, Mapping[str, Any] | None],
    known: AbstractSet[tuple[str, str]],
) -> Resolved:
    """Resolve outcomes against the decisions that they name.

    Parameters
    ----------
    outcomes : sequence of Outcome
    decisions : mapping of str to mapping or None
        Each decision that an outcome names, as journalled; None where there is none.
    known : set of (str, str)
        Pairs of decision and symbol that have counted already.

    Returns
    -------
    Resolved
    """
    resolved, counted = Resolved(), set(known)
    for index, outcome in enumerate(outcomes):
        if outcome.decision_id is None:
            reason = _take_free(outcome, resolved)
        else:
            reason = _take_paired(outcome, decisions[outcome.decision_id], counted, resolved)
        if reason is not None:
            resolved.rejected.append({"index": index, "reason": reason})
    return resolved


def _take_paired(
    outcome: Outcome,
    decision: Mapping[str, Any] | None,
    counted: set[tuple[str, str]],
    resolved: Resolved,
) -> str | None:
    if decision is None:
        return f"no decision {outcome.decision_id!r} is journalled"
    answer = decision["answer"]
    if outcome.symbol not in answer["allocations"]:
        return f"decision {outcome.decision_id} has no symbol {outcome.symbol!r}"
    pair = (answer["decision_id"], outcome.symbol)
    if pair in counted:
        resolved.duplicates += 1
        return None
    counted.add(pair)
    resolved.pairs.append(pair)
    resolved.accepted += 1
    _price(decision, outcome, resolved)
    return None


def _price(decision: Mapping[str, Any], outcome: Outcome, resolved: Resolved) -> None:
    """Teach the decision's strategies and compare its two allocations."""
    answer, symbol, realized = decision["answer"], outcome.symbol, outcome.realized_return
    for name, strategy, direction, edge, volatility in decision["trace"]:
        if name == symbol and direction != 0.0:
            resolved.lessons.append([strategy, direction * realized, edge, volatility])
    value = answer["portfolio_value"]
    final = answer["allocations"][symbol] / value
    baseline = answer["baseline_allocations"].get(symbol, 0.0) / value
    if final != 0.0:
        used = symbol in decision["rl_symbols"]
        resolved.unpaired.append([math.copysign(1.0, final) * realized, used])
    if answer["strategy"] == "rl":
        difference, alone = (final - baseline) * realized, baseline * realized
        resolved.paired.append([answer["decision_id"], difference, alone])


def _take_free(outcome: Outcome, resolved: Resolved) -> str | None:
    claims = (outcome.strategy_id, outcome.predicted_return, outcome.predicted_volatility)
    given = [claim is not None for claim in claims]
    if any(given) and not all(given):
        return "strategy_id, predicted_return and predicted_volatility go together"
    if outcome.used_rl is None and not all(given):
        return "without decision_id, used_rl is needed"
    if outcome.used_rl is not None:
        resolved.unpaired.append([outcome.realized_return, outcome.used_rl])
    if all(given):
        resolved.lessons.append([claims[0], outcome.realized_return, claims[1], claims[2]])
    resolved.accepted += 1
    return None
