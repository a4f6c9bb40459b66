"""Callers who take more than their share: slow ones, idle ones, huge ones."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.caller import Caller

SLOW: Final = 100
IDLE: Final = 200
SIGNALS: Final = 5_000
_DRIP_SEC: Final = 0.05
_HEAD: Final = "{} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
_GONE: Final = (OSError, EOFError)

Greed = Callable[[int], Coroutine[Any, Any, None]]


async def drip_a_body(port: int) -> None:
    """Send a body a byte at a time, again whenever the service has enough of it."""
    head = _HEAD.format("POST /allocate") + f"content-length: {len(BATCH)}\r\n\r\n"
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(head.encode())
            for place in range(len(BATCH) - 1):
                writer.write(BATCH[place : place + 1])
                await writer.drain()
                await asyncio.sleep(_DRIP_SEC)
                if reader.at_eof():
                    break
        except _GONE:
            continue
        finally:
            writer.close()


async def stay_idle(port: int) -> None:
    """Open a connection and say nothing, again whenever it is closed."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await reader.read()
        except _GONE:
            continue
        finally:
            writer.close()


async def send_the_largest(port: int) -> None:
    """Send the largest batch that is allowed as often as it is answered."""
    body, caller = largest_batch(), Caller(port)
    while True:
        await caller.ask("POST", "/allocate", body)


def largest_batch() -> bytes:
    """Make a batch of as many signals as the default allows, on a thousand symbols."""
    batch = json.loads(BATCH)
    model = batch["signals"][0]
    names = [f"S{number}" for number in range(1_000)]
    batch["signals"] = [
        model | {"strategy_id": f"strategy-{place // 1_000}", "symbol": names[place % 1_000]}
        for place in range(SIGNALS)
    ]
    batch["current_prices"] = dict.fromkeys(names, 100.0)
    batch["current_positions"] = {}
    return json.dumps(batch).encode()


KINDS: Final[dict[str, tuple[Greed, int]]] = {
    f"{SLOW} that drip their bodies": (drip_a_body, SLOW),
    f"{IDLE} idle connections": (stay_idle, IDLE),
    f"one with {SIGNALS} signals a batch": (send_the_largest, 1),
}


@asynccontextmanager
async def greedy(greed: Greed, count: int, port: int) -> AsyncIterator[None]:
    """Let so many of a kind be at it until the block ends."""
    tasks = [asyncio.create_task(greed(port)) for _ in range(count)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
