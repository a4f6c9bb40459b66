"""The journal folded from its first event on, by nobody who took part in writing it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from app.adapters.journal import reads
from app.adapters.journal.stores import open_reading
from app.core.beliefs import Beliefs, TradingStatus
from app.core.params import EngineParams
from app.core.types import DEFAULT_PORTFOLIO
from app.pipeline import events
from app.pipeline.ports import StoredEvent
from app.pipeline.views import beliefs_view

_PAGE: Final = 500
_OF_CIRCUIT: Final = (
    "state", "mode", "failure_count", "consecutive_failures", "current_timeout_sec",
    "last_failure_reason",
)  # fmt: skip


class Fold:
    """What a journal says, event after event; nothing is read twice.

    Parameters
    ----------
    url : str
    """

    def __init__(self, url: str) -> None:
        self._engine = open_reading(url)
        self.seq = 0
        self.gaps = 0
        self.beliefs = Beliefs(EngineParams())
        self.circuit: dict[str, Any] | None = None
        self.answers: dict[str, Any] = {}
        self.prices: set[int] = set()
        self.reasons: set[str] = set()

    def advance(self, to_seq: int) -> None:
        """Take in what was written since, up to one event."""
        while page := self._page():
            for event in page:
                if event.seq > to_seq:
                    return
                self._take(event)

    def known_outcomes(self, pairs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Which of the (decision_id, symbol) pairs are journalled."""
        with self._engine.connect() as connection:
            return reads.known_outcomes(connection, pairs)

    def believes(self, state: dict[str, Any]) -> list[str]:
        """Name what ``GET /state`` of a service just started tells otherwise than the journal."""
        expected = beliefs_view(self.beliefs) | {
            "trading_state": _shown(self.beliefs.trading),
            "params": self.beliefs.params.to_json(),
        }
        served = state | {"circuit": _settled(state["circuit"])}
        if self.circuit is not None:
            expected["circuit"] = _settled(self.circuit)
        return [name for name, value in expected.items() if served[name] != _as_json(value)]

    def close(self) -> None:
        """Leave the database."""
        self._engine.dispose()

    def _page(self) -> list[StoredEvent]:
        with self._engine.connect() as connection:
            return reads.events_after(connection, 0, self.seq, _PAGE)

    def _take(self, event: StoredEvent) -> None:
        self.gaps += event.seq != self.seq + 1
        self.seq = event.seq
        data = events.decode(event.payload)
        self.beliefs = events.apply_event(event.kind, data, self.beliefs)
        if event.kind == events.DECISION:
            self.answers[data["answer"]["decision_id"]] = data["answer"]
        elif event.kind == events.PRICES:
            self.prices.add(data["timestamp_ns"])
        elif event.kind == events.BREAKER:
            self.circuit = data["circuit"]
        elif event.kind in {events.OPERATOR, events.TRADING_STATE}:
            self.reasons.add(data["reason"])


def _settled(circuit: dict[str, Any]) -> dict[str, Any]:
    """Tell no more than is journalled; an open circuit is half-open once it waited long enough."""
    shut = circuit["mode"] == "forced_open" or circuit["state"] != "closed"
    return {name: circuit[name] for name in _OF_CIRCUIT} | {"state": shut}


def _as_json(value: Any) -> Any:
    return json.loads(events.encode(value))


def _shown(status: TradingStatus) -> dict[str, Any]:
    """Return the switch as ``GET /state`` names its fields."""
    fields = asdict(status)
    return {"control_version": fields.pop("version"), "portfolio_id": DEFAULT_PORTFOLIO, **fields}
