"""Turn posted outcomes into facts: what they teach, what they compare, what is refused."""

import asyncio
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.core.types import Outcome
from app.pipeline import events
from app.pipeline.ports import Journal


@dataclass(slots=True)
class Resolved:
    """Facts to journal (None when nothing counted), their pairs, and the caller's report."""

    facts: dict[str, Any] | None
    pairs: tuple[tuple[str, str], ...]
    report: dict[str, Any]


@dataclass(slots=True)
class _Sheet:
    lessons: list[list[Any]] = field(default_factory=list)
    unpaired: list[list[Any]] = field(default_factory=list)
    paired: list[list[Any]] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    accepted: int = 0
    duplicates: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)


class OutcomeDesk:
    """Resolves outcomes one request at a time, so that a pair never counts twice."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()

    async def resolve(self, outcomes: Sequence[Outcome], journal: Journal) -> Resolved:
        """Look up decisions and say what each outcome means."""
        sheet = _Sheet()
        wanted = [(o.decision_id, o.symbol) for o in outcomes if o.decision_id is not None]
        known = set(await journal.known_outcomes(wanted)) if wanted else set()
        decisions: dict[str, Mapping[str, Any] | None] = {}
        for decision_id in dict.fromkeys(pair[0] for pair in wanted):
            stored = await journal.decision(decision_id)
            decisions[decision_id] = None if stored is None else events.decode(stored.payload)
        for index, outcome in enumerate(outcomes):
            reason = self._take(outcome, decisions, known, sheet)
            if reason is not None:
                sheet.rejected.append({"index": index, "reason": reason})
        return _resolved(sheet)

    def _take(
        self,
        outcome: Outcome,
        decisions: Mapping[str, Mapping[str, Any] | None],
        known: set[tuple[str, str]],
        sheet: _Sheet,
    ) -> str | None:
        if outcome.decision_id is None:
            return _take_free(outcome, sheet)
        decision = decisions[outcome.decision_id]
        if decision is None:
            return f"no decision {outcome.decision_id!r} is journalled"
        if outcome.symbol not in decision["answer"]["allocations"]:
            return f"decision {outcome.decision_id} has no symbol {outcome.symbol!r}"
        pair = (outcome.decision_id, outcome.symbol)
        if pair in known:
            sheet.duplicates += 1
            return None
        known.add(pair)
        sheet.pairs.append(pair)
        sheet.accepted += 1
        _price(decision, outcome, sheet)
        return None


def _price(decision: Mapping[str, Any], outcome: Outcome, sheet: _Sheet) -> None:
    """Teach the decision's strategies and compare its two allocations."""
    answer, symbol, realized = decision["answer"], outcome.symbol, outcome.realized_return
    for name, strategy, direction, edge, volatility in decision["trace"]:
        if name == symbol and direction != 0.0:
            sheet.lessons.append([strategy, direction * realized, edge, volatility])
    value = answer["portfolio_value"]
    final = answer["allocations"][symbol] / value
    baseline = answer["baseline_allocations"].get(symbol, 0.0) / value
    if final != 0.0:
        used = symbol in decision["rl_symbols"]
        sheet.unpaired.append([math.copysign(1.0, final) * realized, used])
    if answer["strategy"] == "rl":
        difference, alone = (final - baseline) * realized, baseline * realized
        sheet.paired.append([answer["decision_id"], difference, alone])


def _take_free(outcome: Outcome, sheet: _Sheet) -> str | None:
    claims = (outcome.strategy_id, outcome.predicted_return, outcome.predicted_volatility)
    given = [claim is not None for claim in claims]
    if any(given) and not all(given):
        return "strategy_id, predicted_return and predicted_volatility go together"
    if outcome.used_rl is None and not all(given):
        return "without decision_id, used_rl is needed"
    if outcome.used_rl is not None:
        sheet.unpaired.append([outcome.realized_return, outcome.used_rl])
    if all(given):
        sheet.lessons.append([claims[0], outcome.realized_return, claims[1], claims[2]])
    sheet.accepted += 1
    return None


def _resolved(sheet: _Sheet) -> Resolved:
    facts = None
    if sheet.accepted:
        facts = {"lessons": sheet.lessons, "unpaired": sheet.unpaired, "paired": sheet.paired}
    report = {
        "accepted": sheet.accepted,
        "duplicates": sheet.duplicates,
        "rejected": sheet.rejected,
    }
    return Resolved(facts, tuple(sheet.pairs), report)
