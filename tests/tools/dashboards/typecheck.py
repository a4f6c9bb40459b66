"""Check the dashboards against Grafana's published types: ``make dashboards-check``.

npm installs the locked types and the compiler into a scratch folder; what came of it is recorded
in docs/bench/dashboards.md.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from tests.grafana.drawn import DASHBOARDS, dashboards, panels
from tests.grafana.rulebook import ROOT

RECORD: Final = ROOT / "docs" / "bench" / "dashboards.md"
_NPM: Final = Path(__file__).parent / "npm"
_COMPILER: Final = (
    "--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext",
    "--moduleResolution", "bundler",
)  # fmt: skip


def main() -> int:
    """Install, write a module for each dashboard, compile, record; 1 if a type does not fit."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        sys.stderr.write("npm and node are missing\n")
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        shutil.copytree(_NPM, folder, dirs_exist_ok=True)
        install = [npm, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(install, cwd=folder, check=True)
        modules = [_write_module(folder, file) for file in sorted(DASHBOARDS.glob("*.json"))]
        compiler = folder / "node_modules" / "typescript" / "bin" / "tsc"
        command = [node, str(compiler), *_COMPILER, "refused.ts", *modules]
        refused = subprocess.run(command, cwd=folder, check=False).returncode != 0
    page = "\n".join(_page(refused=refused)) + "\n"
    RECORD.write_text(page, "utf-8")
    sys.stdout.write(page)
    return int(refused)


def digest(name: str) -> str:
    """Shorten the SHA-256 of a dashboard's file, by which a record is known to be current."""
    return sha256((DASHBOARDS / f"{name}.json").read_bytes()).hexdigest()[:16]


def _write_module(folder: Path, file: Path) -> str:
    name = f"{file.stem}.ts"
    heading = 'import type { Provisioned } from "./provisioned";\n'
    content = f"export const dashboard: Provisioned = {file.read_text('utf-8')};\n"
    (folder / name).write_text(heading + content, "utf-8")
    return name


def _page(*, refused: bool) -> Iterator[str]:
    wanted: dict[str, Any] = json.loads((_NPM / "package.json").read_text("utf-8"))
    types, compiler = wanted["devDependencies"].items()
    yield "# Dashboards against Grafana's types"
    yield ""
    yield f"`make dashboards-check`: every file of `grafana/dashboards` by `{types[0]}`"
    yield f"{types[1]} and `{compiler[0]}` {compiler[1]}, options of each kind of panel included."
    yield "Five wrong dashboards must be refused beside them. " + (
        "**Refused.**" if refused else "Verdict: well typed."
    )
    yield ""
    yield "| dashboard | panels | expressions | SHA-256 |"
    yield "| --- | ---: | ---: | --- |"
    for name, content in dashboards().items():
        drawn = list(panels(content))
        asked = sum(len(panel.get("targets", ())) for panel in drawn)
        yield f"| `{content['uid']}` | {len(drawn)} | {asked} | `{digest(name)}` |"


if __name__ == "__main__":
    sys.exit(main())
