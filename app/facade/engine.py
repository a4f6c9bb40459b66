"""The service's engine with a way to run it from blocking code."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, TypeVar

from app.core.errors import InvalidInput
from app.facade.client import TransformerRLClient
from app.facade.loop import BackgroundLoop
from app.pipeline.service import SizingService

Answer = TypeVar("Answer")


class Engine:
    """Runs one service: on the spot where it never waits, else in the RL client's loop.

    Without a policy and without a database no coroutine of the service ever suspends, so one
    `send` drives it to its end: no thread, no loop, no hand-over.

    Parameters
    ----------
    service : SizingService
    client : TransformerRLClient
    waits : bool
        Whether the service has a policy or a database to wait for.
    owned : bool
        Whether the client ends with this engine.
    """

    def __init__(
        self, service: SizingService, client: TransformerRLClient, *, waits: bool, owned: bool
    ) -> None:
        self.service: Final = service
        self._loop: Final[BackgroundLoop] = client.loop
        self._waits = waits
        self._owned = owned
        self._lock = threading.Lock()
        self._stopped = False
        self._untell: Callable[[], None] | None = None
        if service.world.gate.client is not None:
            moved = partial(self._loop.soon, service.operating.circuit_moved)
            self._untell = client.circuit_breaker.tell(moved)

    def start(self) -> None:
        """Start the service; where it cannot, everything is released again.

        Raises
        ------
        JournalUnavailable
            If the database cannot be opened.
        """
        try:
            self.run(self.service.start())
        except BaseException:
            self._stopped = True
            if self._owned:
                self._loop.stop()
            raise

    def run(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """Run a coroutine of the service to its end.

        Raises
        ------
        ValueError
            In place of the service's InvalidInput.
        RuntimeError
            If the engine was stopped.
        """
        self._require_running(coroutine)
        try:
            if self._waits:
                return self._loop.run(coroutine)
            with self._lock:
                return _finished(coroutine)
        except InvalidInput as error:
            raise ValueError(str(error)) from error

    async def run_aside(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """Run a coroutine of the service without blocking the caller's event loop."""
        if not self._waits:
            return self.run(coroutine)
        self._require_running(coroutine)
        try:
            return await asyncio.wrap_future(self._loop.submit(coroutine))
        except InvalidInput as error:
            raise ValueError(str(error)) from error

    def ask(self, question: Callable[[], Answer]) -> Answer:
        """Call a function of the service where its state is at rest."""

        async def answered() -> Answer:
            return question()

        return self.run(answered())

    def stop(self) -> None:
        """Stop the service, and the loop with an owned client; again is nothing."""
        if self._stopped:
            return
        self._stopped = True
        if self._untell is not None:
            self._untell()
        if not self._waits:
            _finished(self.service.stop())
            if self._owned:
                self._loop.stop()
        elif self._owned:
            self._loop.stop(self.service.stop())
        elif not self._loop.stopped:
            self._loop.run_unless_inside(self.service.stop())

    def _require_running(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        if self._stopped:
            coroutine.close()
            raise RuntimeError("this instance was stopped; make a new one")


def _finished(coroutine: Coroutine[Any, Any, Answer]) -> Answer:
    try:
        coroutine.send(None)
    except StopIteration as end:
        answer: Answer = end.value
        return answer
    coroutine.close()
    raise RuntimeError("the engine waited for something although it has nothing to wait for")
