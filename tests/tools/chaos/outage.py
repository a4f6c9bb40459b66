"""Keep the policy server away for long and record it: ``python -m tests.tools.chaos.outage``."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final

from tqdm import tqdm

from tests.adapters.policy.policy_server import PolicyServer, reset_on_accept
from tests.tools.bench.report import machine
from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.service import Service, hosted

# What the default settings make of an outage: five failures open the circuit, and it is probed
# after 30, 60, 120, 240 and then 300 s.
THRESHOLD: Final = 5
WAITS_SEC: Final = (30.0, 60.0, 120.0, 240.0)
LONGEST_SEC: Final = 300.0


def expected_hits(outage_sec: float) -> int:
    """Count the calls that the policy may get within an outage: five, and one each probe."""
    hits, at, waits = THRESHOLD, 0.0, iter(WAITS_SEC)
    while (at := at + next(waits, LONGEST_SEC)) < outage_sec:
        hits += 1
    return hits


@dataclass(frozen=True, slots=True)
class Outage:
    """What an outage showed."""

    lasted_sec: float
    statuses: Counter[int]
    reasons: Counter[str]
    slowest_sec: float
    hits: int
    let_through: int


def main() -> int:
    """Wait it out, write; 1 if a promise is broken."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder, hosted(Path(folder), {"lonely": {}}) as services:
        outage = asyncio.run(_endure(services["lonely"], 60.0 * options.minutes, options.rate))
    command = " ".join(["python -m tests.tools.chaos.outage", *sys.argv[1:]])
    options.out.mkdir(parents=True, exist_ok=True)
    page = "\n".join(_page(outage, command)) + "\n"
    (options.out / "outage.md").write_text(page, "utf-8")
    sys.stdout.write(page)
    kept = set(outage.statuses) == {200} and outage.hits == outage.let_through
    return int(not kept or outage.hits != expected_hits(outage.lasted_sec))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos.outage", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="how long it stays away")
    parser.add_argument("--rate", type=float, default=5.0, help="questions a second")
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    return parser


async def _endure(service: Service, outage_sec: float, rate: float) -> Outage:
    statuses: Counter[int] = Counter()
    reasons: Counter[str] = Counter()
    slowest, caller = 0.0, service.caller()
    async with PolicyServer(reset_on_accept, service.upstream_port) as policy:
        started = monotonic()
        for place in tqdm(range(round(outage_sec * rate)), unit="ask"):
            await asyncio.sleep(max(0.0, started + place / rate - monotonic()))
            asked = monotonic()
            answer = await caller.ask("POST", "/allocate", BATCH)
            slowest = max(slowest, monotonic() - asked)
            statuses[answer.status] += 1
            reasons[str(answer.document().get("fallback_reason"))] += 1
        lasted = monotonic() - started
        let_through = (await service.circuit(caller))["total_requests"]
    caller.close()
    return Outage(lasted, statuses, reasons, slowest, policy.connections, let_through)


def _page(outage: Outage, command: str) -> Iterator[str]:
    where: dict[str, Any] = machine()
    yield "# A policy server that stays away"
    yield ""
    yield f"`{command}` on {where['processor']}, {where['cores']} cores,"
    yield f"Python {where['python']}, default settings; every connection to the policy is reset."
    yield ""
    yield "| | |"
    yield "| --- | ---: |"
    yield f"| lasted | {outage.lasted_sec:.0f} s |"
    yield f"| answers by status | {json.dumps(outage.statuses)} |"
    yield f"| `fallback_reason` | {json.dumps(outage.reasons)} |"
    yield f"| slowest answer | {outage.slowest_sec * 1e3:.0f} ms |"
    yield f"| calls that the breaker let through | {outage.let_through} |"
    yield f"| calls that reached the policy | {outage.hits} |"
    yield f"| five failures and the probes of that time | {expected_hits(outage.lasted_sec)} |"


if __name__ == "__main__":
    sys.exit(main())
