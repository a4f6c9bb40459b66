"""Ten times what the service can take, recorded: ``python -m tests.tools.chaos.overload``."""

import argparse
import asyncio
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Final

from tests.tools.bench.report import machine
from tests.tools.chaos.batch import BATCH
from tests.tools.chaos.crash_service import Serving, serving
from tests.tools.chaos.flaps import MEGABYTE, Verdict
from tests.tools.chaos.machine import forget_peak, peak_bytes, resident_bytes
from tests.tools.chaos.overload_greedy import KINDS, greedy
from tests.tools.chaos.overload_load import Met, Plan
from tests.tools.chaos.service import ROOT

TIMES: Final = 10.0
MOST_TIMES: Final = 2.0
MOST_GROWTH_BYTES: Final = 64 * MEGABYTE
# Until an overload is detected: a burst of 128 is served whole.
ONSET_SEC: Final = 1.0
_SATURATING: Final = 16


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of the phases, and the memory before, at most, and after the overload."""

    alone: Met
    saturated: Met
    overload: Met
    resident: tuple[int, int, int]


def p(latencies: Sequence[float], share: float) -> float:
    """Quantile, seconds; NaN of nothing."""
    ordered = sorted(latencies)
    return ordered[int(share * (len(ordered) - 1))] if ordered else float("nan")


def after_onset(met: Met) -> Met:
    """Keep the answers to what was asked after the onset."""
    kept = [place for place, at in enumerate(met.at) if at >= ONSET_SEC]
    return Met(raw=[met.raw[place] for place in kept], net=[met.net[place] for place in kept])


async def load(service: Serving, seconds: float, *, rate: float = 0.0, callers: int = 1) -> Met:
    """Load the service from a process of its own."""
    plan = Plan(service.port, service.pid, BATCH.decode(), seconds, rate, callers)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.tools.chaos.overload_load",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    output, _ = await process.communicate(json.dumps(asdict(plan)).encode())
    return Met.read(output.decode())


async def play(service: Serving, rounds: int, seconds: float) -> list[Round]:
    """Interleave one caller alone, saturation, and the overload."""
    played: list[Round] = []
    await load(service, 1.0, callers=4)
    rate = 0.0
    for _ in range(rounds):
        alone = await load(service, seconds / 3.0)
        saturated = await load(service, seconds / 4.0, callers=_SATURATING)
        rate = rate or TIMES * saturated.statuses["200"] / saturated.seconds
        before = resident_bytes(service.pid)
        forget_peak(service.pid)
        overload = await load(service, seconds, rate=rate)
        resident = (before, peak_bytes(service.pid), resident_bytes(service.pid))
        played.append(Round(alone, saturated, overload, resident))
    return played


async def be_fair(service: Serving, seconds: float) -> dict[str, Met]:
    """Measure one caller alone, and beside each kind of greedy ones."""
    met = {"nobody": await load(service, seconds)}
    for name, (greed, count) in KINDS.items():
        async with greedy(greed, count, service.port):
            await asyncio.sleep(0.5)
            met[name] = await load(service, seconds)
    return met


def judge(rounds: Sequence[Round]) -> list[Verdict]:
    """Hold the rounds to the promises."""
    alone = median(p(turn.alone.net, 0.99) for turn in rounds)
    accepted = median(p(after_onset(turn.overload).net, 0.99) for turn in rounds)
    other = statuses(rounds).keys() - {"200", "429", "503"}
    silent = sum(turn.overload.without_retry_after for turn in rounds)
    hung = sum(turn.overload.hung + turn.overload.lost for turn in rounds)
    growth = max(turn.resident[1] for turn in rounds) - rounds[0].resident[0]
    return [
        Verdict(
            f"accepted p99 against one caller's, net, after {ONSET_SEC:g} s",
            f"{accepted / alone:.2f} times",
            f"<= {MOST_TIMES:g}",
            accepted <= MOST_TIMES * alone,
        ),
        Verdict("answers other than 200, 429, 503", f"{len(other)}", "0", not other),
        Verdict("refusals without Retry-After", f"{silent}", "0", silent == 0),
        Verdict("requests without an answer", f"{hung}", "0", hung == 0),
        Verdict(
            "growth of resident size, peak",
            f"{growth / MEGABYTE:.1f} MB",
            f"< {MOST_GROWTH_BYTES / MEGABYTE:g} MB",
            growth < MOST_GROWTH_BYTES,
        ),
    ]


def statuses(rounds: Sequence[Round]) -> Counter[str]:
    """Count the answers of all overloads by status."""
    found: Counter[str] = Counter()
    for turn in rounds:
        found.update(turn.overload.statuses)
    return found


def main() -> int:
    """Load, write; 1 if a promise is broken."""
    options = _parser().parse_args()
    settings = {"LOG_LEVEL": "ERROR"}
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/himari.db"
        with serving(Path(folder), url, settings) as service:
            rounds = asyncio.run(play(service, options.rounds, options.seconds))
            fair = asyncio.run(be_fair(service, options.seconds / 3.0))
    verdicts = judge(rounds)
    command = " ".join(["python -m tests.tools.chaos.overload", *sys.argv[1:]])
    page = "\n".join((*_page(rounds, verdicts, command), *_fairness(fair))) + "\n"
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "overload.md").write_text(page, "utf-8")
    sys.stdout.write(page)
    return int(not all(verdict.kept for verdict in verdicts))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.tools.chaos.overload", description=__doc__
    )
    parser.add_argument("--rounds", type=int, default=2, help="turns of the three phases")
    parser.add_argument("--seconds", type=float, default=10.0, help="of overload in each")
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    return parser


def _page(rounds: Sequence[Round], verdicts: Sequence[Verdict], command: str) -> Iterator[str]:
    where, counted = machine(), statuses(rounds)
    overloads = [turn.overload for turn in rounds]
    offered = median(met.offered / met.seconds for met in overloads)
    own = median(met.own_cpu_sec / met.seconds for met in overloads)
    late = max(p(met.late, 0.99) for met in overloads)
    yield "# Ten times too much"
    yield ""
    yield f"`{command}` on {where['processor']}, {where['cores']} cores,"
    yield f"Python {where['python']}: `himari serve`, journal in SQLite with full syncs, batches of"
    yield "3 signals. Medians of interleaved rounds. The load comes from another process on the"
    yield f"same cores, open loop, {offered:.0f} requests a second; it took {own:.0%} of a core and"
    yield f"its requests left at most {late * 1e3:.0f} ms late (p99). Net is less what the machine"
    yield "withheld from either process while a request was under way. The session's priority was"
    yield f"nice {_priority()}; other work ran on the machine."
    yield ""
    yield "| promise | measured | allowed | |"
    yield "| --- | ---: | ---: | --- |"
    for verdict in verdicts:
        kept = "kept" if verdict.kept else "**broken**"
        yield f"| {verdict.what} | {verdict.measured} | {verdict.allowed} | {kept} |"
    yield ""
    yield "| phase | answers 200 a second | p50 raw | p99 raw | p50 net | p99 net |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    yield _row("one caller", [turn.alone for turn in rounds])
    yield _row(f"{_SATURATING} callers", [turn.saturated for turn in rounds])
    yield _row("ten times that, onset included", overloads)
    after = [after_onset(met) for met in overloads]
    yield _row(f"the same after {ONSET_SEC:g} s", after)
    yield ""
    alone = [turn.alone for turn in rounds]
    yield f"Against the one caller, p99 is {_times(after, alone, 'raw')} times raw and"
    onset = _times(overloads, alone, "net")
    yield f"{_times(after, alone, 'net')} times net, and {onset} times net"
    yield "with the onset: until an overload is detected, admitted requests wait for each other."
    yield f"Answers under overload by status: {json.dumps(counted)}. A refusal took"
    yield f"{median(p(met.refused, 0.5) for met in overloads) * 1e3:.1f} ms (p50)."
    for number, turn in enumerate(rounds, 1):
        before, peak, later = (size / MEGABYTE for size in turn.resident)
        yield f"Round {number}: {before:.1f} MB resident before, {peak:.1f} at most,"
        yield f"{later:.1f} after."


def _times(mets: Sequence[Met], alone: Sequence[Met], field: str) -> str:
    loaded, unloaded = (median(p(getattr(m, field), 0.99) for m in of) for of in (mets, alone))
    return f"{loaded / unloaded:.1f}"


def _priority() -> int:
    """Priority of this session against the others of the machine; 0 is the usual one."""
    group = Path("/proc/self/autogroup")
    return int(group.read_text("ascii").split()[-1]) if group.exists() else 0


def _row(name: str, mets: Sequence[Met]) -> str:
    rate = median(len(met.raw) / met.seconds if met.seconds else 0.0 for met in mets)
    cells = [name, f"{rate:.0f}" if rate else ""]
    for field in ("raw", "net"):
        found = ([p(getattr(met, field), share) for met in mets] for share in (0.5, 0.99))
        cells += [f"{median(latencies) * 1e3:.1f} ms" for latencies in found]
    return f"| {' | '.join(cells)} |"


def _fairness(met: dict[str, Met]) -> Iterator[str]:
    yield ""
    yield "One caller who asks one thing after another, beside others:"
    yield ""
    yield "| beside | answers 200 | other | p50 raw | p99 raw | p50 net | p99 net |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"
    for name, one in met.items():
        other = sum(one.statuses.values()) - len(one.raw) + one.hung + one.lost
        times = [p(of, share) * 1e3 for of in (one.raw, one.net) for share in (0.5, 0.99)]
        cells = (name, str(len(one.raw)), str(other), *(f"{time:.1f} ms" for time in times))
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())
