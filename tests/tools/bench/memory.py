"""(e) Memory: resident size after 10,000 and after 100,000 decisions of ten signals."""

import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

from app.facade import CascadeIndicators, Layer3Phase3Hybrid, TacticalSignal
from tests.tools.bench.batches import CALM, prices, wire_signals
from tests.tools.bench.rows import Row

SECTION: Final = "Memory, in process"
EARLY: Final = 10_000
LATE: Final = 100_000
SIGNALS: Final = 10


def measure(_rounds: int) -> Iterator[Row]:
    """Decide in a process of its own, with new prices and outcomes all the time."""
    program = [sys.executable, "-m", "tests.tools.bench.memory"]
    ended = subprocess.run(program, capture_output=True, text=True, check=True)
    early, late = (float(word) for word in ended.stdout.split())
    yield Row(SECTION, f"resident after {EARLY:,} decisions", early, "MB")
    yield Row(SECTION, f"resident after {LATE:,} decisions", late, "MB")
    yield Row(SECTION, "growth from there on", late / early - 1.0, "share", at_most=0.05)


def main() -> None:
    """Print the resident size, MB, at both points."""
    calm = CascadeIndicators(**CALM)
    with Layer3Phase3Hybrid() as hybrid:
        for step in count(1):
            answer = hybrid.process_signals(
                signals=[TacticalSignal(**signal) for signal in wire_signals(SIGNALS, step)],
                cascade_indicators=calm,
                current_prices=prices(SIGNALS, step),
            )
            hybrid.record_outcome("SYM0000", 0.01 * (-1) ** step, decision_id=answer.decision_id)
            if step in {EARLY, LATE}:
                sys.stdout.write(f"{_resident_mb()}\n")
            if step == LATE:
                return


def _resident_mb() -> float:
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024.0
    raise RuntimeError("the kernel does not tell the resident size")


if __name__ == "__main__":
    main()
