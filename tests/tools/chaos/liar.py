"""Let somebody lie beside an honest caller and record it: ``python -m tests.tools.chaos.liar``."""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from app.adapters.logging import configure_logging
from tests.tools.chaos.liar_cases import AS_SHIPPED, CASES, Case, Heard, judge, merged
from tests.tools.chaos.liar_compare import compare
from tests.tools.chaos.liar_lies import Liar
from tests.tools.chaos.liar_page import page_lines
from tests.tools.chaos.liar_run import Plan, Played, play
from tests.tools.chaos.liar_stream import Step, draw_steps


async def run_alone(steps: Sequence[Step], plan: Plan) -> Played:
    """Play the honest stream without a liar, brakes as shipped."""
    with tempfile.TemporaryDirectory() as folder:
        return await play(Path(folder), steps, plan, AS_SHIPPED)


async def run_case(
    steps: Sequence[Step], plan: Plan, case: Case, honest: Played, seed: int
) -> Heard:
    """Play a case beside the honest stream and compare it with the run without.

    Parameters
    ----------
    steps : sequence of Step, of the plan's length
    plan : Plan
    case : Case
    honest : Played
        The same stream without a liar.
    seed : int
        Of the lies.
    """
    liar = Liar(seed, case.powers, case.habits)
    with tempfile.TemporaryDirectory() as folder:
        played = await play(Path(folder), steps, plan, case.brake, liar)
    return Heard(compare(played, honest, plan), liar.fates)


def main() -> int:
    """Run every case with every seed, write; 1 if a promise is broken."""
    options = _parser().parse_args()
    configure_logging("ERROR")
    plan = Plan(during=options.steps)
    heard: dict[Case, Heard] = {}
    with tqdm(total=options.seeds * (1 + len(CASES)), unit="run") as progress:
        for seed in range(options.seeds):
            steps = draw_steps(seed, plan.steps)
            honest = asyncio.run(run_alone(steps, plan))
            progress.update()
            for case in CASES:
                found = asyncio.run(run_case(steps, plan, case, honest, seed))
                heard[case] = merged(heard[case], found) if case in heard else found
                progress.update()
    verdicts = judge(heard)
    command = " ".join(["python -m tests.tools.chaos.liar", *sys.argv[1:]])
    about = f"`{command}`, {options.seeds} seeds"
    page = "\n".join(page_lines(about, plan, heard, verdicts)) + "\n"
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "liar.md").write_text(page, "utf-8")
    sys.stdout.write(page)
    return int(not all(verdict.kept for verdict in verdicts))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos.liar", description=__doc__)
    parser.add_argument("--steps", type=int, default=480, help="batches beside which it lies")
    parser.add_argument("--seeds", type=int, default=3, help="streams, each with its own lies")
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
