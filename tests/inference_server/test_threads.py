"""Arithmetic in the event loop stays on its own thread."""

import os
import subprocess
import sys

# the threads that a library starts are there once it has multiplied something big
COUNT_THREADS = """
import inference_server
import os
before = len(os.listdir("/proc/self/task"))
import numpy
numpy.ones((600, 600)) @ numpy.ones((600, 600))
print(before, len(os.listdir("/proc/self/task")), os.environ["OPENBLAS_NUM_THREADS"])
"""


def threads(**chosen: str) -> tuple[int, int, str]:
    clean = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    counted = subprocess.run(
        [sys.executable, "-c", COUNT_THREADS],
        env=clean | chosen,
        capture_output=True,
        timeout=60,
        check=True,
    )
    before, after, setting = counted.stdout.decode().split()
    return int(before), int(after), setting


def test_the_server_keeps_linear_algebra_to_one_thread() -> None:
    before, after, setting = threads()
    assert (after, setting) == (before, "1")


def test_who_sets_the_number_of_threads_keeps_it() -> None:
    assert threads(OPENBLAS_NUM_THREADS="2")[2] == "2"
