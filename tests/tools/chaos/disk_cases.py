"""Each fault of the disk by name: how it is brought about, and what must come of it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Final

from tests.tools.chaos import disk_faults
from tests.tools.chaos.crash_service import Serving
from tests.tools.chaos.disk_seen import OK, Seen, Watcher

_JOURNAL_GONE: Final = 503
Arrange = Callable[[Serving, Watcher, Path], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a running service's disk that ends; ``reason`` is part of what is said."""

    name: str
    arrange: Arrange
    reason: str
    reads: int = 200


@dataclass(frozen=True, slots=True)
class FaultRun:
    """What was seen while a fault lasted and after it."""

    fault: str
    first: Seen
    later: Seen
    answered_sec: float
    recovered_sec: float
    same_bytes: bool
    decided_once: bool
    refusing_after: float
    logged: bool


@contextmanager
def _full(serving: Serving, _watcher: Watcher, path: Path) -> Iterator[None]:
    with disk_faults.full(serving.pid, path):
        yield


@contextmanager
def _filled(_serving: Serving, _watcher: Watcher, path: Path) -> Iterator[None]:
    with disk_faults.filled(path.parent):
        yield


@contextmanager
def _locked(_serving: Serving, _watcher: Watcher, path: Path) -> Iterator[None]:
    with disk_faults.locked(path):
        yield


@contextmanager
def _sealed(serving: Serving, watcher: Watcher, path: Path) -> Iterator[None]:
    with ExitStack() as seal:
        # What is open stays writable: a lock makes the service open the file anew.
        with disk_faults.locked(path):
            watcher.decide(f"reopen-{serving.pid}")
            seal.enter_context(disk_faults.sealed(path))
        watcher.wait_until(lambda: "readonly" in serving.said())
        yield


@contextmanager
def _damaged(_serving: Serving, watcher: Watcher, path: Path) -> Iterator[None]:
    disk_faults.move_log_into(path)
    before = disk_faults.overwrite_middle(path)
    try:
        # Found by whoever reads a page that no session has in memory.
        watcher.wait_until(lambda: watcher.status("/decisions?symbol=unheard-of") != OK)
        yield
    finally:
        disk_faults.put_back(path, before)


@contextmanager
def _cut(_serving: Serving, watcher: Watcher, path: Path) -> Iterator[None]:
    disk_faults.move_log_into(path)
    watcher.decide("cut-noticed")  # the file's size is noted with each commit
    before = disk_faults.cut(path)
    try:
        yield
    finally:
        disk_faults.put_back(path, before)


FILLED: Final = Fault("disk full", _filled, "full")
FAULTS: Final = (
    Fault("file may not grow", _full, "disk I/O error"),
    Fault("locked by another process", _locked, "locked"),
    Fault("read-only", _sealed, "readonly"),
    Fault("overwritten in the middle", _damaged, "damaged", reads=_JOURNAL_GONE),
    Fault("cut in half", _cut, "cut from", reads=_JOURNAL_GONE),
)


def play_fault(serving: Serving, fault: Fault, path: Path) -> FaultRun:
    """Bring a fault about, look, end it, and wait for the service to recover by itself."""
    watcher, name = Watcher(serving), fault.name.replace(" ", "-")
    try:
        kept = watcher.decide(f"{name}-before")
        with fault.arrange(serving, watcher, path):
            asked = monotonic()
            first = watcher.look(f"{name}-during")
            answered_sec = monotonic() - asked
            later = watcher.look(f"{name}-during")
        recovered_sec = watcher.wait_until(lambda: watcher.status("/health/ready") == OK)
        made = watcher.decide(f"{name}-during")
        again = watcher.decide(f"{name}-during")
        return FaultRun(
            fault=fault.name,
            first=first,
            later=later,
            answered_sec=answered_sec,
            recovered_sec=recovered_sec,
            same_bytes=watcher.decide(f"{name}-before").content == kept.content,
            decided_once=made.status_code == again.status_code == OK
            and made.content == again.content,
            refusing_after=watcher.metrics()["journal_refusing"],
            logged=fault.reason in serving.said() and "is written again" in serving.said(),
        )
    finally:
        watcher.close()
