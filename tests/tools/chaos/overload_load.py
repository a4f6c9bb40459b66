"""Load from a process of its own: ``python -m`` this, with a `Plan` as JSON on standard input.

Open loop: a request leaves at its time whatever became of those before it, on any connection that
is free or on a new one. Closed loop: each caller asks again once it has its answer. It prints what
each request met as JSON. So little is done for a request that the load is not what is measured.
"""

import asyncio
import json
import os
import sys
from bisect import bisect_left
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from time import perf_counter, process_time
from typing import Any, Final

import uvloop

from tests.tools.chaos.machine import withheld_sec

_HUNG_AFTER_SEC: Final = 10.0
_MOST_CONNECTIONS: Final = 4_000
_SAMPLE_SEC: Final = 0.002


@dataclass(frozen=True, slots=True)
class Plan:
    """What to ask of whom: at ``rate`` a second, or without one by ``callers`` in closed loops."""

    port: int
    pid: int
    body: str
    seconds: float
    rate: float = 0.0
    callers: int = 1


@dataclass(slots=True)
class Met:
    """What the requests of one plan met; of answers 200 when asked, and latencies, seconds.

    ``net`` is ``raw`` less what the machine withheld from either process meanwhile.
    """

    seconds: float = 0.0
    offered: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    without_retry_after: int = 0
    lost: int = 0
    hung: int = 0
    at: list[float] = field(default_factory=list)
    raw: list[float] = field(default_factory=list)
    net: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    late: list[float] = field(default_factory=list)
    own_cpu_sec: float = 0.0
    connections: int = 0

    @classmethod
    def read(cls, text: str) -> "Met":
        """Read what `main` printed."""
        return cls(**json.loads(text))


class _Withheld:
    """How much time the machine has withheld from both processes, at any moment of the load."""

    def __init__(self, *pids: int) -> None:
        self._pids = pids
        self._at: list[float] = []
        self._sum: list[float] = []

    async def watch(self) -> None:
        while True:
            self._at.append(perf_counter())
            self._sum.append(withheld_sec(*self._pids))
            await asyncio.sleep(_SAMPLE_SEC)

    def between(self, start: float, end: float) -> float:
        return max(0.0, self._until(end) - self._until(start))

    def _until(self, when: float) -> float:
        place = bisect_left(self._at, when)
        if place == 0 or place == len(self._at):
            return self._sum[min(place, len(self._at) - 1)]
        before, after = self._at[place - 1], self._at[place]
        share = (when - before) / (after - before)
        return self._sum[place - 1] + share * (self._sum[place] - self._sum[place - 1])


class _Connection(asyncio.Protocol):
    """One kept connection with one request on it at a time."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self.sent_at = 0.0
        self.busy = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - of the protocol
        self._transport = None
        if self.busy:
            self.busy = False
            self._load.lose(self)

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def send(self, request: bytes) -> None:
        assert self._transport is not None
        self.busy = True
        self._transport.write(request)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end].lower()
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(self._buffer) < end + 4 + length:
            return
        self._buffer = b""
        self.busy = False
        self._load.note(self, head)


class Load:
    """Carry one plan out."""

    def __init__(self, plan: Plan) -> None:
        body = plan.body.encode()
        head = (
            "POST /allocate HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self._plan = plan
        self._request = head.encode() + body
        self._met = Met()
        self._free: deque[_Connection] = deque()
        self._all: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self._answers: list[tuple[float, float]] = []
        self._pending = 0
        self._answered = asyncio.Event()
        self._ends_at = 0.0
        self._withheld = _Withheld(plan.pid, os.getpid())

    async def run(self) -> Met:
        """Ask, wait for the last answers, and say what was met."""
        watching = asyncio.create_task(self._withheld.watch())
        await asyncio.sleep(5 * _SAMPLE_SEC)
        began, cpu = perf_counter(), process_time()
        self._ends_at = began + self._plan.seconds
        await (self._at_a_rate(began) if self._plan.rate else self._in_loops())
        self._met.seconds = perf_counter() - began
        with suppress(TimeoutError):
            async with asyncio.timeout(_HUNG_AFTER_SEC):
                await self._until_answered()
        await asyncio.sleep(5 * _SAMPLE_SEC)
        watching.cancel()
        return self._finished(process_time() - cpu)

    async def _until_answered(self) -> None:
        while self._pending:
            self._answered.clear()
            await self._answered.wait()

    def _finished(self, cpu: float) -> Met:
        met = self._met
        met.connections = len(self._all)
        met.hung, met.own_cpu_sec = self._pending, cpu
        met.raw = [end - start for start, end in self._answers]
        met.net = [
            max(0.0, end - start - self._withheld.between(start, end))
            for start, end in self._answers
        ]
        met.at = [start - (self._ends_at - self._plan.seconds) for start, _ in self._answers]
        for connection in self._all:
            connection.busy = False
            connection.close()
        return met

    async def _at_a_rate(self, began: float) -> None:
        gap, asked = 1.0 / self._plan.rate, 0
        while (now := perf_counter()) < self._ends_at:
            while (due := began + asked * gap) <= now:
                asked += 1
                self._met.late.append(now - due)
                self._ask()
            await asyncio.sleep(max(0.0, began + asked * gap - perf_counter()))

    async def _in_loops(self) -> None:
        for _ in range(self._plan.callers):
            self._ask()
        await asyncio.sleep(max(0.0, self._ends_at - perf_counter()))

    def _ask(self) -> None:
        self._met.offered += 1
        self._pending += 1
        sent_at = perf_counter()
        while self._free:
            connection = self._free.pop()
            if connection.usable:
                self._send(connection, sent_at)
                return
        if len(self._all) + len(self._opening) < _MOST_CONNECTIONS:
            opening = asyncio.create_task(self._open(sent_at))
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)
        else:
            self._lose()

    async def _open(self, sent_at: float) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, connection = await loop.create_connection(
                lambda: _Connection(self), "127.0.0.1", self._plan.port
            )
        except OSError:
            self._lose()
            return
        self._all.add(connection)
        self._send(connection, sent_at)

    def _send(self, connection: _Connection, sent_at: float) -> None:
        connection.sent_at = sent_at
        connection.send(self._request)

    def lose(self, connection: _Connection) -> None:
        """Count a request whose connection ended before its answer."""
        self._all.discard(connection)
        self._lose()

    def _lose(self) -> None:
        self._pending -= 1
        self._met.lost += 1
        self._answered.set()

    def note(self, connection: _Connection, head: bytes) -> None:
        """Count an answer; in a closed loop ask again."""
        now, status = perf_counter(), head[9:12].decode()
        self._pending -= 1
        self._answered.set()
        self._met.statuses[status] = self._met.statuses.get(status, 0) + 1
        if status == "200":
            self._answers.append((connection.sent_at, now))
        else:
            self._met.refused.append(now - connection.sent_at)
            self._met.without_retry_after += b"\r\nretry-after:" not in head
        if not self._plan.rate and now < self._ends_at:
            self._met.offered += 1
            self._pending += 1
            self._send(connection, now)
        else:
            self._free.append(connection)


def main() -> None:
    """Carry the plan out and print what was met."""
    plan = Plan(**json.load(sys.stdin))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        met = runner.run(Load(plan).run())
    json.dump(asdict(met), sys.stdout)


if __name__ == "__main__":
    main()
