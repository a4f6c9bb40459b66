"""The file of API keys: one ``name:roles:hash`` per line, writable by its owner alone."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import structlog

from app.core.access import AccessKey, KeyRing, UnusableKeys, entry_from_text
from app.core.errors import KeyFileUnusable
from app.pipeline.ports import Clock

_Identity = tuple[int, int, int, int]

_LOG = structlog.get_logger(__name__)
_POLL_SEC: Final = 1.0
_LARGEST_BYTES: Final = 1_000_000
_HEADER: Final = """# API keys of HIMARI Layer 3, hashed: name:roles:SHA-256 of the key.
# Written by `himari keys`; a running service reads it again within a second.
"""


def read_key_file(path: Path, other_keys: KeyRing | None = None) -> KeyRing:
    """Return every key of a file; blank lines and lines that start with ``#`` are skipped.

    Parameters
    ----------
    path : Path
    other_keys : KeyRing, optional
        Keys that are in force as well; they are returned with those of the file.

    Raises
    ------
    KeyFileUnusable
        If it cannot be read, others may write it, a line is no entry (it is not shown), or two
        keys contradict each other.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_LARGEST_BYTES + 1)
    except OSError as error:
        raise KeyFileUnusable(f"{path} cannot be read: {error.strerror}") from error
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise KeyFileUnusable(f"{path} may be written by others, make it: chmod 600 {path}")
    if len(content) > _LARGEST_BYTES:
        raise KeyFileUnusable(f"{path} must hold at most {_LARGEST_BYTES} bytes")
    lines = content.decode("ascii", "replace").splitlines()
    own = _keys_of(path, lines)
    others = () if other_keys is None else other_keys.keys
    try:
        return KeyRing((*own, *others))
    except UnusableKeys as error:
        place = f"{path} and HIMARI_API_KEYS together" if others else str(path)
        raise KeyFileUnusable(f"{place}: {error}") from error


def _keys_of(path: Path, lines: list[str]) -> list[AccessKey]:
    keys = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        try:
            keys.append(entry_from_text(text))
        except UnusableKeys as error:
            raise KeyFileUnusable(f"{path} line {number}: {error}") from error
    return keys


def write_key_file(path: Path, ring: KeyRing) -> None:
    """Replace the file by these keys with mode 0600, as a whole or not at all.

    A file that is replaced keeps its owner where the system allows it (for root), and its group
    may still read it: the service that reads the keys may run as another user.

    Raises
    ------
    KeyFileUnusable
        If it cannot be written.
    """
    text = _HEADER + "".join(f"{key.entry()}\n" for key in ring.keys)
    try:
        # a temporary file has mode 0600 from the start, so no other user can ever read it
        with NamedTemporaryFile("w", encoding="ascii", dir=path.parent, delete=False) as file:
            file.write(text)
            file.flush()
            _keep_owner(file.fileno(), path)
            os.fsync(file.fileno())
        Path(file.name).replace(path)
    except OSError as error:
        raise KeyFileUnusable(f"{path} cannot be written: {error.strerror}") from error


def _keep_owner(descriptor: int, path: Path) -> None:
    """Give the new file the owner, the group and the group's read access of the old one."""
    # no old file, or no right to change the owner: the file stays the writer's own
    with suppress(FileNotFoundError, PermissionError):
        old = path.stat()
        os.fchown(descriptor, old.st_uid, old.st_gid)
        os.fchmod(descriptor, stat.S_IRUSR | stat.S_IWUSR | (old.st_mode & stat.S_IRGRP))


class WatchedKeyFile:
    """The current keys of a file: checked once a second at most, read when it changed.

    If the file becomes unusable, that is logged, the keys read before stay in force, and it is
    tried again each second: the cause (owner, descriptors, disk) may end without a change of it.

    Parameters
    ----------
    path : Path
    clock : Clock
    other_keys : KeyRing
        Keys that are in force as well.

    Raises
    ------
    KeyFileUnusable
        If it cannot be read at the start, or contradicts the others.
    """

    def __init__(self, path: Path, clock: Clock, other_keys: KeyRing) -> None:
        self._path = path
        self._clock = clock
        self._other_keys = other_keys
        self._polled_at = clock.monotonic()
        # taken before reading, so a change in between is read again
        self._seen = _identity(path)
        self._ring = read_key_file(path, other_keys)
        self._reported: str | None = None

    def __call__(self) -> KeyRing:
        """Return the keys in force."""
        now = self._clock.monotonic()
        if now - self._polled_at >= _POLL_SEC:
            self._polled_at = now
            seen = _identity(self._path)
            if seen == self._seen:
                self._reported = None
            else:
                self._reread(seen)
        return self._ring

    def _reread(self, seen: _Identity | None) -> None:
        try:
            self._ring = read_key_file(self._path, self._other_keys)
        except KeyFileUnusable as error:
            self._log_once(str(error))
        else:
            self._seen, self._reported = seen, None
            _LOG.warning("key_file_read", names=[key.name for key in self._ring.keys])

    def _log_once(self, reason: str) -> None:
        if reason != self._reported:
            _LOG.error("key_file_unusable", reason=reason, keys=len(self._ring.keys))
        self._reported = reason


def _identity(path: Path) -> _Identity | None:
    """Return what differs between two contents of a file; None where there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode
