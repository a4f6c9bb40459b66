"""What callers report: outcomes, prices and returns, which feed the beliefs."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from app.core.books.market import PriceReport
from app.core.types import Outcome
from app.pipeline import events
from app.pipeline.decide import IdempotencyClaim
from app.pipeline.engine import Engine
from app.pipeline.outcomes import Resolved, resolve_outcomes
from app.pipeline.ports import StoredAnswer

_LOG = structlog.get_logger(__name__)


class Learning:
    """Feeds the beliefs; what was learnt is journalled before it is answered.

    Parameters
    ----------
    engine : Engine
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # one request at a time: no pair of decision and symbol counts twice
        self._lock = asyncio.Lock()

    async def record_outcomes(
        self, outcomes: Sequence[Outcome], *, claim: IdempotencyClaim | None = None
    ) -> dict[str, Any]:
        """Price decisions with realised returns and teach the strategies.

        Parameters
        ----------
        outcomes : sequence of Outcome
        claim : IdempotencyClaim, optional
            Under which the answer is kept.

        Returns
        -------
        dict
            ``accepted``, ``duplicates``, ``rejected`` (index, reason).

        Raises
        ------
        JournalUnavailable
            If they cannot be journalled, or an earlier use of one of them is not yet.
        """
        self._engine.require_journal()
        async with self._lock:
            resolved = await self._resolved(outcomes)
            report = resolved.report()
            if resolved.accepted or claim is not None:
                # once more: it may have failed while this request waited for its turn
                self._engine.require_journal()
                await self._learn(resolved, self._stored(report, claim))
        telemetry = self._engine.world.telemetry
        telemetry.outcomes_recorded(report)
        telemetry.noticed("outcome_refused", resolved.refused)
        telemetry.noticed("outcome_clipped", resolved.clipped)
        return report

    async def withdraw_outcomes(
        self, pairs: Sequence[tuple[str, str]], reason: str, actor: str
    ) -> dict[str, int]:
        """Take outcomes back from records and comparison; they may be posted once more.

        Parameters
        ----------
        pairs : sequence of (decision, symbol)
        reason, actor : str
            Why and who; both are journalled.

        Returns
        -------
        dict
            ``withdrawn`` and ``unknown``, which count outcomes.

        Raises
        ------
        JournalUnavailable
            If it cannot be journalled.
        """
        async with self._lock:
            self._engine.require_journal()
            found = self._engine.beliefs.withdraw(pairs)
            if found:
                data = {"pairs": [list(pair) for pair in found], "reason": reason, "actor": actor}
                _LOG.warning("outcomes_withdrawn", **data)
                await self._engine.append(events.WITHDRAW, lambda: events.encode(data))
        self._engine.world.telemetry.noticed("outcome_withdrawn", len(found))
        return {"withdrawn": len(found), "unknown": len(pairs) - len(found)}

    async def observe_prices(
        self, timestamp_ns: int, prices: Mapping[str, float | None]
    ) -> dict[str, Any]:
        """Learn prices at one time, unless they are older or not believed.

        Parameters
        ----------
        timestamp_ns : int
            One ahead of the clock counts as now, and one that is too far ahead not at all.
        prices : mapping of symbol to USD a unit
            None, zero and negative say that there is no price.

        Returns
        -------
        dict
            ``accepted`` and ``ignored`` count symbols; ``reasons`` counts the ignored ones.

        Raises
        ------
        JournalUnavailable
            If they cannot be journalled.
        """
        self._engine.require_journal()
        usable = {name: price for name, price in prices.items() if price is not None and price > 0}
        reasons = {"no_price": len(prices) - len(usable)}
        at_ns = self._believable(timestamp_ns)
        if at_ns is None:
            return await self._ignored({"ahead": len(usable), **reasons})
        report = self._engine.beliefs.observe_prices(at_ns, usable)
        return await self._observed(events.PRICES, report, at_ns, usable, reasons)

    async def observe_returns(
        self, timestamp_ns: int, returns: Mapping[str, float]
    ) -> dict[str, Any]:
        """Learn simple returns at one time; older or repeated observations are ignored.

        Returns
        -------
        dict
            As :meth:`observe_prices`.

        Raises
        ------
        JournalUnavailable
            If they cannot be journalled.
        """
        self._engine.require_journal()
        at_ns = self._believable(timestamp_ns)
        if at_ns is None:
            return await self._ignored({"ahead": len(returns)})
        report = self._engine.beliefs.market.observe_returns(at_ns, returns)
        return await self._observed(events.RETURNS, report, at_ns, returns, {})

    def _believable(self, timestamp_ns: int) -> int | None:
        """Return the stamp, at most now; None where it is too far ahead of the clock."""
        now = self._engine.world.clock.now_ns()
        ahead_ns = timestamp_ns - now
        if ahead_ns > 1e9 * self._engine.params.signals.max_ahead_sec:
            return None
        return min(timestamp_ns, now)

    async def _resolved(self, outcomes: Sequence[Outcome]) -> Resolved:
        journal, beliefs = self._engine.world.journal, self._engine.beliefs
        pairs = [(o.decision_id, o.symbol) for o in outcomes if o.decision_id is not None]
        known = await journal.known_outcomes(pairs) if pairs else set()
        decisions: dict[str, dict[str, Any] | None] = {}
        for decision_id in dict.fromkeys(name for name, _ in pairs):
            stored = await journal.decision(decision_id)
            decisions[decision_id] = None if stored is None else events.decode(stored.payload)
        return resolve_outcomes(
            outcomes,
            decisions,
            known - beliefs.withdrawn,
            beliefs.market.largest_move,
            self._engine.params.signals.horizon_sec,
            self._engine.params.kelly.max_sharpe,
        )

    async def _learn(self, resolved: Resolved, answer: StoredAnswer | None) -> None:
        facts = resolved.facts()
        unusable = events.apply_outcomes(facts, self._engine.beliefs)
        durable = self._engine.append(
            events.OUTCOMES,
            lambda: events.encode(facts),
            answer=answer,
            outcomes=tuple(resolved.pairs),
        )
        if unusable:
            self._engine.world.telemetry.count("conformal_refused", unusable)
        await durable

    def _stored(
        self, report: Mapping[str, Any], claim: IdempotencyClaim | None
    ) -> StoredAnswer | None:
        if claim is None:
            return None
        key = (claim.owner, claim.key, claim.body_digest)
        now_ns = self._engine.world.clock.now_ns()
        return StoredAnswer(*key, status=200, body=events.encode(report), at_ns=now_ns)

    async def _observed(
        self,
        kind: str,
        report: PriceReport,
        timestamp_ns: int,
        values: Mapping[str, float],
        reasons: Mapping[str, int],
    ) -> dict[str, Any]:
        ignored = {
            "older": len(report.older),
            "disbelieved": len(report.disbelieved),
            "no_room": len(report.no_room),
            **reasons,
        }
        # a price that is not believed changes the run that may confirm it
        if not (report.accepted or report.disbelieved):
            return await self._ignored(ignored)
        data = {"timestamp_ns": timestamp_ns, "values": dict(values)}
        await self._engine.append(kind, lambda: events.encode(data))
        telemetry = self._engine.world.telemetry
        telemetry.noticed("price_confirmed", len(report.confirmed))
        telemetry.noticed("return_clipped", len(report.clipped))
        return self._counted(len(report.accepted), ignored)

    async def _ignored(self, reasons: Mapping[str, int]) -> dict[str, Any]:
        # what is known already may be known from a batch that is held
        self._engine.log.release()
        return self._counted(0, reasons)

    def _counted(self, accepted: int, reasons: Mapping[str, int]) -> dict[str, Any]:
        names = ("older", "ahead", "no_price", "disbelieved", "no_room")
        counts = {name: reasons.get(name, 0) for name in names}
        report = {"accepted": accepted, "ignored": sum(counts.values()), "reasons": counts}
        self._engine.world.telemetry.market_observed(report)
        return report
