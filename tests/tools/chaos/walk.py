"""One fault through every state of the breaker, each answer held to the promises."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

from tests.tools.chaos.batch import BATCH, SIZES
from tests.tools.chaos.caller import Caller
from tests.tools.chaos.fault import CallEnd, Fault
from tests.tools.chaos.machine import withheld_sec
from tests.tools.chaos.service import Service
from tests.tools.chaos.upstreams import Upstream, closed_port

ASKED: Final = frozenset({"closed", "half_open", "disabled"})
STATES: Final = ("closed", "open", "half_open", "forced_open", "disabled")
# Answers come within the deadline and this much more.
ALLOWANCE_SEC: Final = 0.02
# A walk with a problem counts only if the machine withheld less than this of one answer: a
# healthy server is late, and rightly not used, when nothing runs for a while.
QUIET_SEC: Final = 0.03
_ATTEMPTS: Final = 4
_OPEN: Final[Mapping[CallEnd, str]] = {"failure": "open", "neutral": "open", "success": "open"}
# What the circuit is after an answer: by its state before, and by the outcome of the call.
_AFTER: Final[Mapping[str, Mapping[CallEnd, str]]] = {
    "closed": {"failure": "open", "neutral": "closed", "success": "closed"},
    "open": _OPEN,
    "half_open": {"failure": "open", "neutral": "half_open", "success": "closed"},
    "forced_open": _OPEN,
    "disabled": {"failure": "closed", "neutral": "closed", "success": "closed"},
}


@dataclass(frozen=True, slots=True)
class Measured:
    """One answer: how long the caller waited, and what of that the machine withheld; seconds."""

    fault: str
    state: str
    elapsed_sec: float
    withheld_sec: float
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Walk:
    """The answers of one walk, a state each, and how many walks were thrown away before it."""

    answers: list[Measured]
    repeated: int


@dataclass(frozen=True, slots=True)
class Walker:
    """Asks one service, and knows what Phase 2 alone would answer.

    The service must open its circuit at the first failure, each time for ``wait_sec``.
    """

    service: Service
    caller: Caller
    phase2: Mapping[str, Any]
    wait_sec: float

    async def walk(self, fault: Fault) -> Walk:
        """Ask under the fault in each state of the breaker; again where the machine stood still."""
        for repeated in range(_ATTEMPTS):
            walk = Walk(await self._walk(fault), repeated)
            disturbed = any(answer.withheld_sec > QUIET_SEC for answer in walk.answers)
            if not disturbed or not any(answer.problems for answer in walk.answers):
                break
        return walk

    async def _walk(self, fault: Fault) -> list[Measured]:
        await self.service.operate(self.caller, "auto")
        found = []
        async with fault.arrange(self.service.upstream_port) as upstream:
            found.append(await self._ask(fault, "closed", upstream))
        found.append(await self._ask_while_open(fault))
        async with fault.arrange(self.service.upstream_port) as upstream:
            await self._wait_for_half_open()
            found.append(await self._ask(fault, "half_open", upstream))
            for mode in ("forced_open", "disabled"):
                await self.service.operate(self.caller, mode)
                found.append(await self._ask(fault, mode, upstream))
        await self.service.operate(self.caller, "auto")
        return found

    async def _ask_while_open(self, fault: Fault) -> Measured:
        """Open the circuit and ask before its wait is over; again, if the machine was too slow."""
        while True:
            await self.service.operate(self.caller, "auto")
            opened = perf_counter()
            async with closed_port(self.service.upstream_port):
                await self.caller.ask("POST", "/allocate", BATCH)
            async with fault.arrange(self.service.upstream_port) as upstream:
                measured = await self._ask(fault, "open", upstream)
            if perf_counter() - opened < self.wait_sec:
                return measured

    async def _wait_for_half_open(self) -> None:
        circuit = await self.service.circuit(self.caller)
        await asyncio.sleep(circuit["time_until_retry_sec"] + 0.001)

    async def _ask(self, fault: Fault, state: str, upstream: Upstream) -> Measured:
        came_before = upstream.connections
        pids = (self.service.pid, os.getpid())
        withheld, started = withheld_sec(*pids), perf_counter()
        answer = await self.caller.ask("POST", "/allocate", BATCH)
        elapsed, withheld = perf_counter() - started, withheld_sec(*pids) - withheld
        came = upstream.connections - came_before
        if answer.status == 200:
            problems = tuple(self._problems(fault, state, answer.document(), came))
        else:
            problems = (f"status {answer.status}: {answer.body[:300]!r}",)
        return Measured(fault.name, state, elapsed, withheld, problems)

    def _problems(self, fault: Fault, state: str, answer: dict[str, Any], came: int) -> list[str]:
        asked = state in ASKED
        reason = answer["fallback_reason"]
        allowed = fault.reasons if asked else {"circuit_open"}
        found = []
        if reason not in allowed:
            found.append(f"fallback_reason {reason}, not of {sorted(map(str, allowed))}")
        if answer["strategy"] != ("rl" if reason is None else "fallback"):
            found.append(f"strategy {answer['strategy']} with reason {reason}")
        if answer["circuit_state"] != _AFTER[state][fault.outcome(reason)]:
            found.append(f"circuit {answer['circuit_state']} after it was {state}")
        if came and not asked:
            found.append(f"{came} connections upstream")
        sizes = SIZES if reason is not None else ("baseline_allocations",)
        found += [f"{name} is not Phase 2's" for name in sizes if answer[name] != self.phase2[name]]
        if reason is not None and answer["allocations"] != answer["baseline_allocations"]:
            found.append("allocations differ from baseline_allocations")
        return found
