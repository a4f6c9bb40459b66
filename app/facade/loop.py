"""An event loop in a thread of its own, for blocking code that needs sockets."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Final, TypeVar

Answer = TypeVar("Answer")

_STOP_SEC: Final = 10.0


class BackgroundLoop:
    """Runs coroutines for callers in any thread, with or without a loop of their own.

    The thread starts with the first coroutine; it is a daemon, so it never keeps a program alive.
    Once ``stopped``, it refuses coroutines; so does a fork of the process that started the thread,
    because threads and connections stay behind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._process: int | None = None
        self.stopped = False

    def submit(self, coroutine: Coroutine[Any, Any, Answer]) -> Future[Answer]:
        """Return the future of a coroutine that was started.

        Raises
        ------
        RuntimeError
            If the loop was stopped, or was started by the process that this one is a fork of.
        """
        if self.is_of_another_process():
            coroutine.close()
            raise RuntimeError(
                f"this instance was started in process {self._process} and cannot work in its fork "
                f"{os.getpid()}; make a new one there"
            )
        with self._lock:
            if self.stopped:
                coroutine.close()
                raise RuntimeError("this instance was stopped; make a new one")
            if self._loop is None:
                self._loop = self._started()
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def run(
        self, coroutine: Coroutine[Any, Any, Answer], deadline_sec: float | None = None
    ) -> Answer:
        """Return the result of a coroutine; an interrupted wait cancels it.

        Raises
        ------
        TimeoutError
            If there is no result within ``deadline_sec`` (seconds; None: no deadline).
        """
        future = self.submit(coroutine)
        try:
            return future.result(deadline_sec)
        except BaseException:
            future.cancel()
            raise

    def is_of_another_process(self) -> bool:
        """Return whether the loop was started before this process was forked."""
        return self._process not in {None, os.getpid()}

    def run_unless_inside(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine; wait for it only from another thread than the loop's own.

        Garbage is collected in any thread, this one included, which cannot wait for itself.
        """
        future = self.submit(coroutine)
        if threading.current_thread() is not self._thread:
            future.result()

    def stop(self, last: Coroutine[Any, Any, None] | None = None) -> None:
        """Run one last coroutine, cancel the others, close the loop; a second call does nothing.

        In a fork there is nothing to close: sockets and thread are the parent's.
        """
        if self.is_of_another_process():
            self.stopped = True
            if last is not None:
                last.close()
            return
        with self._lock:
            loop, thread, first = self._loop, self._thread, not self.stopped
            self.stopped = True
        if loop is None or thread is None or not first:
            if last is not None:
                last.close()
            return
        done = asyncio.run_coroutine_threadsafe(_run_last(last), loop)
        if thread is not threading.current_thread():
            thread.join(_STOP_SEC)
            done.result(timeout=0.0)

    def soon(self, function: Callable[..., None], *args: Any) -> None:
        """Call a function inside the loop: now if this is its thread, else without waiting."""
        if threading.current_thread() is self._thread:
            function(*args)
            return
        if self.is_of_another_process():
            return
        with self._lock:
            if self._loop is not None and not self.stopped:
                self._loop.call_soon_threadsafe(function, *args)

    def _started(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        self._process = os.getpid()
        self._thread = threading.Thread(
            target=_run_until_stopped, args=(loop,), name="himari-loop", daemon=True
        )
        self._thread.start()
        return loop


async def _run_last(last: Coroutine[Any, Any, None] | None) -> None:
    try:
        if last is not None:
            await last
    finally:
        asyncio.get_running_loop().stop()


def _run_until_stopped(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        loop.run_until_complete(_cancel_the_rest())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
    finally:
        loop.close()


async def _cancel_the_rest() -> None:
    rest = asyncio.all_tasks() - {asyncio.current_task()}
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
