"""Build the stack, run it, break it, record it: ``python -m tests.tools.stack``."""

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPException
from pathlib import Path
from time import monotonic
from typing import Any, Final

from tests.tools.bench.report import machine
from tests.tools.stack.engine import Engine, StackBroken, running_engine
from tests.tools.stack.page import Outcome, page
from tests.tools.stack.stack import SERVICES, Stack, stack_of
from tests.tools.stack.steps import IMAGES, STEPS, Step

_BASE: Final = "docker.io/library/python:3.11-slim-bookworm"


def main() -> int:
    """Go through the steps, write; 1 if one does not hold."""
    options = _parser().parse_args()
    # an exception, so that the stack is taken down then too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    outcomes: list[Outcome] = []
    with ExitStack() as life:
        engine = life.enter_context(running_engine())
        stack = life.enter_context(stack_of(engine, is_fresh=not options.cached))
        for step in STEPS:
            outcomes.append(_take(stack, step))
            sys.stdout.write(f"{outcomes[-1].seconds:6.1f} s  {outcomes[-1].seen}\n")
            sys.stdout.flush()
            if not outcomes[-1].held:
                sys.stderr.writelines(_logs(stack))
                break
        sizes = dict(_sizes(engine))
        where = machine() | _about(stack)
    options.out.mkdir(parents=True, exist_ok=True)
    lines = "\n".join(page(outcomes, sizes, where)) + "\n"
    (options.out / "stack.md").write_text(lines, "utf-8")
    return int(len(outcomes) < len(STEPS) or not outcomes[-1].held)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.stack", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    parser.add_argument("--cached", action="store_true", help="build on the layers of before")
    return parser


def _take(stack: Stack, step: Step) -> Outcome:
    purpose = (step.__doc__ or "").partition("\n")[0].rstrip(".")
    started = monotonic()
    try:
        seen, held = step(stack), True
    except (StackBroken, OSError, HTTPException, subprocess.SubprocessError) as error:
        seen, held = f"{type(error).__name__}: {error}", False
    return Outcome(purpose, monotonic() - started, seen, held)


def _logs(stack: Stack) -> Iterator[str]:
    for service in SERVICES:
        yield f"--- {service}\n"
        yield stack.compose("logs", "--no-color", "--tail", "30", service, check=False).text


def _sizes(engine: Engine) -> Iterator[tuple[str, tuple[float, float]]]:
    for image in filter(engine.has_image, IMAGES):
        whole = engine.image_bytes(image) / 1e6
        yield image, (whole, whole - engine.image_bytes(_BASE) / 1e6)


def _about(stack: Stack) -> dict[str, Any]:
    return {
        "command": " ".join(["python -m tests.tools.stack", *sys.argv[1:]]),
        "podman": stack.engine.podman("version", "--format", "{{.Client.Version}}"),
        "compose": stack.compose("version", "--short").text.strip(),
    }


if __name__ == "__main__":
    sys.exit(main())
