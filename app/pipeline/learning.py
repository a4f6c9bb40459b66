"""What callers report: outcomes, prices and returns, which feed the beliefs."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.books.market import PriceReport
from app.core.types import Outcome
from app.pipeline import events
from app.pipeline.engine import Engine
from app.pipeline.outcomes import Resolved, resolve_outcomes


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

    async def record_outcomes(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """Price decisions with realised returns and teach the strategies.

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
        telemetry = self._engine.world.telemetry
        async with self._lock:
            resolved = await self._resolved(outcomes)
            if resolved.accepted:
                # once more: it may have failed while this request waited for its turn
                self._engine.require_journal()
                facts = resolved.facts()
                refused = events.apply_outcomes(facts, self._engine.beliefs)
                durable = self._engine.append(
                    events.OUTCOMES, lambda: events.encode(facts), outcomes=tuple(resolved.pairs)
                )
                if refused:
                    telemetry.count("conformal_refused", refused)
                await durable
        report = resolved.report()
        telemetry.outcomes_recorded(report)
        return report

    async def observe_prices(
        self, timestamp_ns: int, prices: Mapping[str, float]
    ) -> dict[str, int]:
        """Learn prices at one time; older or repeated observations are ignored.

        Returns
        -------
        dict
            ``accepted`` and ``ignored``, which count symbols.

        Raises
        ------
        JournalUnavailable
            If they cannot be journalled.
        """
        self._engine.require_journal()
        report = self._engine.beliefs.observe_prices(timestamp_ns, prices)
        return await self._observed(events.PRICES, report, timestamp_ns, prices)

    async def observe_returns(
        self, timestamp_ns: int, returns: Mapping[str, float]
    ) -> dict[str, int]:
        """Learn simple returns at one time; older or repeated observations are ignored.

        Returns
        -------
        dict
            ``accepted`` and ``ignored``, which count symbols.

        Raises
        ------
        JournalUnavailable
            If they cannot be journalled.
        """
        self._engine.require_journal()
        report = self._engine.beliefs.market.observe_returns(timestamp_ns, returns)
        return await self._observed(events.RETURNS, report, timestamp_ns, returns)

    async def _resolved(self, outcomes: Sequence[Outcome]) -> Resolved:
        journal = self._engine.world.journal
        pairs = [(o.decision_id, o.symbol) for o in outcomes if o.decision_id is not None]
        known = await journal.known_outcomes(pairs) if pairs else set()
        decisions: dict[str, dict[str, Any] | None] = {}
        for decision_id in dict.fromkeys(name for name, _ in pairs):
            stored = await journal.decision(decision_id)
            decisions[decision_id] = None if stored is None else events.decode(stored.payload)
        return resolve_outcomes(outcomes, decisions, known)

    async def _observed(
        self, kind: str, report: PriceReport, timestamp_ns: int, values: Mapping[str, float]
    ) -> dict[str, int]:
        # what is not believed changes the run that may confirm it
        if report.accepted or report.disbelieved:
            data = {"timestamp_ns": timestamp_ns, "values": dict(values)}
            await self._engine.append(kind, lambda: events.encode(data))
        else:
            # what is known already may be known from a batch that is held
            self._engine.log.release()
        accepted = len(report.accepted)
        return {"accepted": accepted, "ignored": len(values) - accepted}
