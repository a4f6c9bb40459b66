"""The loop of the facade in a forked child, and its deadlines."""

import asyncio
import subprocess
import sys

import pytest

from app.facade.loop import BackgroundLoop

FORKED = """
import os, sys, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from app.facade import Layer3Phase3Hybrid
from tests.facade.guide import decide
hybrid = Layer3Phase3Hybrid(enable_metrics=False, **{arguments})
decide(hybrid)
child = os.fork()
if child == 0:
    try:
        print("sized", sorted(decide(hybrid).allocations), flush=True)
    except RuntimeError as error:
        print("RuntimeError", str(error).partition(" in process")[0], flush=True)
    sys.exit(0)
_, status = os.waitpid(child, 0)
print("child ended with", os.waitstatus_to_exitcode(status))
print("parent sized", sorted(decide(hybrid).allocations))
hybrid.stop()
"""


def forked(**arguments: object) -> list[str]:
    """Return what a program prints that uses one instance before and after a fork."""
    ended = subprocess.run(
        [sys.executable, "-c", FORKED.format(arguments=arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.stderr == ""
    return ended.stdout.splitlines()


def test_a_forked_child_with_a_policy_raises_at_once_and_the_parent_goes_on() -> None:
    assert forked(enable_rl=True, use_mock_rl=True) == [
        "RuntimeError this instance was started",
        "child ended with 0",
        "parent sized ['BTC-USD', 'ETH-USD']",
    ]


def test_a_forked_child_without_a_policy_sizes() -> None:
    assert forked() == [
        "sized ['BTC-USD', 'ETH-USD']",
        "child ended with 0",
        "parent sized ['BTC-USD', 'ETH-USD']",
    ]


def test_a_coroutine_without_a_result_ends_at_the_deadline_and_is_cancelled() -> None:
    loop, cancelled = BackgroundLoop(), asyncio.Event()

    async def waits() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        loop.run(waits(), 0.05)

    async def until_cancelled() -> bool:
        return await cancelled.wait()

    assert loop.run(until_cancelled(), 10.0)
    loop.stop()
