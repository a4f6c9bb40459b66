"""The journal seen as a log: events get their numbers here, and the state comes out of it."""

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import structlog

from app.core.beliefs import Beliefs
from app.core.errors import JournalUnavailable
from app.core.params import EngineParams
from app.core.types import Batch
from app.pipeline import events
from app.pipeline.event_fields import complete_params
from app.pipeline.ports import Clock, DecisionIndex, Event, Journal, StoredAnswer, StoredEvent

_LOG = structlog.get_logger(__name__)
_CHECKPOINT_EVERY = 2_000
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Restored:
    """State of the log's end: beliefs, last journalled parameters and breaker, last build.

    ``params``, ``circuit`` and ``build`` are None where nothing of the kind is journalled.
    """

    beliefs: Beliefs
    params: dict[str, Any] | None = None
    circuit: dict[str, Any] | None = None
    build: str | None = None


class BatchEntry:
    """The entry of what one batch taught; ``seq`` is its number once it is held.

    A decision that is made at once needs none: its own entry carries the batch.
    """

    def __init__(self, log: "EventLog", batch: Batch) -> None:
        self._log = log
        self._batch = batch
        self.seq: int | None = None

    def hold(self) -> None:
        """Give it its number now, ahead of the decision; see :meth:`EventLog.hold`."""
        self._log.hold(events.BATCH, self.payload)
        self.seq = self._log.seq

    def payload(self) -> bytes:
        """Encode the batch."""
        return events.encode({"batch": events.batch_to_json(self._batch)})


class EventLog:
    """Numbers events in the order in which the state changed and leaves checkpoints.

    Parameters
    ----------
    journal : Journal
    clock : Clock
    snapshot : callable
        The whole state as it is, JSON-able: ``params``, ``beliefs``, ``circuit``.
    request_id : callable, optional
        Returns the id of the request that is served now, or None.

    Attributes
    ----------
    seq : int
        Number of the last event.
    taken : dict
        What was taken over from other streams at a start: mark by kind and stream.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        snapshot: Callable[[], dict[str, Any]],
        request_id: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._snapshot = snapshot
        self._request_id = request_id
        self.taken: dict[str, int] = {}
        self._held: deque[Event] = deque()
        self._saved_seq = 0
        self.seq = 0

    async def restore(self, params: EngineParams) -> Restored:
        """Fold the newest checkpoint and everything after it.

        Parameters
        ----------
        params : EngineParams
            For a log without a first settings event, that is, an empty one.

        Raises
        ------
        JournalUnavailable
            If the log is of other rules, or holds an event that this build does not know.
        """
        restored = await self._from_checkpoint() or Restored(Beliefs(params))
        while page := await self._journal.events_after(self.seq, _PAGE):
            for stored in page:
                restored = self._folded(stored, restored)
        self._saved_seq = self.seq
        return restored

    async def _from_checkpoint(self) -> Restored | None:
        """Return the newest checkpoint's state; None without one of the same rules."""
        checkpoint = await self._journal.latest_checkpoint()
        if checkpoint is None:
            return None
        data = events.decode(checkpoint[1])
        if data.get("rules", 1) != events.RULES:
            return None
        params = complete_params(data["params"])
        beliefs = Beliefs(EngineParams.from_json(params))
        beliefs.restore(data["beliefs"])
        self.seq, self.taken = checkpoint[0], data["taken"]
        return Restored(beliefs, params, data["circuit"], data["build"])

    def _folded(self, stored: StoredEvent, restored: Restored) -> Restored:
        data = events.read_event(stored)
        beliefs = events.apply_event(stored.kind, data, restored.beliefs)
        self.seq = stored.seq
        self.taken |= data.get("taken") or {}
        changed: dict[str, Any] = {"beliefs": beliefs}
        if stored.kind == events.SETTINGS:
            changed |= {"params": data["params"], "build": data["build"]}
        elif stored.kind == events.BREAKER:
            changed["circuit"] = data["circuit"]
        return replace(restored, **changed)

    def append(
        self,
        kind: str,
        payload: Callable[[], bytes],
        *,
        index: DecisionIndex | None = None,
        answer: StoredAnswer | None = None,
        outcomes: tuple[tuple[str, str], ...] = (),
    ) -> Awaitable[None]:
        """Queue one event behind those that were held; await the result for durability.

        Raises
        ------
        JournalUnavailable
            When too much is queued already.
        """
        event = Event(
            seq=self.seq + 1,
            kind=kind,
            at_ns=self._clock.now_ns(),
            payload=self._with_ids(payload, index),
            decision=index,
            answer=answer,
            outcomes=outcomes,
        )
        self.release()
        durable = self._journal.append(event)
        self.seq = event.seq
        return durable

    @contextmanager
    def observed(self, batch: Batch) -> Iterator[BatchEntry]:
        """Keep what a batch taught in the log, however the block is left.

        A block that ends well has journalled its decision. One that breaks leaves the batch alone,
        or a replay would not know what it taught.
        """
        entry = BatchEntry(self, batch)
        try:
            yield entry
        except BaseException:
            if entry.seq is None:
                self.append(events.BATCH, entry.payload)
                self.checkpoint_if_due()
            else:
                # what finds no room now stays held; the caller is to see its own trouble
                self.try_release()
            raise

    def hold(self, kind: str, payload: Callable[[], bytes]) -> None:
        """Give an event its number now, and queue it together with the next one.

        For what nobody waits for: written with the event that follows from it, it costs no
        transaction of its own. A crash before that loses it, and nobody was told that it is kept.
        """
        self.seq += 1
        named = self._with_ids(payload, None)
        self._held.append(Event(self.seq, kind, self._clock.now_ns(), named))

    def release(self) -> None:
        """Queue what was held, in its order.

        Raises
        ------
        JournalUnavailable
            When too much is queued already; what is left is still held.
        """
        while self._held:
            self._journal.append(self._held[0])
            self._held.popleft()

    def try_release(self) -> bool:
        """Queue what was held if there is room; False, and a line in the log, if there is none."""
        try:
            self.release()
        except JournalUnavailable as error:
            _LOG.warning("events_still_held", count=len(self._held), error=str(error))
            return False
        return True

    def _with_ids(
        self, payload: Callable[[], bytes], index: DecisionIndex | None
    ) -> Callable[[], bytes]:
        if index is None:
            decision_id = structlog.contextvars.get_contextvars().get("decision_id")
        else:
            decision_id = index.decision_id
        return events.with_ids(payload, self._request_id(), decision_id)

    def checkpoint_if_due(self, *, at_end: bool = False) -> None:
        """Save the state every so many events, and at the end whatever is new."""
        if at_end and not self.try_release():
            return  # a state that knows of what was never written is no help
        due = self.seq - self._saved_seq
        if due >= _CHECKPOINT_EVERY or (at_end and due > 0):
            of_log = {"rules": events.RULES, "build": events.BUILD, "taken": dict(self.taken)}
            state = self._snapshot() | of_log
            self._journal.save_checkpoint(self.seq, lambda: events.encode(state))
            self._saved_seq = self.seq
