"""From a fresh clone to the first decision, timed: ``python -m tests.tools.bench.newcomer``.

Clones this repository, makes the environment, starts the service and posts the README's batch. What
is downloaded comes from wherever pip is told to look, its cache included: the machine's, as a
newcomer's would.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import httpx

from tests.tools.bench.report import machine

ROOT: Final = Path(__file__).parents[3]
_ADDRESS: Final = "http://localhost:8000"
_PATIENCE_SEC: Final = 120.0


def main() -> int:
    """Play the newcomer, write the page."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.bench.newcomer", description=__doc__
    )
    parser.add_argument("--out", type=Path, default=Path("docs/bench/newcomer.md"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        steps = dict(first_decision(Path(folder) / "clone"))
    page = "\n".join(page_of(steps)) + "\n"
    options.out.write_text(page, "utf-8")
    sys.stdout.write(page)
    return 0


def first_decision(clone: Path) -> Iterator[tuple[str, float]]:
    """Go the newcomer's way; yields each step with the seconds that it took."""
    started = time.monotonic()
    _run(["git", "clone", "--quiet", str(ROOT), str(clone)], ROOT)
    yield "git clone", time.monotonic() - started
    started = time.monotonic()
    _run(["make", "install"], clone)
    yield "make install", time.monotonic() - started
    started = time.monotonic()
    service = subprocess.Popen(  # our own make target
        ["make", "run"],  # noqa: S607
        cwd=clone,
        env=_clean(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _wait_until_ready(started)
        yield "make run, until ready", time.monotonic() - started
        started = time.monotonic()
        answer = httpx.post(f"{_ADDRESS}/allocate", json=readme_batch(clone), timeout=30.0)
        yield "the README's batch", time.monotonic() - started
        if answer.json()["allocations"] != {"BTC-USD": 15000.0}:
            raise RuntimeError(f"the README promises 15000 USD of BTC-USD, was {answer.text[:300]}")
    finally:
        os.killpg(service.pid, signal.SIGTERM)
        service.wait(30.0)


def readme_batch(clone: Path) -> dict[str, Any]:
    """Read the batch of the README's first request."""
    text = (clone / "README.md").read_text("utf-8")
    request = r"curl -s http://localhost:8000/allocate .*? -d '(\{.*?\})'\n```"
    found = re.search(request, text, re.DOTALL)
    if found is None:
        raise RuntimeError("the README must have a first request with curl")
    batch: dict[str, Any] = json.loads(found[1])
    return batch


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(
        command, cwd=folder, env=_clean(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-1000:]}")


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HIMARI_")}


def _wait_until_ready(started: float) -> None:
    while time.monotonic() - started < _PATIENCE_SEC:
        try:
            if httpx.get(f"{_ADDRESS}/health/ready", timeout=1.0).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(f"the service must be ready within {_PATIENCE_SEC:.0f} s")


def page_of(steps: Mapping[str, float]) -> Iterator[str]:
    """Write the page: steps by name with their seconds."""
    where: dict[str, Any] = machine()
    yield "# From clone to first decision"
    yield ""
    yield f"`python -m tests.tools.bench.newcomer` on {where['processor']}, {where['cores']} cores,"
    yield f"Python {where['python']}; packages from pip's cache where it has them."
    yield "`make install` makes everything but training; `make demo` needs no more."
    yield ""
    yield "| step | seconds |"
    yield "| --- | ---: |"
    for name, seconds in steps.items():
        yield f"| {name} | {seconds:.1f} |"
    yield f"| **together** | **{sum(steps.values()):.0f}** |"


if __name__ == "__main__":
    sys.exit(main())
