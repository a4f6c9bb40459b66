"""Run the measurements and write docs/bench; see ``--help``."""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.tools.bench import breaker, facade_cpu, http_cpu, inference, memory, solver
from tests.tools.bench.report import write_report
from tests.tools.bench.rows import Row

MEASURES: Final[dict[str, Callable[[int], Iterator[Row]]]] = {
    "facade": facade_cpu.measure,
    "solver": solver.measure,
    "http": http_cpu.measure,
    "breaker": breaker.measure,
    "memory": memory.measure,
    "inference": inference.measure,
}
LONG: Final = frozenset({"memory"})


def main() -> int:
    """Measure, print, write; 0 even when a target is missed, for the table says so."""
    options = _parser().parse_args()
    chosen = [name for name in MEASURES if name in (options.only or MEASURES)]
    skipped = [
        name
        for name in MEASURES
        if name not in chosen or name in options.skip or (name in LONG and not options.long)
    ]
    rows: list[Row] = []
    for name in MEASURES:
        if name in skipped:
            continue
        try:
            for row in MEASURES[name](options.rounds):
                rows.append(row)
                _show(row)
        except solver.BenchExtraMissing as error:
            sys.stderr.write(f"{error}\n")
            return 1
    command = " ".join(["python -m tests.tools.bench", *sys.argv[1:]])
    # a part measured alone has a page of its own, and leaves that of the whole as it is
    name = "-".join(options.only or ["results"])
    page = write_report(rows, skipped, command, options.out / f"{name}.md")
    sys.stdout.write(f"wrote {page}\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7, help="turns of each measurement")
    parser.add_argument("--only", nargs="*", choices=MEASURES, help="these alone")
    parser.add_argument("--skip", nargs="*", choices=MEASURES, default=[], help="all but these")
    parser.add_argument("--long", action="store_true", help="memory too, some minutes")
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    return parser


def _show(row: Row) -> None:
    verdict = {True: "met", False: "MISSED", None: ""}[row.met]
    sys.stdout.write(f"{row.name:<60} {row.value:>12.4g} {row.unit:<6} {row.target:>9} {verdict}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
