"""Faults of the journal's disk, brought about from outside the service."""

import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_LOCK: Final = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60.0)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
_PAGE: Final = 4096


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Let another process hold the file's lock."""
    with subprocess.Popen(
        [sys.executable, "-c", _LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        yield


@contextmanager
def full(pid: int, path: Path) -> Iterator[None]:
    """Let no file of the process grow beyond what the journal's log has now."""
    wal = path.with_name(f"{path.name}-wal")
    limit = wal.stat().st_size if wal.exists() else 0
    unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, unlimited[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Fill a small file system to its last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"\0" * _PAGE):
                pass
        except OSError:
            os.fsync(file.fileno())
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """Mount a file system of its own; root alone may.

    Raises
    ------
    subprocess.CalledProcessError, FileNotFoundError
        If this user, or this container, may not mount.
    """
    folder.mkdir()
    options = ("-t", "tmpfs", "-o", f"size={megabytes}m", "none", str(folder))
    subprocess.run([_tool("mount"), *options], check=True, capture_output=True)
    try:
        yield folder
    finally:
        subprocess.run([_tool("umount"), str(folder)], check=True)


@contextmanager
def sealed(path: Path) -> Iterator[None]:
    """Take the right to write from the journal's files and their folder.

    A process keeps what it has opened: it notices when it opens the file anew.
    """
    changed = [path.parent, *path.parent.glob(f"{path.name}*")]
    modes = [(each, each.stat().st_mode) for each in changed]
    for each, mode in modes:
        each.chmod(mode & ~0o222)
    try:
        yield
    finally:
        for each, mode in modes:
            each.chmod(mode)


def overwrite_middle(path: Path) -> bytes:
    """Overwrite all but the first page with garbage, in place; give back what was there."""
    with path.open("r+b") as file:
        before = file.read()
        file.seek(_PAGE)
        file.write(b"\xff" * (len(before) - _PAGE))
    return before


def cut(path: Path) -> bytes:
    """Cut a file in half, at a page; give back what was there."""
    before = path.read_bytes()
    os.truncate(path, len(before) // _PAGE // 2 * _PAGE)
    return before


def put_back(path: Path, content: bytes) -> None:
    """Write what was there before, in place."""
    with path.open("r+b") as file:
        file.truncate(0)
        file.write(content)


def move_log_into(path: Path) -> None:
    """Copy the log into the file, so that a fault of the file meets all of it."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _tool(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} was not found")
    return path
