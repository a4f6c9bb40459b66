"""Slots for slow work: a fixed number, beyond which requests are refused with ``Retry-After``."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from app.console.errors import FormRefused


@dataclass(slots=True)
class Slots:
    """Counts the requests that do one kind of slow work, and refuses more than a limit.

    Parameters
    ----------
    limit : int
        Requests that may hold a slot at once.
    message : str
        Text of the refusal.
    retry_sec : int
        Value of ``Retry-After``, seconds.
    """

    limit: int
    message: str
    retry_sec: int
    taken: int = 0
    _working: asyncio.Lock = field(default_factory=asyncio.Lock)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a slot while the block runs.

        Raises
        ------
        FormRefused
            If none is free.
        """
        if self.taken >= self.limit:
            raise FormRefused(503, self.message, retry_sec=self.retry_sec)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    @asynccontextmanager
    async def hold_in_turn(self) -> AsyncIterator[None]:
        """Hold a slot, and run the block once every earlier holder is done.

        Raises
        ------
        FormRefused
            If none is free.
        """
        with self.hold():
            async with self._working:
                # the work that follows blocks the event loop, so let ready tasks run first
                await asyncio.sleep(0)
                yield
