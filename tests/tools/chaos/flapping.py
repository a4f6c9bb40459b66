"""A policy server that goes away and comes back under bursts of callers, half of whom give up."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, Self

from tests.adapters.policy.policy_server import PolicyServer, speak_batch
from tests.tools.chaos import toxics
from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.caller import Caller
from tests.tools.chaos.machine import open_files, resident_bytes
from tests.tools.chaos.proxy import FaultProxy
from tests.tools.chaos.service import Service
from tests.tools.chaos.toxics import Toxic

CALLERS: Final = 40
PATIENCE_SEC: Final = 0.05
_GIVE_UP: Final = 5.0
# Ways to be down; None refuses connections.
_DOWN: Final[dict[str, tuple[Toxic, ...] | None]] = {
    "refused": None,
    "silent": (toxics.silence(),),
    "reset": (toxics.reset_after(0),),
    "cut off": (toxics.limit_data(120),),
    "dripping": (toxics.sliced(1, 0.05),),
    "late": (toxics.latency(60.0),),
}


@dataclass(frozen=True, slots=True)
class Flap:
    """What one flap showed.

    ``wait_sec`` is what the breaker had left to wait when the server came back, ``recovered_sec``
    when RL was used again after that. The last three are of the service after the recovery.
    """

    down: str
    statuses: Counter[int]
    used: int
    slowest_sec: float
    wait_sec: float
    recovered_sec: float
    in_flight: int
    open_files: int
    resident_bytes: int


def flapping_settings(deadline_sec: float, wait_sec: float) -> dict[str, Any]:
    """Give the settings of a service whose breaker waits once or twice ``wait_sec``."""
    return {
        "rl_timeout_sec": deadline_sec,
        "circuit_breaker": {
            "initial_timeout_sec": wait_sec,
            "max_timeout_sec": 2.0 * wait_sec,
        },
    }


class Flapper:
    """Take the server away for ``half_sec`` and give it back for as long, once a `flap`.

    Parameters
    ----------
    service : Service
    half_sec : float, seconds
    """

    def __init__(self, service: Service, half_sec: float) -> None:
        self._service = service
        self._half_sec = half_sec
        self._server = PolicyServer(speak_batch)
        self._proxy = FaultProxy(0, service.upstream_port)
        self._flaps = 0

    async def __aenter__(self) -> Self:
        await self._server.__aenter__()
        self._proxy.target_port = self._server.port
        await self._proxy.open()
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._proxy.shut()
        await self._server.__aexit__(None, None, None)

    async def flap(self) -> Flap:
        """Go down, come back, and look."""
        down = tuple(_DOWN)[self._flaps % len(_DOWN)]
        self._flaps += 1
        await self._switch(_DOWN[down])
        answered = await _burst(self._service.port, self._half_sec)
        watcher = self._service.caller()
        wait_sec = (await self._service.circuit(watcher))["time_until_retry_sec"]
        await self._switch(())
        back = perf_counter()
        bursting = asyncio.create_task(_burst(self._service.port, self._half_sec))
        recovered_sec = await self._until_used(watcher) - back
        answered += await bursting
        in_flight = await self._until_idle(watcher)
        watcher.close()
        return Flap(
            down=down,
            statuses=Counter(answer.status for answer in answered),
            used=sum(answer.used for answer in answered),
            slowest_sec=max(answer.elapsed_sec for answer in answered),
            wait_sec=wait_sec,
            recovered_sec=recovered_sec,
            in_flight=in_flight,
            open_files=open_files(self._service.pid),
            resident_bytes=resident_bytes(self._service.pid),
        )

    async def _switch(self, replies: tuple[Toxic, ...] | None) -> None:
        """Cut every connection; listen again with these toxics, or not at all."""
        await self._proxy.shut()
        if replies is not None:
            self._proxy.replies = replies
            await self._proxy.open()

    async def _until_used(self, watcher: Caller) -> float:
        started = perf_counter()
        while perf_counter() - started < _GIVE_UP:
            answer = await watcher.ask("POST", "/allocate", BATCH)
            if answer.status == 200 and answer.document()["strategy"] == "rl":
                return perf_counter()
            await asyncio.sleep(0.02)
        return float("inf")

    async def _until_idle(self, watcher: Caller) -> int:
        """Wait for what was abandoned to end by its own deadline; give what is left."""
        started = perf_counter()
        while count := await self._service.in_flight(watcher):
            if perf_counter() - started > _GIVE_UP:
                break
            await asyncio.sleep(0.02)
        return count


@dataclass(frozen=True, slots=True)
class _Answered:
    status: int
    used: bool
    elapsed_sec: float


async def _burst(port: int, lasting_sec: float) -> list[_Answered]:
    """Send a burst of callers at once, then wait out the rest of the time."""
    started = perf_counter()
    calls = [_call(port, PATIENCE_SEC if place % 2 else float("inf")) for place in range(CALLERS)]
    answered: Sequence[_Answered | None] = await asyncio.gather(*calls)
    await asyncio.sleep(max(0.0, started + lasting_sec - perf_counter()))
    return [answer for answer in answered if answer is not None]


async def _call(port: int, patience_sec: float) -> _Answered | None:
    caller, started = Caller(port), perf_counter()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(min(patience_sec, 60.0)):
            answer = await caller.ask("POST", "/allocate", BATCH)
        caller.close()
        used = answer.status == 200 and answer.document()["strategy"] == "rl"
        return _Answered(answer.status, used, perf_counter() - started)
    return None
