"""Places for what takes long or takes the loop: so many, and the next one is told to come again."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from app.console.errors import FormRefused


@dataclass(slots=True)
class Places:
    """How many there are and are taken, and what is told when there is none.

    ``retry_sec`` is the time after which to come again.
    """

    most: int
    told: str
    retry_sec: int
    taken: int = 0
    _at_work: asyncio.Lock = field(default_factory=asyncio.Lock)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Hold a place.

        Raises
        ------
        FormRefused
            If none is free.
        """
        if self.taken >= self.most:
            raise FormRefused(503, self.told, retry_sec=self.retry_sec)
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a place, and wait in it until whoever came before is done.

        Raises
        ------
        FormRefused
            If none is free.
        """
        with self.hold():
            async with self._at_work:
                # whatever is ready comes first: the work that follows does not let go of the loop
                await asyncio.sleep(0)
                yield
