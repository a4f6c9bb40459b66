"""A bounded journal in memory, for use inside another program, without a database."""

import threading
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from itertools import islice
from typing import Any

from app.pipeline.ports import (
    DecisionIndex,
    DecisionQuery,
    Event,
    StoredAnswer,
    StoredEvent,
    StreamTail,
)

_ANSWERS_KEPT_NS = 24 * 3600 * 10**9
_OUTCOMES_PER_DECISION = 10


class _Kept:
    """An awaitable that is done already and never suspends."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        yield from ()


_KEPT = _Kept()


class MemoryJournal:
    """Journal of the last decisions, in memory only; restores no state.

    Parameters
    ----------
    max_decisions : int
        Decisions and stored answers kept; outcome pairs are kept ten times as many.
    """

    def __init__(self, max_decisions: int = 1000) -> None:
        self._max = max_decisions
        self._lock = threading.Lock()
        self._decisions: OrderedDict[str, Event] = OrderedDict()
        self._outcomes: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], StoredAnswer] = OrderedDict()

    async def open(self) -> None:
        """Do nothing: there is no connection."""

    def refusing(self) -> str | None:
        """Return None: an append in memory never fails."""
        return None

    def lag(self) -> tuple[int, float]:
        """Return zeros: no event ever waits."""
        return 0, 0.0

    def append(self, event: Event) -> Awaitable[None]:
        """Keep an event's decision, outcomes and answer; the payload is encoded only when read."""
        with self._lock:
            if event.decision is not None:
                self._decisions[event.decision.decision_id] = event
                _forget(self._decisions, self._max)
            if event.outcomes:
                self._outcomes.update(dict.fromkeys(event.outcomes))
                _forget(self._outcomes, self._max * _OUTCOMES_PER_DECISION)
            if event.answer is not None:
                self._keep_answer(event.answer)
        return _KEPT

    def save_checkpoint(self, seq: int, state: Callable[[], bytes]) -> None:
        """Do nothing: no state is restored from memory."""

    def place(self) -> str:
        """Return words in the place of a path."""
        return "memory"

    async def other_streams(self, kinds: Sequence[str]) -> list[StreamTail]:  # noqa: ARG002 - port
        """Return no streams: there is one alone."""
        return []

    async def latest_checkpoint(self) -> tuple[int, bytes] | None:
        """Return None: checkpoints are not kept."""
        return None

    async def events_after(self, seq: int, limit: int) -> list[StoredEvent]:  # noqa: ARG002 - port
        """Return no events: the state starts empty."""
        return []

    async def events_of(
        self,
        kinds: Sequence[str],  # noqa: ARG002 - port
        before_seq: int,  # noqa: ARG002 - port
        window: int,  # noqa: ARG002 - port
    ) -> list[StoredEvent]:
        """Return no events: only decisions are kept."""
        return []

    async def decision(self, decision_id: str) -> StoredEvent | None:
        """Find the event that holds one decision, while it is among the last ones."""
        event = self._decisions.get(decision_id)
        return None if event is None else _stored(event)

    async def decisions(self, query: DecisionQuery) -> list[StoredEvent]:
        """Return the kept decision events that match, newest first; both times are inclusive."""
        with self._lock:
            newest_first = list(reversed(self._decisions.values()))
        matching = (event for event in newest_first if _matches(event, query))
        return [_stored(event) for event in islice(matching, max(0, query.limit))]

    async def known_outcomes(self, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return which of these (decision_id, symbol) pairs are still kept."""
        return {pair for pair in pairs if pair in self._outcomes}

    async def stored_answer(self, owner: str, key: str, not_before_ns: int) -> StoredAnswer | None:
        """Find the answer of an Idempotency-Key that is not older than that."""
        answer = self._answers.get((owner, key))
        return None if answer is None or answer.at_ns < not_before_ns else answer

    async def close(self) -> None:
        """Do nothing: there is no connection."""

    def _keep_answer(self, answer: StoredAnswer) -> None:
        name = (answer.owner, answer.key)
        known = self._answers.get(name)
        if known is None or known.at_ns < answer.at_ns - _ANSWERS_KEPT_NS:
            self._answers[name] = answer
            self._answers.move_to_end(name)
            _forget(self._answers, self._max)


def _forget(kept: OrderedDict[Any, Any], most: int) -> None:
    while len(kept) > most:
        kept.popitem(last=False)


def _stored(event: Event) -> StoredEvent:
    return StoredEvent(event.seq, event.kind, event.at_ns, event.payload())


def _matches(event: Event, query: DecisionQuery) -> bool:
    index = event.decision
    if index is None:
        return False
    return _within(event, query) and all(
        wanted is None or wanted in found for wanted, found in _names(index, query)
    )


def _within(event: Event, query: DecisionQuery) -> bool:
    return (
        (query.before_seq is None or event.seq < query.before_seq)
        and (query.since_ns is None or event.at_ns >= query.since_ns)
        and (query.until_ns is None or event.at_ns <= query.until_ns)
    )


def _names(
    index: DecisionIndex, query: DecisionQuery
) -> Iterable[tuple[str | None, Sequence[str | None]]]:
    return (
        (query.strategy, (index.strategy,)),
        (query.fallback_reason, (index.fallback_reason,)),
        (query.symbol, index.symbols),
        (query.strategy_id, index.strategies),
    )
