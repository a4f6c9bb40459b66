"""Runs the service from blocking code."""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Final, TypeVar

from app.core.errors import InvalidInput
from app.core.types import TradingState
from app.facade.client import TransformerRLClient
from app.facade.loop import BackgroundLoop
from app.pipeline.service import SizingService

Answer = TypeVar("Answer")

# beyond the policy's deadline: the wait for the journal
_GRACE_SEC: Final = 60.0


class Engine:
    """Runs one service: in the calling thread where it never waits, else in the RL client's loop.

    Without a policy and without a database no coroutine of the service ever suspends, so one
    `send` runs it to its end, without a thread or a loop.

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
        self._deadline_sec = client.timeout_sec + _GRACE_SEC
        self._stopped = False
        self._unsubscribe: Callable[[], None] | None = None
        if service.world.gate.client is not None:
            moved = partial(self._loop.soon, service.operating.circuit_moved)
            self._unsubscribe = client.circuit_breaker.subscribe(moved)

    def start(self, at_first: TradingState) -> None:
        """Start the service; a failure releases everything again.

        Parameters
        ----------
        at_first : TradingState
            The trading state that a new journal begins with, in memory or in a database.

        Raises
        ------
        JournalUnavailable
            If the database cannot be opened.
        """
        try:
            # a long journal may take minutes to read: no deadline
            self._run(self.service.start(at_first), None)
        except BaseException:
            self._stopped = True
            if self._owned:
                self._loop.stop()
            raise

    def run(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """Return the result of a coroutine of the service.

        Raises
        ------
        ValueError
            In place of the service's InvalidInput.
        RuntimeError
            If the engine was stopped, or waits in a loop of the process that this one is a fork of.
        TimeoutError
            If there is no result within the policy's deadline and 60 s.
        """
        return self._run(coroutine, self._deadline_sec)

    def _run(self, coroutine: Coroutine[Any, Any, Answer], deadline_sec: float | None) -> Answer:
        self._require_running(coroutine)
        try:
            if self._waits:
                return self._loop.run(coroutine, deadline_sec)
            return self._run_here(coroutine, deadline_sec)
        except InvalidInput as error:
            raise ValueError(str(error)) from error

    def _run_here(
        self, coroutine: Coroutine[Any, Any, Answer], deadline_sec: float | None
    ) -> Answer:
        # in a fork the lock may be held by a thread that stayed behind
        if not self._lock.acquire(timeout=-1 if deadline_sec is None else deadline_sec):
            coroutine.close()
            raise TimeoutError(f"another call did not end within {deadline_sec:g} s")
        try:
            return _finished(coroutine)
        finally:
            self._lock.release()

    async def run_async(self, coroutine: Coroutine[Any, Any, Answer]) -> Answer:
        """Return the result of a coroutine without blocking the caller's event loop."""
        if not self._waits:
            return self.run(coroutine)
        self._require_running(coroutine)
        try:
            submitted = asyncio.wrap_future(self._loop.submit(coroutine))
            return await asyncio.wait_for(submitted, self._deadline_sec)
        except InvalidInput as error:
            raise ValueError(str(error)) from error

    def call(self, function: Callable[[], Answer]) -> Answer:
        """Return the result of a function of the service, called between two decisions."""

        async def called() -> Answer:
            return function()

        return self.run(called())

    def stop(self) -> None:
        """Stop the service, and the loop of an owned client; a second call does nothing."""
        if self._stopped:
            return
        self._stopped = True
        if self._unsubscribe is not None:
            self._unsubscribe()
        if self._loop.is_of_another_process():
            return
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
