"""Let the policy server flap and record it: ``python -m tests.tools.chaos.flaps --flaps 200``."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tqdm import tqdm

from tests.tools.bench.report import machine
from tests.tools.chaos.flapping import CALLERS, PATIENCE_SEC, Flap, Flapper, flapping_settings
from tests.tools.chaos.service import hosted

MEGABYTE: Final = 1024 * 1024
# RL is back this long after the breaker's wait at the latest.
BACK_WITHIN_SEC: Final = 1.0
MOST_GROWTH: Final = 0.05
# By then whatever is filled by the first decisions is full: above all the journal's page cache.
_WARM_AFTER: Final = 0.25


@dataclass(frozen=True, slots=True)
class Verdict:
    """One promise: what was measured, what is allowed, whether it was kept."""

    what: str
    measured: str
    allowed: str
    kept: bool


def judge(flaps: Sequence[Flap]) -> list[Verdict]:
    """Hold the flaps to the promises; growth counts from the end of the warm-up."""
    warm, last = flaps[int(len(flaps) * _WARM_AFTER)], flaps[-1]
    other = sum(flap.statuses.total() - flap.statuses[200] for flap in flaps)
    late = max(flap.recovered_sec - flap.wait_sec for flap in flaps)
    stuck = max(flap.in_flight for flap in flaps)
    files = last.open_files / warm.open_files - 1.0
    resident = last.resident_bytes / warm.resident_bytes - 1.0
    return [
        Verdict("answers other than 200", f"{other}", "0", other == 0),
        Verdict(
            "longest until RL is back, beyond the breaker's wait",
            f"{late:.2f} s",
            f"<= {BACK_WITHIN_SEC:g} s",
            late <= BACK_WITHIN_SEC,
        ),
        Verdict("places of the bulkhead in use afterwards", f"{stuck}", "0", stuck == 0),
        Verdict("growth of open files", f"{files:+.1%}", "< 5 %", files < MOST_GROWTH),
        Verdict("growth of resident size", f"{resident:+.1%}", "< 5 %", resident < MOST_GROWTH),
    ]


def main() -> int:
    """Flap, write; 1 if a promise is broken."""
    options = _parser().parse_args()
    settings = flapping_settings(0.3 * options.second, 0.2 * options.second)
    with tempfile.TemporaryDirectory() as folder, hosted(Path(folder), {"flapping": settings}) as s:
        flaps = asyncio.run(_flap_all(s["flapping"], options.flaps, options.second))
    command = " ".join(["python -m tests.tools.chaos.flaps", *sys.argv[1:]])
    verdicts = judge(flaps)
    options.out.mkdir(parents=True, exist_ok=True)
    page = "\n".join(_page(flaps, verdicts, command)) + "\n"
    (options.out / "flaps.md").write_text(page, "utf-8")
    (options.out / "flaps.json").write_text(_document(flaps, command), "utf-8")
    sys.stdout.write(page)
    return int(not all(verdict.kept for verdict in verdicts))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos.flaps", description=__doc__)
    parser.add_argument("--flaps", type=int, default=200, help="times the server goes and comes")
    parser.add_argument("--second", type=float, default=1.0, help="how long it is down, and up")
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    return parser


async def _flap_all(service: Any, count: int, half_sec: float) -> list[Flap]:
    async with Flapper(service, half_sec) as flapper:
        return [await flapper.flap() for _ in tqdm(range(count), unit="flap")]


def _page(flaps: Sequence[Flap], verdicts: Sequence[Verdict], command: str) -> Iterator[str]:
    where, answers = machine(), sum(flap.statuses.total() for flap in flaps)
    warm, last = flaps[int(len(flaps) * _WARM_AFTER)], flaps[-1]
    yield "# A policy server that flaps"
    yield ""
    yield f"`{command}` on {where['processor']}, {where['cores']} cores,"
    yield f"Python {where['python']}. {len(flaps)} times the server went away and came back, each"
    yield f"time with two bursts of {CALLERS} callers, half of whom gave up after"
    yield f"{PATIENCE_SEC * 1e3:.0f} ms: {answers} answers reached those who waited."
    yield ""
    yield "| promise | measured | allowed | |"
    yield "| --- | ---: | ---: | --- |"
    for verdict in verdicts:
        kept = "kept" if verdict.kept else "**broken**"
        yield f"| {verdict.what} | {verdict.measured} | {verdict.allowed} | {kept} |"
    yield ""
    yield "After a quarter of the flaps, in which the journal's page cache fills,"
    yield f"{warm.open_files} files were open and {warm.resident_bytes / MEGABYTE:.1f} MB resident;"
    yield f"at the end {last.open_files} and {last.resident_bytes / MEGABYTE:.1f} MB."
    yield ""
    yield "| the server was | flaps | answers | of them RL | slowest answer | RL back within |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for down in dict.fromkeys(flap.down for flap in flaps):
        those = [flap for flap in flaps if flap.down == down]
        cells = (
            down,
            str(len(those)),
            str(sum(flap.statuses.total() for flap in those)),
            str(sum(flap.used for flap in those)),
            f"{max(flap.slowest_sec for flap in those):.2f} s",
            f"{max(flap.recovered_sec for flap in those):.2f} s",
        )
        yield f"| {' | '.join(cells)} |"


def _document(flaps: Sequence[Flap], command: str) -> str:
    rows = [
        {name: getattr(flap, name) for name in Flap.__dataclass_fields__ if name != "statuses"}
        | {"statuses": dict(flap.statuses)}
        for flap in flaps
    ]
    return json.dumps({"command": command, "machine": machine(), "flaps": rows}, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
