"""The whole matrix, many times, as a page: ``python -m tests.tools.chaos.matrix``."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from tests.tools.bench.report import machine
from tests.tools.chaos.batch import phase2_answer
from tests.tools.chaos.broken_tls import TRUSTED, authority
from tests.tools.chaos.catalogue import FAULTS
from tests.tools.chaos.fault import Fault
from tests.tools.chaos.matrix_page import Run, p99, page
from tests.tools.chaos.memory import MOST_GROWTH_BYTES, measure_growth
from tests.tools.chaos.service import Service, hosted
from tests.tools.chaos.walk import ALLOWANCE_SEC, Walk, Walker

# How long each opening of a circuit under test lasts: long enough to ask before it is over.
WAIT_SEC: Final = 0.15
LARGE: Final = tuple(fault for fault in FAULTS if fault.family == "Size")


def services_under_test(deadline_sec: float, synchronous: str) -> dict[str, dict[str, Any]]:
    """Give the settings of the services that the faults name.

    Their circuits open at the first failure, always for `WAIT_SEC`.
    """
    breaker = {"failure_threshold": 1, "initial_timeout_sec": WAIT_SEC, "max_timeout_sec": WAIT_SEC}
    common = {
        "rl_timeout_sec": deadline_sec,
        "circuit_breaker": breaker,
        "synchronous": synchronous,
    }
    return {
        "plain": common,
        "https": common | {"endpoint": "https://127.0.0.1:{port}/predict"},
        "tls": common
        | {
            "endpoint": "https://127.0.0.1:{port}/predict",
            "rl_ca_file": str(authority(TRUSTED).certificate),
        },
        "nameless": common | {"endpoint": "http://policy.invalid:{port}/predict"},
        "flat": common,
        "any_model": common | {"rl_model_version": None},
    }


def main() -> int:
    """Walk, write; 1 if a promise is broken."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = services_under_test(options.deadline, options.synchronous)
        with hosted(Path(folder), settings) as services:
            walks = asyncio.run(_walk_all(services, options.times))
            growth = asyncio.run(_grow(services["plain"]))
    command = " ".join(["python -m tests.tools.chaos.matrix", *sys.argv[1:]])
    run = Run(command, machine(), options.deadline, options.synchronous, walks, growth)
    options.out.write_text("\n".join(page(run)) + "\n", "utf-8")
    for line in run.broken[:20]:
        sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"wrote {options.out}\n")
    late = p99(run.overshoots(net=True)) > ALLOWANCE_SEC
    return int(bool(run.broken) or late or max(growth.values()) >= MOST_GROWTH_BYTES)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos.matrix", description=__doc__)
    parser.add_argument("--times", type=int, default=10, help="walks of each fault")
    parser.add_argument("--deadline", type=float, default=0.3, help="of the policy, seconds")
    parser.add_argument("--synchronous", choices=("NORMAL", "FULL"), default="FULL")
    parser.add_argument("--out", type=Path, default=Path("docs/reliability-matrix.md"))
    return parser


async def _walk_all(services: Mapping[str, Service], times: int) -> dict[Fault, list[Walk]]:
    """Walk every fault in turn, and all of them again: a bad minute does not hit one alone."""
    phase2 = phase2_answer()
    walks: dict[Fault, list[Walk]] = {fault: [] for fault in FAULTS}
    for fault in tqdm([*FAULTS] * times, unit="walk"):
        service = services[fault.service]
        walker = Walker(service, service.caller(), phase2, WAIT_SEC)
        walks[fault].append(await walker.walk(fault))
        walker.caller.close()
    return walks


async def _grow(service: Service) -> dict[Fault, int]:
    caller = service.caller()
    growth = {fault: await measure_growth(service, caller, fault) for fault in LARGE}
    caller.close()
    return growth


if __name__ == "__main__":
    sys.exit(main())
