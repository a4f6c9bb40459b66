"""Break the journal's disk in every way and record it: ``python -m tests.tools.chaos.disk``."""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.tools.bench.report import machine
from tests.tools.chaos import disk_faults
from tests.tools.chaos.crash_service import Serving, serving
from tests.tools.chaos.disk_cases import FAULTS, FILLED, Fault, FaultRun, play_fault
from tests.tools.chaos.disk_writer import leave_behind

_GARBAGE: Final = b"\xa5\x5a\x13\x37" * 1024
_ENDS_WITHIN_SEC: Final = 120.0
_REMEDY: Final = {
    "disk full": "make room; move old journals away",
    "file may not grow": "lift the limit or the quota",
    "locked by another process": "end that process; back up with `.backup`",
    "read-only": "give the permissions back, or mount it writable",
    "overwritten in the middle": "put the file back from a backup; look at the disk",
    "cut in half": "put the file back from a backup; look at the disk",
}
_STARTS: Final[dict[str, Callable[[Path], object]]] = {
    "log (-wal) of garbage": lambda path: _log(path).write_bytes(_GARBAGE * 20),
    "log (-wal) removed": lambda path: _log(path).unlink(),
    "overwritten in the middle": lambda path: _merged(path, disk_faults.overwrite_middle),
    "cut in half": lambda path: _merged(path, disk_faults.cut),
    "not a database at all": lambda path: path.write_bytes(_GARBAGE),
    "read-only": lambda path: _sealed(path),  # noqa: PLW0108 - defined below
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """What ``himari serve`` said to a spoilt journal."""

    fault: str
    code: int
    said: str


def main() -> int:
    """Break, look, write; 1 if a fault was not reported or not survived."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory() as folder:
        fault_runs = list(_fault_runs(Path(folder)))
        refusals = [_refused(Path(folder), name, spoil) for name, spoil in _STARTS.items()]
    page = "\n".join(_page(fault_runs, refusals)) + "\n"
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "disk.md").write_text(page, "utf-8")
    sys.stdout.write(page)
    survived = all(_verdict(run) == "kept" for run in fault_runs)
    return int(not survived or any(refusal.code != 1 for refusal in refusals))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.chaos.disk", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs/bench"))
    return parser


def _fault_runs(folder: Path) -> Iterator[FaultRun]:
    try:
        with disk_faults.small_disk(folder / "small", 8) as small:
            yield from _played(small, folder, (FILLED,))
    except (subprocess.CalledProcessError, FileNotFoundError):
        sys.stderr.write("no file system of a test's own: root alone may mount one\n")
    (folder / "large").mkdir()
    yield from _played(folder / "large", folder, FAULTS)


def _played(disk: Path, folder: Path, faults: Sequence[Fault]) -> Iterator[FaultRun]:
    path = disk / "himari.db"
    with serving(folder, f"sqlite:///{path}", {}, plain_user=True) as service:
        for fault in faults:
            yield play_fault(service, fault, path)


def _refused(folder: Path, name: str, spoil: Callable[[Path], object]) -> Refusal:
    disk = folder / f"start-{len(list(folder.iterdir()))}"
    disk.mkdir()
    path = disk / "himari.db"
    leave_behind(f"sqlite:///{path}")
    spoil(path)
    service = Serving(disk.parent, f"sqlite:///{path}", {}, plain_user=True)
    before = len(service.said())
    code = service.launch().process.wait(_ENDS_WITHIN_SEC)
    return Refusal(name, code, service.said()[before:].strip().replace(f"{disk}/", ""))


def _log(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _merged(path: Path, spoil: Callable[[Path], object]) -> None:
    disk_faults.move_log_into(path)
    spoil(path)


def _sealed(path: Path) -> None:
    for each in (path, path.parent):
        each.chmod(each.stat().st_mode & ~0o222)


def _verdict(run: FaultRun) -> str:
    refused = all(
        seen.status == seen.ready == 503 and seen.metrics["journal_refusing"] == 1.0
        for seen in (run.first, run.later)
    )
    survived = run.same_bytes and run.decided_once and run.refusing_after == 0.0
    return "kept" if refused and run.logged and survived else "**broken**"


def _page(fault_runs: Sequence[FaultRun], refusals: Sequence[Refusal]) -> Iterator[str]:
    where = machine()
    yield "# The journal's disk at fault"
    yield ""
    yield f"`python -m tests.tools.chaos.disk` on {where['processor']}, {where['cores']} cores,"
    yield f"Python {where['python']}: `himari serve` on a SQLite file whose disk is broken from"
    yield "outside, by real files, limits, locks and permissions."
    yield ""
    yield from _running(fault_runs)
    yield from _starting(refusals)


def _running(fault_runs: Sequence[FaultRun]) -> Iterator[str]:
    yield "## While the service runs"
    yield ""
    yield "`POST /allocate` and every other write answers 503 `journal-unavailable` with"
    yield "`Retry-After: 1` and decides nothing; `/health/ready` turns 503, `/health/live` stays"
    yield "200."
    yield "The metric is `himari_l3_journal_refusing` 1, with `himari_l3_journal_pending` and"
    yield "`himari_l3_journal_lag_sec` above 0; the log says `journal cannot be written` with the"
    yield "reason. When the disk is well again the service goes on by itself; the request that met"
    yield "the fault, repeated under its Idempotency-Key, is decided once, and answers from before"
    yield "come back byte for byte."
    yield ""
    yield "| fault | the caller reads | reading | 503 within | well again after | what to do | |"
    yield "| --- | --- | ---: | ---: | ---: | --- | --- |"
    for run in fault_runs:
        cells = (
            run.fault,
            f"`{run.first.detail}`",
            str(run.first.reads),
            f"{run.answered_sec:.2f} s",
            f"{run.recovered_sec:.2f} s",
            _REMEDY[run.fault],
            _verdict(run),
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield "A lock is waited for one second; the others are met at once. What is open stays writable"
    yield "when permissions are taken: that is met when the file is opened anew. Damage is met by"
    yield "whoever reads it, a cut file at the next commit; then nothing is written before"
    yield "`PRAGMA quick_check` is clean, so events still queued need the file back, not a restart."
    yield ""


def _starting(refusals: Sequence[Refusal]) -> Iterator[str]:
    yield "## When the service starts"
    yield ""
    yield "It refuses, touches nothing and ends with code 1; readiness never turns 200."
    yield ""
    yield "| the journal is | code | `himari serve` says |"
    yield "| --- | ---: | --- |"
    for refusal in refusals:
        yield f"| {refusal.fault} | {refusal.code} | `{refusal.said.splitlines()[-1]}` |"
    yield ""
    yield "SQLite drops a log that it cannot read without a word. So the last acknowledged event"
    yield "is noted in the file of the stream's lock (`himari.db.lock.0`), and a journal that ends"
    yield "before it is not started from. With `SYNCHRONOUS=NORMAL`, which may lose its end in a"
    yield "power loss, that is logged instead. SQLite keeps no checksums: bytes changed within a"
    yield "number are found by `himari replay` alone. The check at the start looks for one second;"
    yield "a larger journal is looked at in part, and the log says so."


if __name__ == "__main__":
    sys.exit(main())
