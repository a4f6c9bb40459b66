"""Several callers at once, and a ledger of what was acknowledged to them."""

import asyncio
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.caller import Answer, Caller

TRADERS: Final = 4
_START_NS: Final = 1_735_226_000_000_000_000
# Small, so that no round comes to times ahead of the clock.
_PERIOD_NS: Final = 1_000_000
_REGIMES: Final = ("TRENDING_UP", "TRENDING_DOWN", "RANGING", "HIGH_VOLATILITY")
_STATES: Final = ("ACTIVE", "REDUCING", "HALTED")
_MODES: Final = ("forced_open", "auto", "disabled", "auto")
_GONE: Final = (OSError, EOFError)


@dataclass(slots=True)
class Ledger:
    """What was asked, and what of it was answered 200 and read whole by the caller."""

    asked: dict[str, bytes] = field(default_factory=dict)
    decided: dict[str, bytes] = field(default_factory=dict)
    outcomes: list[tuple[str, str]] = field(default_factory=list)
    prices: list[int] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    refused: Counter[int] = field(default_factory=Counter)

    @property
    def in_doubt(self) -> list[str]:
        """Keys whose answer nobody has read."""
        return [key for key in self.asked if key not in self.decided]

    @property
    def others(self) -> int:
        """Acknowledged changes that are not decisions."""
        return len(self.outcomes) + len(self.prices) + len(self.reasons)


class Load:
    """Keep one service busy until it is gone.

    Parameters
    ----------
    seed : int
        Of everything that is left to chance.
    """

    def __init__(self, seed: int) -> None:
        self.ledger = Ledger()
        self._name = f"round-{seed}"
        self._random = random.Random(seed)
        # Later than whatever an earlier round has sent.
        self._places = count(seed * 1_000_000)

    async def run(self, port: int) -> None:
        """Ask until nobody answers any more."""
        await asyncio.gather(
            *(self._until_gone(self._trade(Caller(port))) for _ in range(TRADERS)),
            self._until_gone(self._quote(Caller(port))),
            self._until_gone(self._operate(Caller(port))),
        )

    @staticmethod
    async def _until_gone(asking: Any) -> None:
        try:
            await asking
        except _GONE:
            return

    async def _trade(self, caller: Caller) -> None:
        while True:
            place = next(self._places)
            key, body = f"{self._name}-{place}", self._batch(place)
            self.ledger.asked[key] = body
            answer = await caller.ask("POST", "/allocate", body, key=key)
            if not self._well(answer):
                continue
            self.ledger.decided[key] = answer.body
            if place % 2:
                await self._settle(caller, answer.document())

    async def _settle(self, caller: Caller, decision: dict[str, Any]) -> None:
        pairs = [(decision["decision_id"], symbol) for symbol in decision["allocations"]]
        outcomes = [
            {"decision_id": d, "symbol": s, "realized_return": self._random.gauss(0.0, 0.02)}
            for d, s in pairs
        ]
        answer = await caller.ask("POST", "/outcomes", _json({"outcomes": outcomes}))
        if self._well(answer):
            self.ledger.outcomes += pairs

    async def _quote(self, caller: Caller) -> None:
        while True:
            at_ns = _START_NS + next(self._places) * _PERIOD_NS
            prices = {"BTC-USD": 43_500.0 * (1.0 + self._random.gauss(0.0, 0.01)), "X": 7.0}
            body = _json({"timestamp_ns": at_ns, "prices": prices})
            if self._well(await caller.ask("POST", "/market/prices", body)):
                self.ledger.prices.append(at_ns)

    async def _operate(self, caller: Caller) -> None:
        for turn in count():
            reason = f"{self._name}-{turn}"
            if turn % 2:
                path, body = "/circuit", {"mode": _MODES[turn // 2 % 4], "reason": reason}
            else:
                path, body = "/trading-state", {"state": _STATES[turn // 2 % 3], "reason": reason}
            if self._well(await caller.ask("PUT", path, _json(body))):
                self.ledger.reasons.append(reason)
            await asyncio.sleep(0.02)

    def _well(self, answer: Answer) -> bool:
        if answer.status != 200:
            self.ledger.refused[answer.status] += 1
        return answer.status == 200

    def _batch(self, place: int) -> bytes:
        batch = json.loads(BATCH)
        regime = self._random.choice(_REGIMES)
        for signal in batch["signals"]:
            signal["timestamp_ns"] = _START_NS + place * _PERIOD_NS
            signal["regime"] = regime
            signal["confidence"] = self._random.uniform(0.3, 1.0)
        batch["portfolio_value"] = 100_000.0 + place % 1000
        return _json(batch)


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode()
