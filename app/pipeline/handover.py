"""Track which decisions were committed but not yet sent to their callers."""

import asyncio
from collections.abc import Set as AbstractSet


class Delivery:
    """The answer of one request: pending from the commit of its decision until it was sent.

    Parameters
    ----------
    handover : Handover
    """

    __slots__ = ("_done", "_handover")

    def __init__(self, handover: "Handover") -> None:
        self._handover = handover
        self._done = False

    def committed(self) -> None:
        """Count the request's decision as pending, unless the request has ended already."""
        if not self._done:
            self._handover.add(self)

    def sent(self) -> None:
        """End it: the answer was sent, or the caller went away. A second call has no effect."""
        self._done = True
        self._handover.remove(self)


class Handover:
    """The pending answers of one process.

    Parameters
    ----------
    wait_at_most_sec : float, seconds
        Longest wait for pending answers to be sent.
    """

    def __init__(self, wait_at_most_sec: float = 1.0) -> None:
        self._wait_at_most_sec = wait_at_most_sec
        self._pending: set[Delivery] = set()
        self._waiting: list[tuple[set[Delivery], asyncio.Future[None]]] = []

    def pending(self) -> frozenset[Delivery]:
        """Return the answers that are pending now."""
        return frozenset(self._pending)

    def add(self, delivery: Delivery) -> None:
        """Make an answer pending."""
        self._pending.add(delivery)

    def remove(self, delivery: Delivery) -> None:
        """End an answer, and every wait for it alone."""
        self._pending.discard(delivery)
        for left, ended in self._waiting:
            left.discard(delivery)
            if not left and not ended.done():
                ended.set_result(None)

    async def wait(self, deliveries: AbstractSet[Delivery]) -> bool:
        """Wait until none of these is pending; False if some still were after the longest wait.

        Does not suspend where none is pending, so it needs no event loop then.
        """
        left = deliveries & self._pending
        if not left:
            return True
        entry = (set(left), asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(self._wait_at_most_sec):
                await entry[1]
        except TimeoutError:
            return False
        finally:
            self._waiting.remove(entry)
        return True
