"""The sizing service behind HTTP and the facade: it decides, and owns learning and operating."""

from typing import Any

from app.core.beliefs import Beliefs
from app.core.errors import JournalUnavailable
from app.core.params import EngineParams
from app.core.types import Batch, TradingState
from app.pipeline.answer import Decision
from app.pipeline.correcting import Correcting
from app.pipeline.correlation_alerts import CorrelationAlerts
from app.pipeline.decide import Decider, IdempotencyClaim
from app.pipeline.engine import Engine, World
from app.pipeline.factor_refresh import FactorRefresh
from app.pipeline.handover import Delivery, Handover
from app.pipeline.learning import Learning
from app.pipeline.operating import Operating
from app.pipeline.ports import StoredAnswer
from app.pipeline.showing import Showing
from app.pipeline.standing import StandingSignals
from app.pipeline.starting import start_engine
from app.pipeline.what_if import Changes, rehearse

__all__ = ["IdempotencyClaim", "SizingService", "World"]

_DAY_NS = 86_400 * 1_000_000_000


class SizingService:
    """Decides batches, and owns what learns, operates and reads; state changes are journalled.

    Parameters
    ----------
    params : EngineParams
    world : World
    mode : str
        "fallback", "mock" or "real", for the answers.

    Attributes
    ----------
    learning : Learning
        What callers report: outcomes, prices, returns.
    correcting : Correcting
        What an operator corrects of the market.
    standing : StandingSignals
        Signals that stay in force.
    operating : Operating
        Kill switch, breaker, settings, readiness.
    showing : Showing
        State, performance, limits, the journal read back.
    """

    def __init__(self, params: EngineParams, world: World, mode: str) -> None:
        self.mode = mode
        self.world = world
        self._engine = Engine(params, world, mode)
        self._handover = Handover()
        self._decider = Decider(self._engine, FactorRefresh(self._engine), CorrelationAlerts())
        self.learning = Learning(self._engine)
        self.correcting = Correcting(self._engine)
        self.standing = StandingSignals(self._engine)
        self.operating = Operating(self._engine, self._handover)
        self.showing = Showing(self._engine, self._decider, self.operating)

    @property
    def beliefs(self) -> Beliefs:
        """Current beliefs."""
        return self._engine.beliefs

    @property
    def params(self) -> EngineParams:
        """The parameters in force."""
        return self._engine.params

    @property
    def settings_hash(self) -> str:
        """Digest of the parameters in force."""
        return self._engine.settings_hash

    async def start(self, at_first: TradingState = TradingState.ACTIVE) -> None:
        """Open the journal and restore its state; see `start_engine`.

        Parameters
        ----------
        at_first : TradingState
            The trading state that a new journal begins with.

        Raises
        ------
        JournalUnavailable
            If it cannot be opened, is of other rules, or holds an event this build does not know.
        """
        await start_engine(self._engine, at_first)

    async def stop(self) -> None:
        """Leave a checkpoint, write what is queued, close sockets."""
        self._decider.stop()
        await self._engine.stop()

    def delivery(self) -> Delivery:
        """Return what a caller gives to `allocate` and ends once it has sent the answer."""
        return Delivery(self._handover)

    async def allocate(
        self,
        batch: Batch,
        *,
        dry_run: bool = False,
        claim: IdempotencyClaim | None = None,
        delivery: Delivery | None = None,
    ) -> Decision:
        """Return the decision on one batch; journalled before, unless it is a dry run.

        Parameters
        ----------
        batch : Batch
        dry_run : bool
        claim : IdempotencyClaim, optional
        delivery : Delivery, optional
            The caller must end it; without one the decision counts as sent when this returns.

        Raises
        ------
        InvalidInput
            If a held position cannot be valued; nothing has changed then.
        JournalUnavailable
            If the decision cannot be journalled.
        """
        if dry_run:
            return await self._decider.dry_run(batch)
        if delivery is not None:
            return await self._decider.allocate(batch, delivery, claim=claim)
        own = self.delivery()
        try:
            return await self._decider.allocate(batch, own, claim=claim)
        finally:
            own.sent()

    def what_if(self, batch: Batch, changes: Changes) -> dict[str, Any]:
        """Return what a batch would get under other numbers; Phase 2 alone, no state changes.

        Raises
        ------
        InvalidInput
            If a held position cannot be valued.
        """
        return rehearse(batch, self._engine.beliefs, self._engine.params, changes)

    async def stored_answer(self, owner: str, key: str) -> StoredAnswer | None:
        """Return the answer of an Idempotency-Key of the last 24 h, None when there is none.

        Raises
        ------
        JournalUnavailable
            If the journal cannot be read.
        """
        not_before = self.world.clock.now_ns() - _DAY_NS
        try:
            return await self.world.journal.stored_answer(owner, key, not_before)
        except JournalUnavailable:
            # the caller would decide next, so this counts as a request that the journal refused
            self.world.telemetry.count("journal_errors")
            raise
