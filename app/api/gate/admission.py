"""Admission: how many requests are served at once, whose turn it is, and which are refused.

A decision takes the only event loop for milliseconds, so one decision starts per turn of the loop.
Decisions under way go on first; the others wait in one queue, where they can be counted and
refused. See docs/decisions/0028-overload.md, which calls an overload a crowd.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.problems import Overloaded

MAX_WAITING: Final = 128
# Refusals in a row by a full queue that make it an overload and not a burst.
OVERLOAD_REFUSALS: Final = 32
# In an overload a turn ends when its decision is answered, or has waited for the policy this long.
OVERLOAD_TURN_SEC: Final = 0.02
# An overload ends when nothing was refused for so long: the Retry-After that callers were given.
RECOVERY_SEC: Final = 1.0
# Two callers who overlap now and then would keep up an overload for ever: after this long it is
# judged anew whether more come than can be served.
LONGEST_OVERLOAD_SEC: Final = 60.0
# Slots above the limit for operators, whom no flood of callers may shut out.
RESERVED_SLOTS: Final = 64
# Paths of operators, who must get through whatever the callers do; so must every PUT.
_OPERATORS: Final = (
    *("/circuit", "/console", "/trading-state"),
    *("/market/accept", "/market/split", "/market/forget", "/outcomes/withdraw"),
)
# Of these the paths that anybody, or anybody who may read, can flood.
_CONSOLE_CALLERS: Final = ("/console/login", "/console/what-if")


def needs_turn(method: str, path: str) -> bool:
    """Whether a request takes the loop for so long that it must wait for its turn."""
    return method == "POST" and not path.startswith(_OPERATORS)


def is_operator_request(method: str, path: str) -> bool:
    """Whether a request changes what the service does, and so may use a reserved slot."""
    changes = method == "PUT" or (method == "POST" and path.startswith(_OPERATORS))
    return changes and not path.startswith(_CONSOLE_CALLERS)


class Admission:
    """Count requests, give turns to those whose body is complete, refuse the rest.

    At most ``limit`` requests are in flight, and `MAX_WAITING` of them wait for a turn. After
    `OVERLOAD_REFUSALS` refusals in a row it is an overload: no request waits any more, and one is
    admitted only when the turn is free. The overload ends when nothing was refused for
    `RECOVERY_SEC`, or fewer than `MAX_WAITING` requests came in that time, or after
    `LONGEST_OVERLOAD_SEC`.

    Parameters
    ----------
    limit : int, requests
    now : callable, optional
        Monotonic seconds; the loop's own by default.
    """

    def __init__(self, limit: int, now: Callable[[], float] | None = None) -> None:
        self.limit = limit
        self.in_flight = 0
        self.refused = 0
        self._now = now or (lambda: asyncio.get_running_loop().time())
        self._queue: deque[_Waiter] = deque()
        self._current: Slot | None = None
        self._expected = 0
        self._refused_in_a_row = 0
        self._refused_at = 0.0
        self._overloaded_since = 0.0
        self._arrived_at: deque[float] = deque(maxlen=MAX_WAITING)

    @property
    def waiting(self) -> int:
        """How many requests wait for a turn."""
        return len(self._queue)

    @property
    def overloaded(self) -> bool:
        """Whether the last refusals were so many that no request waits any more."""
        return self._refused_in_a_row >= OVERLOAD_REFUSALS

    def gauges(self) -> dict[str, Callable[[], float]]:
        """Functions that read each number, by the name that telemetry knows."""
        return {
            "requests_refused": lambda: self.refused,
            "requests_limit": lambda: self.limit,
            "requests_in_flight": lambda: self.in_flight - self.waiting,
            "requests_waiting": lambda: self.waiting,
        }

    def admit(self, *, needs_turn: bool, reserved: bool = False) -> "Slot":
        """Give a request a slot; ``reserved`` slots are above the limit.

        Raises
        ------
        Overloaded
            If no slot is free, or if the request needs a turn and cannot get one.
        """
        if needs_turn:
            self._arrived_at.append(self._now())
        self._require_slot(self.in_flight, self.limit + RESERVED_SLOTS * reserved)
        if needs_turn:
            self._require_turn()
        self.in_flight += 1
        return Slot(self)

    def release(self, slot: "Slot") -> None:
        """Free a slot, and end its turn."""
        self.in_flight -= 1
        if slot is self._current:
            self._end_turn(slot)

    def check_at_head(self) -> None:
        """Refuse a request that needs a turn as `admit` would, before it costs anything.

        One that passes counts as waiting until the loop's next turn, so that of many heads that
        come at once only as many pass as there are slots.

        Raises
        ------
        Overloaded
            As `admit` would.
        """
        try:
            self._require_slot(self.in_flight + self._expected, self.limit)
            self._require_turn()
        except Overloaded:
            # one that passes is counted by `admit`
            self._arrived_at.append(self._now())
            raise
        if not self._expected:
            asyncio.get_running_loop().call_soon(self._forget_expected)
        self._expected += 1

    async def wait_for_turn(self, slot: "Slot") -> None:
        """Wait until it is the turn of this slot; first come, first served.

        Raises
        ------
        Overloaded
            If the queue is full, or an overload begins meanwhile.
        """
        if self._current is None and not self._queue:
            self._begin_turn(slot)
            return
        self._require_turn()
        waiter = _Waiter(slot, asyncio.get_running_loop().create_future())
        self._queue.append(waiter)
        try:
            if not await waiter.called:
                raise Overloaded("more requests come than can be served")
        except asyncio.CancelledError:
            if waiter in self._queue:
                self._queue.remove(waiter)
            raise

    def _require_slot(self, taken: int, most: int) -> None:
        if taken >= most:
            self._refuse()
            raise Overloaded(f"more than {self.limit} requests are in flight")

    def _require_turn(self) -> None:
        if self._refused_in_a_row and self._has_recovered():
            self._refused_in_a_row = 0
        waiting = self.waiting + self._expected
        if self.overloaded and (waiting or self._current is not None):
            self._refuse()
            raise Overloaded("more requests come than can be served")
        if waiting >= MAX_WAITING:
            self._refuse()
            raise Overloaded(f"{MAX_WAITING} requests wait to be served")

    def _has_recovered(self) -> bool:
        now = self._now()
        if now - self._refused_at > RECOVERY_SEC:
            return True
        if not self.overloaded or now - self._overloaded_since <= RECOVERY_SEC:
            return False
        few = len(self._arrived_at) < MAX_WAITING or now - self._arrived_at[0] > RECOVERY_SEC
        return few or now - self._overloaded_since > LONGEST_OVERLOAD_SEC

    def _refuse(self) -> None:
        self.refused += 1
        self._refused_in_a_row += 1
        self._refused_at = self._now()
        if self._refused_in_a_row == OVERLOAD_REFUSALS:
            self._overloaded_since = self._refused_at
            while self._queue:
                waiter = self._queue.popleft()
                if not waiter.called.done():
                    self.refused += 1
                    waiter.called.set_result(False)

    def _forget_expected(self) -> None:
        self._expected = 0

    def _begin_turn(self, slot: "Slot") -> None:
        self._current = slot
        loop = asyncio.get_running_loop()
        if self.overloaded:
            loop.call_later(OVERLOAD_TURN_SEC, self._end_turn, slot)
        else:
            # Behind whatever the loop finds ready: answers of the journal and of the policy.
            loop.call_soon(loop.call_soon, self._end_turn, slot)

    def _end_turn(self, slot: "Slot") -> None:
        if slot is not self._current:
            return
        self._current = None
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.called.done():
                waiter.called.set_result(True)
                self._begin_turn(waiter.slot)
                return


class Slot:
    """The slot of one request, which may wait for a turn once."""

    __slots__ = ("_admission", "_at_release")

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._at_release: list[Callable[[], None]] = []

    def at_release(self, call: Callable[[], None]) -> None:
        """Call this when the slot is freed: the answer was sent, or the caller went away."""
        self._at_release.append(call)

    async def wait_for_turn(self) -> None:
        """Wait for this request's turn; see `Admission.wait_for_turn`."""
        await self._admission.wait_for_turn(self)

    def release(self) -> None:
        """Free this slot."""
        self._admission.release(self)
        for call in self._at_release:
            call()


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    slot: Slot
    called: asyncio.Future[bool]
