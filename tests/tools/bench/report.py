"""Results as JSON and as a page: every figure, its target, and how to get it again."""

import json
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from tests.tools.bench.rows import Row

PACKAGES: Final = (
    "numpy", "scipy", "daqp", "piqp", "clarabel", "fastapi", "uvicorn", "uvloop", "orjson",
    "pydantic", "sqlalchemy", "pyportfolioopt", "cvxpy",
)  # fmt: skip


def machine() -> dict[str, Any]:
    """Describe what the figures were measured on."""
    return {
        "processor": _first("/proc/cpuinfo", "model name") or platform.processor(),
        "cores": os.cpu_count(),
        "memory": _first("/proc/meminfo", "MemTotal"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _first(file: str, key: str) -> str:
    path = Path(file)
    lines = path.read_text("utf-8").splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def write_report(rows: Sequence[Row], skipped: Sequence[str], command: str, out: Path) -> Path:
    """Write the page ``out`` and the same as JSON beside it.

    Returns
    -------
    Path
        The page.
    """
    about = {"command": command, "machine": machine(), "skipped": list(skipped)}
    out.parent.mkdir(parents=True, exist_ok=True)
    entries = [asdict(row) | {"target": row.target, "met": row.met} for row in rows]
    document = json.dumps(about | {"rows": entries}, indent=1)
    out.with_suffix(".json").write_text(document + "\n", "utf-8")
    out.write_text("\n".join(_page(rows, about)) + "\n", "utf-8")
    return out


def _page(rows: Sequence[Row], about: dict[str, Any]) -> Iterator[str]:
    where = about["machine"]
    held = [row for row in rows if row.met is not None]
    missed = [row for row in held if not row.met]
    yield "# Measured"
    yield ""
    yield f"`{about['command']}` on {where['processor']}, {where['cores']} cores,"
    yield f"{where['memory']}, {where['system']}, Python {where['python']}. CPU time, medians of"
    yield "interleaved rounds; latencies by the clock. A shared machine moves all figures together."
    yield ""
    yield f"{len(held) - len(missed)} of {len(held)} targets met."
    for section in dict.fromkeys(row.section for row in rows):
        yield ""
        yield f"## {section}"
        yield ""
        yield "| what | measured | target | |"
        yield "| --- | ---: | ---: | --- |"
        for row in rows:
            if row.section == section:
                verdict = {True: "met", False: "**missed**", None: ""}[row.met]
                yield f"| {row.name} | {row.value:.4g} {row.unit} | {row.target} | {verdict} |"
    if about["skipped"]:
        yield ""
        yield f"Left out in this run: {', '.join(about['skipped'])}."
    yield ""
    packages = ", ".join(f"{name} {number}" for name, number in where["packages"].items())
    yield f"Packages: {packages}."
