"""End a server under load, and see what becomes of those who are in it."""

import asyncio
import signal
import subprocess
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

from tests.tools.chaos.caller import Answer, Caller
from tests.tools.chaos.machine import withheld_sec

_CALLERS: Final = 6
_GONE: Final = (OSError, EOFError)


@dataclass(slots=True)
class Ending:
    """What callers and the one who asks for its health saw of the end."""

    answers: list[Answer] = field(default_factory=list)
    cut: int = 0
    lives: list[int] = field(default_factory=list)
    unready_sec: float | None = None
    exit_code: int | None = None
    lasted_sec: float = 0.0


async def end_under_load(
    process: subprocess.Popen[bytes], port: int, path: str, body: bytes
) -> Ending:
    """Send SIGTERM while callers ask one thing after another, until nobody answers any more.

    Times are without what the machine withheld from the server.
    """
    ending, busy = Ending(), asyncio.Semaphore(0)
    callers = [
        asyncio.create_task(_ask_until_gone(Caller(port), path, body, ending, busy))
        for _ in range(_CALLERS)
    ]
    for _ in range(2 * _CALLERS):
        await busy.acquire()
    process.send_signal(signal.SIGTERM)
    asked = monotonic()
    await asyncio.gather(*callers, _watch(port, process.pid, ending))
    ending.exit_code = await asyncio.to_thread(process.wait, 30.0)
    ending.lasted_sec = monotonic() - asked
    return ending


async def _ask_until_gone(
    caller: Caller, path: str, body: bytes, ending: Ending, busy: asyncio.Semaphore
) -> None:
    while True:
        try:
            ending.answers.append(await caller.ask("POST", path, body))
        except asyncio.IncompleteReadError as error:
            # closed between two answers is what a kept connection may always be
            ending.cut += bool(error.partial) or error.expected is not None
            if not await _answers(caller):
                return
        except _GONE:
            return
        busy.release()


async def _answers(caller: Caller) -> bool:
    try:
        await caller.ask("GET", "/health/live")
    except _GONE:
        return False
    return True


async def _watch(port: int, pid: int, ending: Ending) -> None:
    caller, began = Caller(port), monotonic() - withheld_sec(pid)
    try:
        while True:
            unready = (await caller.ask("GET", "/health/ready")).status == 503
            if unready and ending.unready_sec is None:
                ending.unready_sec = monotonic() - withheld_sec(pid) - began
            ending.lives.append((await caller.ask("GET", "/health/live")).status)
    except _GONE:
        return
