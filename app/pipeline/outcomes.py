"""Posted outcomes resolved: what each teaches and compares, and why one is refused."""

import math
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

from app.core.books.observations import is_clipped
from app.core.books.records import outcome_period
from app.core.decision.prices import batch_time
from app.core.signals import canonical_order
from app.core.types import Batch, Outcome, Signal
from app.pipeline.trace import sized_batch

# Twenty claimed volatilities do not happen: percent were posted for a fraction, or a broken feed.
REFUSED_SIGMAS: Final = 20.0
# where the volatility was a stand-in, a return below a half says nothing against itself
_PLAIN_RETURN: Final = 0.5

# of symbol, price then, and time then: the largest move that is believed since
LargestMove = Callable[[str, float, int], float]


@dataclass(slots=True)
class Resolved:
    """What a list of outcomes comes to.

    ``lessons`` are dicts of ``strategy``, ``decision``, ``symbol``, ``period``, claim ``c``,
    outcome ``z`` and ``residual`` in volatilities, all over ``horizon_sec``; ``unpaired`` (return,
    whether the policy was used, decision, symbol) and ``paired`` (decision, difference to Phase 2,
    return of Phase 2, symbol); ``pairs`` are the (decision, symbol) that count from now on.
    ``refused`` counts the lessons that are too far from their claims, ``clipped`` those that count
    as less.
    """

    lessons: list[dict[str, Any]] = field(default_factory=list)
    unpaired: list[list[Any]] = field(default_factory=list)
    paired: list[list[Any]] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    clipped: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Return what the beliefs learn, as it is journalled."""
        return {
            "lessons": self.lessons,
            "unpaired": self.unpaired,
            "paired": self.paired,
            "pairs": [list(pair) for pair in self.pairs],
        }

    def report(self) -> dict[str, Any]:
        """Return the caller's answer: counts, and index and reason of each that was refused."""
        return {
            "accepted": self.accepted,
            "duplicates": self.duplicates,
            "rejected": self.rejected,
        }

    def teach(self, lessons: Sequence[dict[str, Any]]) -> None:
        """Add lessons that are learnt."""
        self.lessons.extend(lessons)
        self.clipped += sum(is_clipped(each["z"]) for each in lessons)


def resolve_outcomes(
    outcomes: Sequence[Outcome],
    decisions: Mapping[str, Mapping[str, Any] | None],
    known: AbstractSet[tuple[str, str]],
    largest_move: LargestMove,
    horizon_sec: float,
    max_sharpe: float,
) -> Resolved:
    """Resolve outcomes against the decisions that they name.

    Parameters
    ----------
    outcomes : sequence of Outcome
    decisions : mapping of str to mapping or None
        Each decision that an outcome names, as journalled; None where there is none.
    known : set of (str, str)
        Pairs of decision and symbol that have counted already.
    largest_move : callable of symbol, price then, time then in ns
        Returns the largest move since that is believed: it vouches for a large outcome.
    horizon_sec : float, seconds
        What outcomes without a decision are over.
    max_sharpe : float
        Largest claim that is believed, of outcomes without a decision.

    Returns
    -------
    Resolved
    """
    resolved, counted = Resolved(), set(known)
    for index, outcome in enumerate(outcomes):
        if outcome.decision_id is None:
            reason = _take_free(outcome, resolved, horizon_sec, max_sharpe)
        else:
            decision = decisions[outcome.decision_id]
            reason = _take_paired(outcome, decision, counted, resolved, largest_move)
        if reason is not None:
            resolved.rejected.append({"index": index, "reason": reason})
    return resolved


def _take_paired(
    outcome: Outcome,
    decision: Mapping[str, Any] | None,
    counted: set[tuple[str, str]],
    resolved: Resolved,
    largest_move: LargestMove,
) -> str | None:
    if decision is None:
        return f"no decision {outcome.decision_id!r} is journalled"
    answer = decision["answer"]
    if outcome.symbol not in answer["allocations"]:
        if any(p["symbol"] == outcome.symbol and p.get("set_apart") for p in answer["positions"]):
            return f"symbol {outcome.symbol!r} was set apart in decision {outcome.decision_id}"
        return f"decision {outcome.decision_id} has no symbol {outcome.symbol!r}"
    pair = (answer["decision_id"], outcome.symbol)
    if pair in counted:
        resolved.duplicates += 1
        return None
    batch = sized_batch(decision)
    lessons = _lessons(decision, batch, outcome)

    def move_since(signal: Signal) -> float | None:
        price = _price_then(decision, signal.symbol)
        if price is None:
            return None
        # a standing signal may be older than the decision
        return largest_move(signal.symbol, price, max(signal.timestamp_ns, batch_time(batch)))

    kept = [
        each
        for each, signal in lessons
        if not is_absurd(abs(outcome.realized_return), each["z"], signal, move_since)
    ]
    resolved.refused += len(lessons) - len(kept)
    if lessons and not kept:
        return _too_far(lessons[0][0]["z"], outcome.realized_return)
    counted.add(pair)
    resolved.pairs.append(pair)
    resolved.accepted += 1
    resolved.teach(kept)
    _price(decision, outcome, resolved)
    return None


