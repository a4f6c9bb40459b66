"""The sizing service in process, driven without an event loop."""

import json
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, TypeVar

from app.adapters.journal.memory import MemoryJournal
from app.core.params import EngineParams
from app.core.policy.circuit import BreakerParams
from app.core.types import Batch, Outcome, TradingState
from app.pipeline.ask_policy import PolicyGate
from app.pipeline.ports import Journal, PolicyClient
from app.pipeline.service import SizingService, World
from app.pipeline.shared_breaker import SharedBreaker
from tests.fakes import FakeClock, FakeTelemetry

Answer = dict[str, Any]
Result = TypeVar("Result")

# what differs between two equal decisions: identity and measured time
_OWN = ("decision_id", "latency_ms")


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine that never suspends."""
    try:
        work.send(None)
    except StopIteration as end:
        result: Result = end.value
        return result
    work.close()
    raise AssertionError("the service waited for something in a test without a world")


class Engine:
    """One service with its own state, clock and memory."""

    def __init__(
        self,
        params: EngineParams | None = None,
        client: PolicyClient | None = None,
        journal: Journal | None = None,
    ) -> None:
        self.params = params or EngineParams()
        self.clock = FakeClock()
        gate = PolicyGate(client, SharedBreaker(BreakerParams()), self.clock)
        world = World(journal or MemoryJournal(), gate, self.clock, FakeTelemetry())
        self.service = SizingService(self.params, world, "fallback" if client is None else "real")
        run(self.service.start())

    def allocate(self, batch: Batch, *, dry_run: bool = False) -> Answer:
        return run(self.service.allocate(batch, dry_run=dry_run)).answer

    def feed_returns(self, rows: Sequence[Mapping[str, float]], *, until_ns: int) -> None:
        """Report a row of returns a day, the last one at ``until_ns``."""
        for place, row in enumerate(rows):
            at = until_ns - (len(rows) - 1 - place) * 86_400 * 10**9
            run(self.service.learning.observe_returns(at, row))

    def record(self, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        return run(self.service.learning.record_outcomes(outcomes))

    def trade(self, state: TradingState) -> None:
        if state is not TradingState.ACTIVE:
            run(self.service.operating.set_trading_state(state, "a test", "test"))

    def close(self) -> None:
        run(self.service.stop())

    def beliefs(self) -> str:
        """Return all that the service believes, as text that compares exactly."""
        return json.dumps(self.service.beliefs.export(), sort_keys=True)


def deterministic(answer: Answer) -> Answer:
    """Return the answer without its identity and its measured time."""
    return {name: value for name, value in answer.items() if name not in _OWN}
