"""Protocols of what the pipeline needs from outside.

Each has an adapter of the same name in ``app/adapters`` and a fake in ``tests/fakes``.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from app.core.types import PolicyInput, Prediction

if TYPE_CHECKING:
    from app.pipeline.answer import DecisionView


class Telemetry(Protocol):
    """Counts and measures; called after the fact, must not raise."""

    def decided(self, view: "DecisionView") -> None:
        """Record a decision that was not a dry run."""
        ...

    def outcomes_recorded(self, report: dict[str, Any]) -> None:
        """Record accepted, duplicate and rejected outcomes."""
        ...

    def market_observed(self, report: dict[str, Any]) -> None:
        """Record accepted prices or returns, and the ignored ones by reason."""
        ...

    def noticed(self, what: str, amount: int = 1) -> None:
        """Count what was noticed outside of a decision, by the word of its notice."""
        ...

    def circuit_changed(self, snapshot: dict[str, Any]) -> None:
        """Record the breaker as ``GET /circuit`` shows it."""
        ...

    def count(self, name: str, amount: int = 1) -> None:
        """Count a rare event by name."""
        ...


class Clock(Protocol):
    """Wall clock for records, monotonic clock for every duration."""

    def now_ns(self) -> int:
        """Return wall-clock time, nanoseconds since 1970-01-01 UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never goes back."""
        ...


class PolicyClient(Protocol):
    """Returns predictions; has no breaker and no limits."""

    async def predict(self, inputs: Sequence[PolicyInput]) -> tuple[Prediction | None, ...]:
        """Return one prediction per input, same order; None where a row was unusable.

        Raises
        ------
        PolicyFailure
            If there is no usable row at all, or no answer within the deadline.
        """
        ...

    def statistics(self) -> dict[str, Any]:
        """Count since start: ``total_predictions``, ``successful_predictions``, ..."""
        ...

    def resume(self) -> None:
        """End the pause that the server asked for, at an operator's request."""
        ...

    async def close(self) -> None:
        """Release sockets."""
        ...


@dataclass(frozen=True, slots=True)
class DecisionIndex:
    """The columns by which a journalled decision is found."""

    decision_id: str
    strategy: str
    fallback_reason: str | None
    mode: str
    model_version: str | None
    settings_hash: str
    symbols: tuple[str, ...]
    strategies: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer kept for its Idempotency-Key; ``owner`` is the API key's name, "" without."""

    owner: str
    key: str
    body_digest: str
    status: int
    body: bytes
    at_ns: int


@dataclass(frozen=True, slots=True)
class Event:
    """One row of the journal, the only truth: the state is a fold over the events.

    ``seq`` counts from 1 without gaps in the order in which the state changed. ``payload`` is
    called when the row is written, off the request path, and gives UTF-8 JSON.
    """

    seq: int
    kind: str
    at_ns: int
    payload: Callable[[], bytes]
    decision: DecisionIndex | None = None
    answer: StoredAnswer | None = None
    outcomes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One journalled row as read back."""

    seq: int
    kind: str
    at_ns: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class StreamTail:
    """The end of one stream: its newest checkpoint, and the events of some kinds after it."""

    stream: int
    checkpoint: tuple[int, bytes] | None
    events: list[StoredEvent]


@dataclass(frozen=True, slots=True)
class DecisionQuery:
    """Filter of ``GET /decisions``; newest first, ``before_seq`` pages back."""

    limit: int = 50
    before_seq: int | None = None
    strategy: str | None = None
    fallback_reason: str | None = None
    symbol: str | None = None
    strategy_id: str | None = None
    since_ns: int | None = None
    until_ns: int | None = None


class Journal(Protocol):
    """Durable, ordered record of everything the service decided and received."""

    async def open(self) -> None:
        """Connect, migrate and become the writer.

        Raises
        ------
        JournalUnavailable
            If it cannot be opened.
        """
        ...

    def refusing(self) -> str | None:
        """Return why no decision is possible now (last write failed), or None."""
        ...

    def lag(self) -> tuple[int, float]:
        """Count events that wait to be written, and the seconds the oldest has waited."""
        ...

    def append(self, event: Event) -> Awaitable[None]:
        """Queue an event in order, without waiting; await the result for durability.

        The awaitable raises JournalUnavailable when the write failed; the event stays queued
        and is written when the store is back. It need not be awaited.
        """
        ...

    def save_checkpoint(self, seq: int, state: Callable[[], bytes]) -> None:
        """Queue the state as it is after event ``seq``."""
        ...

    def place(self) -> str:
        """Return where the journal is: an absolute path, or a URL without its password."""
        ...

    async def other_streams(self, kinds: Sequence[str]) -> list[StreamTail]:
        """Read the ends of all streams but this process's own, with the events of these kinds."""
        ...

    async def latest_checkpoint(self) -> tuple[int, bytes] | None:
        """Read the newest checkpoint, or None."""
        ...

    async def events_after(self, seq: int, limit: int) -> list[StoredEvent]:
        """Return events with a larger ``seq``, ascending, at most ``limit``."""
        ...

    async def events_of(
        self, kinds: Sequence[str], before_seq: int, window: int
    ) -> list[StoredEvent]:
        """Return events of these kinds among the ``window`` before ``before_seq``, newest first."""
        ...

    async def decision(self, decision_id: str) -> StoredEvent | None:
        """Read the event that holds one decision, None when there is none."""
        ...

    async def decisions(self, query: DecisionQuery) -> list[StoredEvent]:
        """Return decision events that match, newest first."""
        ...

    async def known_outcomes(self, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return those of these (decision_id, symbol) pairs that are journalled already.

        Raises
        ------
        JournalUnavailable
            Also if a pair is queued and could not be written yet: it is neither known nor new.
        """
        ...

    async def stored_answer(self, owner: str, key: str, not_before_ns: int) -> StoredAnswer | None:
        """Read the answer of an Idempotency-Key that is not older than that.

        Raises
        ------
        JournalUnavailable
            Also if the answer is queued and could not be written yet.
        """
        ...

    async def close(self) -> None:
        """Write what is queued, release the store."""
        ...