def _lessons(
    decision: Mapping[str, Any], batch: Batch, outcome: Outcome
) -> list[tuple[dict[str, Any], Signal]]:
    """List what each directional signal of the symbol would be taught, beside the signal.

    One whose claim was negative teaches nothing.
    """
    found = []
    signals = canonical_order([*batch.all_signals])
    for row, signal in zip(decision["trace"], signals, strict=True):
        symbol, strategy, direction, edge, volatility, own_sec, claim = row
        if symbol == outcome.symbol and direction != 0.0 and claim is not None:
            z = direction * outcome.realized_return / volatility
            lesson = {
                "strategy": strategy,
                "decision": decision["answer"]["decision_id"],
                "symbol": symbol,
                "period": outcome_period(signal.timestamp_ns, own_sec),
                "c": claim,
                "z": z,
                "residual": abs(z - edge / volatility),
                "horizon_sec": own_sec,
            }
            found.append((lesson, signal))
    return found


def is_absurd(
    size: float, sigmas: float, signal: Signal, move_since: Callable[[Signal], float | None]
) -> bool:
    """Whether an outcome is too far from its claim, and no believed price vouches for it.

    Parameters
    ----------
    size : float, absolute return
    sigmas : float, the same over the volatility that the decision used
    signal : Signal
    move_since : callable of Signal
        Largest believed move of the symbol since the decision; None where it had no price.
    """
    if abs(sigmas) <= REFUSED_SIGMAS:
        return False
    if signal.predicted_volatility is None and size < _PLAIN_RETURN:
        return False
    move = move_since(signal)
    return move is None or move < size / 2.0


def _price_then(decision: Mapping[str, Any], symbol: str) -> float | None:
    """Price of a symbol that a decision used, USD a unit."""
    told = (each for each in decision["answer"]["positions"] if each["symbol"] == symbol)
    believed = next((each.get("price") for each in told), None)
    price = decision["batch"]["prices"].get(symbol) if believed is None else believed
    return float(price) if price is not None and price > 0.0 else None


def _too_far(sigmas: float, realized: float) -> str:
    volatility = abs(realized / sigmas)
    return (
        f"the return is {sigmas:.4g} times the predicted volatility {volatility:.4g}, "
        f"the limit is {REFUSED_SIGMAS:g}: percent for a fraction?"
    )


def _price(decision: Mapping[str, Any], outcome: Outcome, resolved: Resolved) -> None:
    """Compare the decision's two allocations."""
    answer, symbol, realized = decision["answer"], outcome.symbol, outcome.realized_return
    name, value = answer["decision_id"], answer["portfolio_value"]
    final = answer["allocations"][symbol] / value
    baseline = answer["baseline_allocations"].get(symbol, 0.0) / value
    if final != 0.0:
        used = symbol in decision["rl_symbols"]
        resolved.unpaired.append([math.copysign(1.0, final) * realized, used, name, symbol])
    if answer["strategy"] == "rl":
        difference, alone = (final - baseline) * realized, baseline * realized
        resolved.paired.append([name, difference, alone, symbol])


def _take_free(
    outcome: Outcome, resolved: Resolved, horizon_sec: float, max_sharpe: float
) -> str | None:
    claims = (outcome.strategy_id, outcome.predicted_return, outcome.predicted_volatility)
    given = [claim is not None for claim in claims]
    if any(given) and not all(given):
        return "strategy_id, predicted_return and predicted_volatility go together"
    if outcome.used_rl is None and not all(given):
        return "without decision_id, used_rl is needed"
    strategy, predicted, volatility = claims
    if strategy is not None and predicted is not None and volatility is not None:
        z = outcome.realized_return / volatility
        if abs(z) > REFUSED_SIGMAS:
            resolved.refused += 1
            return _too_far(z, outcome.realized_return)
        if predicted >= 0.0:
            lesson: dict[str, Any] = {
                "strategy": strategy,
                "decision": None,
                "symbol": outcome.symbol,
                "period": None,
                "c": min(predicted / volatility, max_sharpe),
                "z": z,
                # against the record as it is when it is learnt
                "residual": None,
                "horizon_sec": horizon_sec,
            }
            resolved.teach([lesson])
    if outcome.used_rl is not None:
        resolved.unpaired.append([outcome.realized_return, outcome.used_rl, None, outcome.symbol])
    resolved.accepted += 1
    return None
