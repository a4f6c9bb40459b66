"""Write the dashboards and docs/metrics.md, or with ``--check`` list those that are stale."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grafana.build.board import board_json
from grafana.build.boards import BOARDS
from grafana.build.families import exposed_families
from grafana.build.metrics_page import UnreadMetrics, metrics_page

ROOT: Final = Path(__file__).parents[2]


def main() -> int:
    """Write or check the files; return 1 if a check finds a stale one."""
    parser = argparse.ArgumentParser(prog="python -m grafana.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, list what is stale")
    options = parser.parse_args()
    try:
        made = dict(_made())
    except UnreadMetrics as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stale = [path for path, text in made.items() if not _is(path, text)]
    for path in stale:
        if not options.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(made[path], "utf-8")
        sys.stdout.write(f"{'stale' if options.check else 'wrote'} {path.relative_to(ROOT)}\n")
    return int(options.check and bool(stale))


def _made() -> Iterator[tuple[Path, str]]:
    for board in BOARDS:
        yield ROOT / "grafana" / "dashboards" / f"{board.file}.json", board_json(board)
    yield ROOT / "docs" / "metrics.md", metrics_page(exposed_families())


def _is(path: Path, text: str) -> bool:
    return path.exists() and path.read_text("utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
