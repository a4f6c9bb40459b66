"""Who is in, who waits for a turn, and who is sent away at the head of the request.

Deciding takes the only loop for milliseconds, so decisions start one a turn of the loop: what is
under way comes first, and what has not begun waits in one queue, where it can be counted and
refused. See decision 0028.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge.problems import Overloaded

MOST_WAITING: Final = 128
# Refusals in a row of a full queue that tell a crowd from a burst.
CROWD_REFUSALS: Final = 32
# In a crowd the next one begins when the last is answered, or has waited for the policy this long.
CROWD_PATIENCE_SEC: Final = 0.02
# As long as callers are told to stay away.
CALM_SEC: Final = 1.0
# Two callers who overlap now and then would refuse each other for ever: after this long it is
# looked at anew whether more come than can be served.
LONGEST_CROWD_SEC: Final = 60.0
# Places above the limit for whom no flood of callers may shut out.
RESERVED: Final = 64
# What an operator must get through whatever the callers do; every PUT is of this kind.
_OPERATORS: Final = ("/circuit", "/console", "/trading-state")
# Of these the ones that anybody, or anybody who may read, can send in numbers.
_CONSOLE_CALLERS: Final = ("/console/login", "/console/what-if")


def is_work(method: str, path: str) -> bool:
    """Whether a request takes the loop for long enough to wait for its turn."""
    return method == "POST" and not path.startswith(_OPERATORS)


def is_operating(method: str, path: str) -> bool:
    """Whether a request changes what the service does, and so may use a reserved place."""
    changes = method == "PUT" or (method == "POST" and path.startswith(_OPERATORS))
    return changes and not path.startswith(_CONSOLE_CALLERS)


class Admitted:
    """Count requests, give turns to those whose body is complete, refuse the rest.

    At most ``limit`` requests are in at once, and `MOST_WAITING` of them wait for a turn. Once
    `CROWD_REFUSALS` more were refused it is a crowd: nobody waits any more, and only who finds
    the turn free is let in, until nobody has been refused for `CALM_SEC`, or fewer than
    `MOST_WAITING` have come in that time; and for `LONGEST_CROWD_SEC` at most.

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
        self._holder: Place | None = None
        self._arriving = 0
        self._refused_in_a_row = 0
        self._refused_at = 0.0
        self._crowd_since = 0.0
        self._came_at: deque[float] = deque(maxlen=MOST_WAITING)

    @property
    def waiting(self) -> int:
        """How many wait for a turn."""
        return len(self._queue)

    @property
    def crowded(self) -> bool:
        """Whether more came than could be served, a moment ago."""
        return self._refused_in_a_row >= CROWD_REFUSALS

    def numbers(self) -> dict[str, Callable[[], float]]:
        """Functions that tell each, by the names that telemetry knows."""
        return {
            "requests_refused": lambda: self.refused,
            "requests_limit": lambda: self.limit,
            "requests_in_flight": lambda: self.in_flight - self.waiting,
            "requests_waiting": lambda: self.waiting,
        }

    def enter(self, *, to_work: bool, reserved: bool = False) -> "Place":
        """Let a request in; one with a reserved place is let in above the limit.

        Raises
        ------
        Overloaded
            If there is no place, or for a request that is to work no hope of a turn.
        """
        if to_work:
            self._came_at.append(self._now())
        self._require_place(self.in_flight, self.limit + RESERVED * reserved)
        if to_work:
            self._require_hope()
        self.in_flight += 1
        return Place(self)

    def leave(self, place: "Place") -> None:
        """Take a place back."""
        self.in_flight -= 1
        if place is self._holder:
            self._end_turn(place)

    def expect(self) -> None:
        """Look at a request that is about to enter to decide, before it costs anything.

        It counts as waiting until the loop's next turn, so that not all of those pass for which
        there is a single place.

        Raises
        ------
        Overloaded
            As `enter` would.
        """
        try:
            self._require_place(self.in_flight + self._arriving, self.limit)
            self._require_hope()
        except Overloaded:
            # whoever is let in here is counted when it enters
            self._came_at.append(self._now())
            raise
        if not self._arriving:
            asyncio.get_running_loop().call_soon(self._arrived)
        self._arriving += 1

    async def turn(self, place: "Place") -> None:
        """Wait until it is the turn of this place; first come, first served.

        Raises
        ------
        Overloaded
            If the queue is full, or a crowd comes meanwhile.
        """
        if self._holder is None and not self._queue:
            self._begin_turn(place)
            return
        self._require_hope()
        waiter = _Waiter(place, asyncio.get_running_loop().create_future())
        self._queue.append(waiter)
        try:
            if not await waiter.called:
                raise Overloaded("more requests come than can be served")
        except asyncio.CancelledError:
            if waiter in self._queue:
                self._queue.remove(waiter)
            raise

    def _require_place(self, taken: int, most: int) -> None:
        if taken >= most:
            self._refuse()
            raise Overloaded(f"more than {self.limit} requests are in flight")

    def _require_hope(self) -> None:
        if self._refused_in_a_row and self._is_over():
            self._refused_in_a_row = 0
        waiting = self.waiting + self._arriving
        if self.crowded and (waiting or self._holder is not None):
            self._refuse()
            raise Overloaded("more requests come than can be served")
        if waiting >= MOST_WAITING:
            self._refuse()
            raise Overloaded(f"{MOST_WAITING} requests wait to be served")

    def _is_over(self) -> bool:
        now = self._now()
        if now - self._refused_at > CALM_SEC:
            return True
        if not self.crowded or now - self._crowd_since <= CALM_SEC:
            return False
        few = len(self._came_at) < MOST_WAITING or now - self._came_at[0] > CALM_SEC
        return few or now - self._crowd_since > LONGEST_CROWD_SEC

    def _refuse(self) -> None:
        self.refused += 1
        self._refused_in_a_row += 1
        self._refused_at = self._now()
        if self._refused_in_a_row == CROWD_REFUSALS:
            self._crowd_since = self._refused_at
            while self._queue:
                waiter = self._queue.popleft()
                if not waiter.called.done():
                    self.refused += 1
                    waiter.called.set_result(False)

    def _arrived(self) -> None:
        self._arriving = 0

    def _begin_turn(self, place: "Place") -> None:
        self._holder = place
        loop = asyncio.get_running_loop()
        if self.crowded:
            loop.call_later(CROWD_PATIENCE_SEC, self._end_turn, place)
        else:
            # Behind whatever the loop finds ready: answers of the journal and of the policy.
            loop.call_soon(loop.call_soon, self._end_turn, place)

    def _end_turn(self, place: "Place") -> None:
        if place is not self._holder:
            return
        self._holder = None
        while self._queue:
            waiter = self._queue.popleft()
            if not waiter.called.done():
                waiter.called.set_result(True)
                self._begin_turn(waiter.place)
                return


class Place:
    """The place of one request; it may ask for a turn once."""

    __slots__ = ("_admitted",)

    def __init__(self, admitted: Admitted) -> None:
        self._admitted = admitted

    async def turn(self) -> None:
        """Wait for the turn; see `Admitted.turn`."""
        await self._admitted.turn(self)

    def leave(self) -> None:
        """Give it back."""
        self._admitted.leave(self)


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    place: Place
    called: asyncio.Future[bool]
