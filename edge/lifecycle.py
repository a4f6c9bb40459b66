"""Graceful shutdown: not ready at once, still accepting for the drain time, then the end."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def drain_on_sigterm(announce: Callable[[], None], drain_sec: float) -> Iterator[None]:
    """Delay the server's own SIGTERM handler by the drain time, and call ``announce`` at once.

    Works under plain ``uvicorn`` as well, whose handler is in place when the lifespan starts.
    A second SIGTERM does not wait. Outside the main thread (tests, embedding) Python sets no
    signal handlers, so nothing is changed.

    Parameters
    ----------
    announce : callable
        Turns readiness to 503.
    drain_sec : float, seconds
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    server = signal.getsignal(signal.SIGTERM)
    draining = False

    def finish(number: int, frame: FrameType | None) -> None:
        signal.signal(number, server)
        if callable(server):
            server(number, frame)
        else:
            signal.raise_signal(number)

    def begin(number: int, frame: FrameType | None) -> None:
        nonlocal draining
        # open event streams end only on this call
        announce()
        if draining or drain_sec <= 0.0:
            finish(number, frame)
            return
        draining = True
        loop.call_soon_threadsafe(loop.call_later, drain_sec, finish, number, None)

    signal.signal(signal.SIGTERM, begin)
    try:
        with _announced_on_sigint(announce):
            yield
    finally:
        if signal.getsignal(signal.SIGTERM) is begin:
            signal.signal(signal.SIGTERM, server)


@contextmanager
def _announced_on_sigint(announce: Callable[[], None]) -> Iterator[None]:
    keyboard = signal.getsignal(signal.SIGINT)
    if not callable(keyboard):
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        announce()
        keyboard(number, frame)

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is interrupt:
            signal.signal(signal.SIGINT, keyboard)


@contextmanager
def exit_zero_on_sigterm(is_started: Callable[[], bool]) -> Iterator[None]:
    """Make SIGTERM end a server that has started with exit code 0.

    After its shutdown uvicorn raises the signal once more, which would end the process as if it
    had been killed.

    Parameters
    ----------
    is_started : callable
        Before that, SIGTERM ends the process at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal wants it
        if not is_started():
            raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
