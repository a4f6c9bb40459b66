"""The engine's state and its one way to change: an event in the log."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from app.core.errors import JournalUnavailable
from app.core.ledger import Beliefs
from app.core.params import EngineParams
from app.pipeline import events
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.event_log import EventLog
from app.pipeline.ports import Clock, DecisionIndex, Journal, StoredAnswer, Telemetry


@dataclass(frozen=True, slots=True)
class World:
    """What the service needs of the world: journal, policy, clock, telemetry."""

    journal: Journal
    gate: PolicyGate
    clock: Clock
    telemetry: Telemetry


class Engine:
    """Parameters, world, beliefs and log, shared by everything that decides, learns or shows.

    Parameters
    ----------
    params : EngineParams
    world : World
    mode : str
        "fallback", "mock" or "real", for the answers.
    """

    def __init__(self, params: EngineParams, world: World, mode: str) -> None:
        self.params = params
        self.mode = mode
        self.world = world
        self.settings_hash = params.digest()
        self.beliefs = Beliefs(params)
        self.log = EventLog(world.journal, world.clock, self._snapshot)

    async def start(self) -> None:
        """Open the journal and become what it says.

        Raises
        ------
        JournalUnavailable
            If it cannot be opened.
        """
        await self.world.journal.open()
        restored = await self.log.restore(self.params)
        self.beliefs = restored.beliefs
        if restored.circuit is not None:
            self.world.gate.breaker.restore(restored.circuit, self.world.clock.monotonic())
        if restored.params != self.params.to_json():
            changed = {"params": self.params.to_json(), "digest": self.settings_hash}
            self.beliefs = self.beliefs.under(self.params)
            await self.append(events.SETTINGS, lambda: events.encode(changed))

    async def stop(self) -> None:
        """Leave a checkpoint, write what is queued, close sockets."""
        self.log.checkpoint_if_due(at_end=True)
        if self.world.gate.client is not None:
            await self.world.gate.client.close()
        await self.world.journal.close()

    def require_journal(self) -> None:
        """Refuse before anything changes while the journal cannot be written.

        Raises
        ------
        JournalUnavailable
        """
        refusing = self.world.journal.refusing()
        if refusing is not None:
            self.world.telemetry.count("journal_errors")
            raise JournalUnavailable(f"the journal cannot be written: {refusing}")

    def append(
        self,
        kind: str,
        payload: Callable[[], bytes],
        *,
        index: DecisionIndex | None = None,
        answer: StoredAnswer | None = None,
        outcomes: tuple[tuple[str, str], ...] = (),
    ) -> Awaitable[None]:
        """Log one event whose effect the beliefs have taken already."""
        durable = self.log.append(kind, payload, index=index, answer=answer, outcomes=outcomes)
        self.log.checkpoint_if_due()
        return durable

    def _snapshot(self) -> dict[str, Any]:
        return {
            "params": self.beliefs.params.to_json(),
            "beliefs": self.beliefs.export(),
            "circuit": self.world.gate.breaker.export(),
        }
