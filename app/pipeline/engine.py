"""The engine's state and its one way to change: an event in the log."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

from app.core.beliefs import Beliefs
from app.core.books.bars import BarClock
from app.core.errors import JournalUnavailable
from app.core.params import EngineParams
from app.pipeline import events
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.event_log import EventLog
from app.pipeline.notices import Notices, NullNotices
from app.pipeline.ports import Clock, DecisionIndex, Journal, StoredAnswer, Telemetry

_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class World:
    """What the service needs of the world: journal, policy, clock, telemetry, notices.

    ``request_id`` returns the id of the request that is served now, or None.
    """

    journal: Journal
    gate: PolicyGate
    clock: Clock
    telemetry: Telemetry
    notices: Notices = field(default_factory=NullNotices)
    request_id: Callable[[], str | None] = lambda: None


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """Names of what changed, why and by whom; all of it is journalled."""

    value: str
    reason: str
    actor: str


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
        self.log = EventLog(world.journal, world.clock, self._snapshot, world.request_id)

    def change_settings(self, params: EngineParams, change: SettingsChange) -> Awaitable[None]:
        """Put settings in force at once, from the next batch on; all of them or none.

        A decision that waits for the policy ends under those that it began with, and under limits
        that became smaller.

        Parameters
        ----------
        params : EngineParams
            Those in force may come again, where no number of the engine has changed.
        change : SettingsChange

        Returns
        -------
        awaitable
            Ends when the change is durable.

        Raises
        ------
        JournalUnavailable
            If it cannot be journalled now; nothing has changed then.
        """
        self.require_journal()
        if params == self.params:
            data = {"what": "settings", **asdict(change)}
            return self.append(events.OPERATOR, lambda: events.encode(data))
        before = self.params, self.settings_hash, self.beliefs
        moved = self.beliefs_under(params)
        self.params, self.settings_hash, self.beliefs = params, params.digest(), moved
        try:
            return self.append_settings(before[1], change)
        except JournalUnavailable:
            self.params, self.settings_hash, self.beliefs = before
            raise

    def beliefs_under(self, params: EngineParams) -> Beliefs:
        """Return the beliefs under other parameters; bars that begin anew are logged."""
        if BarClock.of(params.market) != BarClock.of(self.beliefs.params.market):
            now, was = params.market, self.beliefs.params.market
            _LOG.warning(
                "market_bars_begun_anew",
                bar_sec=now.bar_sec,
                bar_phase_sec=now.bar_phase_sec,
                bar_sec_was=was.bar_sec,
                bar_phase_sec_was=was.bar_phase_sec,
            )
        return self.beliefs.under(params)

    def digest_of(self, params: EngineParams) -> str:
        """Give the digest of parameters, those in force without working it out anew."""
        return self.settings_hash if params is self.params else params.digest()

    def append_settings(self, was: str | None, change: SettingsChange) -> Awaitable[None]:
        """Journal the settings in force; ``was`` is the digest of those before."""
        hashes = {"digest": self.settings_hash, "was": was}
        of_build = {"rules": events.RULES, "build": events.BUILD}
        changed = {"params": self.params.to_json(), **hashes, **of_build, **asdict(change)}
        return self.append(events.SETTINGS, lambda: events.encode(changed))

    async def stop(self) -> None:
        """Leave a checkpoint, write what is queued, close sockets."""
        self.log.checkpoint_if_due(at_end=True)
        if self.world.gate.client is not None:
            await self.world.gate.client.close()
        # of batches that came while sockets were closed
        self.log.try_release()
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
