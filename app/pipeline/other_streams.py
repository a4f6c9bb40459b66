"""The strictest switch and breaker of a journal's other streams, which a start takes over.

Switch and forced breaker belong to the database, not to a process: a restart, a second process or
a replica that begins a stream of its own must not lift a halt.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.core.beliefs import TradingStatus
from app.core.policy.circuit import BreakerMode
from app.core.types import TradingState
from app.pipeline import events
from app.pipeline.ports import StreamTail

KINDS = (events.SETTINGS, events.TRADING_STATE, events.BREAKER)
_STRICTNESS = {TradingState.ACTIVE: 0, TradingState.REDUCING: 1, TradingState.HALTED: 2}


@dataclass(frozen=True, slots=True)
class StreamEnd:
    """Switch and breaker as a stream ends with them; None where it never had them.

    ``circuit_seq`` is the number of the event or checkpoint that ``circuit`` is of.
    """

    stream: int
    status: TradingStatus | None = None
    circuit: dict[str, Any] | None = None
    circuit_seq: int = 0

    @property
    def forced_open(self) -> bool:
        """Whether an operator keeps the breaker open."""
        return self.circuit is not None and self.circuit["mode"] == BreakerMode.FORCED_OPEN

    def status_mark(self) -> dict[str, int]:
        """Return what tells this switch from a later one of the stream."""
        since_ns = 0 if self.status is None else self.status.since_ns
        return {f"{events.TRADING_STATE} {self.stream}": since_ns}

    def circuit_mark(self) -> dict[str, int]:
        """Return what tells this breaker from a later one of the stream."""
        return {f"{events.BREAKER} {self.stream}": self.circuit_seq}


def stream_end(tail: StreamTail) -> StreamEnd:
    """Return how a stream ends.

    Raises
    ------
    JournalUnavailable
        If it is of other rules.
    """
    status: TradingStatus | None = None
    circuit: dict[str, Any] | None = None
    circuit_seq = 0
    if tail.checkpoint is not None:
        circuit_seq, payload = tail.checkpoint
        state = events.decode(payload)
        events.require_rules(state)
        circuit = state["circuit"]
        trading, *rest = state["beliefs"]["trading"]
        status = TradingStatus(TradingState(trading), *rest)
    for stored in tail.events:
        data = events.read_event(stored)
        if stored.kind == events.TRADING_STATE:
            status = events.status_from_json(data)
        elif stored.kind == events.BREAKER:
            circuit, circuit_seq = data["circuit"], stored.seq
    return StreamEnd(tail.stream, status, circuit, circuit_seq)


def strictness(status: TradingStatus) -> tuple[int, bool]:
    """Return a key that is larger for a stricter switch."""
    return _STRICTNESS[status.state], status.flatten


def strictest(
    own: TradingStatus, ends: Iterable[StreamEnd], taken: dict[str, int]
) -> StreamEnd | None:
    """Return the stream with the strictest switch; None where one's own is as strict.

    A switch that was taken over at an earlier start is left out: whoever lifted it since has
    lifted it for good.
    """
    found = None
    level = strictness(own)
    for end in ends:
        if end.status is None or end.status_mark().items() <= taken.items():
            continue
        if strictness(end.status) > level:
            found, level = end, strictness(end.status)
    return found
