"""Kill the service under load and record it: ``python -m tests.tools.chaos.crash --rounds 20``."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Final

from tqdm import tqdm

from app.replay import ReplayReport, replay_journal
from tests.tools.bench.report import machine
from tests.tools.chaos.crash_load import TRADERS
from tests.tools.chaos.crash_round import Crashes, Round
from tests.tools.chaos.crash_service import Serving, serving

# A mock policy whose every failure opens the circuit, so that the breaker has a state to lose.
SETTINGS: Final = {
    "SYNCHRONOUS": "FULL",
    "ENABLE_RL": "true",
    "USE_MOCK_RL": "true",
    "CIRCUIT_BREAKER__FAILURE_THRESHOLD": "1",
    "CIRCUIT_BREAKER__INITIAL_TIMEOUT_SEC": "0.05",
    "CIRCUIT_BREAKER__MAX_TIMEOUT_SEC": "0.4",
    "LOG_LEVEL": "ERROR",
}
# So often the service is killed again while it starts.
TWICE_EVERY: Final = 4


def main() -> int:
    """Kill, judge, write; 1 if a promise is broken."""
    options = _parser().parse_args()
    first = 1 + SystemRandom().randrange(1000)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/himari.db"
        with serving(Path(folder), url, SETTINGS) as service:
            rounds, changed = asyncio.run(
                _crash(service, range(first, first + options.rounds), options.seconds)
            )
        replayed = replay_journal(url)
    page = "\n".join(_page(rounds, changed, replayed, first)) + "\n"
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "crash.md").write_text(page, "utf-8")
    sys.stdout.write(page)
    kept = all(result.kept for result in rounds) and not changed and not replayed.differences
    return int(not kept)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos.crash", description=__doc__)
    parser.add_argument("--rounds", type=int, default=20, help="times the service is killed")
    parser.add_argument("--seconds", type=float, default=3.0, help="longest load before it")
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    return parser


async def _crash(
    service: Serving, seeds: range, longest_sec: float
) -> tuple[list[Round], list[str]]:
    crashes = Crashes(service)
    rounds = [
        await crashes.play(seed, longest_sec, twice=place % TWICE_EVERY == 0)
        for place, seed in enumerate(tqdm(seeds, unit="round"), start=1)
    ]
    changed = await crashes.ask_all_again()
    crashes.fold.close()
    return rounds, changed


def _page(
    rounds: Sequence[Round], changed: Sequence[str], replayed: ReplayReport, first: int
) -> Iterator[str]:
    where = machine()
    command = " ".join(["python -m tests.tools.chaos.crash", *sys.argv[1:]])
    yield "# A service that is killed"
    yield ""
    yield f"`{command}` (seeds from {first}) on {where['processor']},"
    yield f"{where['cores']} cores, Python {where['python']}. `himari serve` on a SQLite file with"
    yield f"`SYNCHRONOUS=FULL` under {TRADERS} traders with an Idempotency-Key on each batch, who"
    yield "post outcomes, a feed of prices, and an operator who changes trading state and breaker."
    yield "SIGKILL at a random moment, each fourth time once more while the service starts; then a"
    yield "restart on the same file. Acknowledged is what was answered 200 and read whole."
    yield ""
    yield "| promise | measured | allowed |"
    yield "| --- | ---: | ---: |"
    for what, measured in _sums(rounds, changed, replayed):
        yield f"| {what} | {measured} | 0 |"
    yield ""
    yield f"Replay of the whole journal: {replayed.events} events, {replayed.compared} decisions"
    yield f"recomputed, {replayed.equal} equal to the last bit. A request whose answer nobody had"
    yield "read was decided once when it was repeated under its key."
    yield ""
    yield "| round | killed after | acknowledged decisions | others | in doubt | ready again |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: |"
    for place, result in enumerate(rounds, start=1):
        cells = (
            str(place),
            f"{result.killed_after_sec:.2f} s",
            str(result.decided),
            str(result.others),
            str(result.in_doubt),
            f"{result.ready_sec:.1f} s",
        )
        yield f"| {' | '.join(cells)} |"


def _sums(
    rounds: Sequence[Round], changed: Sequence[str], replayed: ReplayReport
) -> Iterator[tuple[str, int]]:
    decided, others = sum(r.decided for r in rounds), sum(r.others for r in rounds)
    asked = decided + sum(r.in_doubt for r in rounds)
    lost = sum(len(r.lost) for r in rounds)
    yield f"lost of {decided} decisions and {others} other changes acknowledged", lost
    again = sum(len(r.changed) for r in rounds) + len(changed)
    yield f"of {asked} keys asked again, and all once more at the end: other bytes", again
    yield "decisions beyond one a key", max(r.decided_twice for r in rounds)
    yield f"of {len(rounds)} integrity checks: not ok", sum(r.integrity != "ok" for r in rounds)
    yield "gaps in the numbers of the events", max(r.gaps for r in rounds)
    differing = sum(bool(r.differs) for r in rounds)
    yield "restarts whose state is not the fold of the journal from its first event", differing
    yield f"of {replayed.compared} decisions: other when recomputed", len(replayed.differences)
    yield "answers other than 200 before a kill", sum(sum(r.refused.values()) for r in rounds)


if __name__ == "__main__":
    sys.exit(main())
