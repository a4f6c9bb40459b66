"""Write events into a journal and die of SIGKILL: ``python -m tests.tools.chaos.disk_writer URL``.

What is left is a journal whose every event was acknowledged, most of them in its log alone.
"""

import asyncio
import os
import signal
import subprocess
import sys
from typing import Final

from app.adapters.journal.sql import SqlJournal
from tests.adapters.journal.journal_events import event

EVENTS: Final = 40


def leave_behind(url: str) -> None:
    """Let another process write a journal and die."""
    words = [sys.executable, "-m", "tests.tools.chaos.disk_writer", url]
    done = subprocess.run(words, capture_output=True, check=False)
    if done.returncode != -signal.SIGKILL:
        raise RuntimeError(done.stderr.decode())


async def _write(url: str) -> None:
    journal = SqlJournal(url)
    await journal.open()
    for seq in range(1, EVENTS + 1):
        payload = b'{"timestamp_ns": %d, "values": {"A": 1.0}}' % seq
        await journal.append(event(seq, payload=payload.strip))
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    asyncio.run(_write(sys.argv[1]))
