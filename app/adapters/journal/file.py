"""Checks that a SQLite file still holds the whole journal: damage, truncation, a lost end.

SQLite keeps no checksums of its pages, and silently drops a write-ahead log that it cannot read.
So damage that was met counts until a full check finds none, and the number of the last
acknowledged event is written into the stream's lock file, beside the database.
"""

import contextlib
import fcntl
import glob
import os
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from app.core.errors import JournalHeld, JournalUnavailable

# Larger journals than this reads are looked at in part: the start must not take minutes.
START_CHECK_SEC: Final = 1.0
_STEPS_BETWEEN_LOOKS: Final = 10_000
_PRIMARY: Final = 0xFF
# In the lock file: the last acknowledged event, then pid and start of the process that writes.
_HOLDER_AT: Final = 64
_HOLDER_SIZE: Final = 64
_HOLDER_WORDS: Final = 2
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(frozen=True, slots=True)
class FileState:
    """Identity of a file, and its size in bytes."""

    device: int
    inode: int
    size: int


def file_state(name: str) -> FileState | None:
    """Return the state of a file; None where there is none."""
    try:
        found = os.stat(name)  # noqa: PTH116 - on each commit, and a third of Path.stat's cost
    except FileNotFoundError:
        return None
    return FileState(found.st_dev, found.st_ino, found.st_size)


def is_damage(error: BaseException) -> bool:
    """Return whether an error of SQLite means that the database file is damaged."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    code: int = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & _PRIMARY in _DAMAGE


def refuse_read_only(connection: sqlite3.Connection) -> None:
    """Raise if the file cannot be written; a lock held by another process is no error.

    Raises
    ------
    sqlite3.OperationalError
    """
    try:
        # BEGIN IMMEDIATE alone is granted on a read-only file too.
        connection.execute("DELETE FROM events WHERE stream < 0")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY:
            raise


def refuse_damage(connection: sqlite3.Connection, within_sec: float | None) -> bool:
    """Raise if SQLite finds damage in the structure of the file.

    Parameters
    ----------
    connection : sqlite3.Connection
    within_sec : float, seconds, optional
        Give up after so long.

    Returns
    -------
    bool
        Whether the whole file was checked.

    Raises
    ------
    JournalUnavailable
        If something is damaged.
    """
    deadline = time.monotonic() + (float("inf") if within_sec is None else within_sec)
    connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_LOOKS)
    try:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return False
    except sqlite3.DatabaseError as error:
        raise _damaged(str(error)) from error
    finally:
        connection.set_progress_handler(None, 0)
    if found != "ok":
        raise _damaged(" ".join(found.split()))
    return True


def note_acknowledged(held: int, seq: int, inode: int) -> None:
    """Write the number of the last acknowledged event into the lock file; it survives kill -9.

    Not synced: after a power loss it may be older than the journal, which does no harm.
    """
    # The event is on disk already: a full disk that refuses this note must not undo that.
    with contextlib.suppress(OSError):
        os.pwrite(held, b"%020d %020d\n" % (seq, inode), 0)


def lock_whole_file(path: Path) -> int:
    """Return a locked descriptor that makes this process the one that writes the journal.

    The lock ends with the process, however that ends. The lock file names its holder: others read
    there who writes.

    Raises
    ------
    JournalHeld
        If another process, or another journal of this one, holds it.
    """
    held = os.open(f"{path}.lock.0", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        msg = (
            f"the journal {path} is written by another process{_holder(held)}: end that one, or "
            "name another journal in HIMARI_DATABASE_URL"
        )
        os.close(held)
        raise JournalHeld(msg) from error
    since = datetime.now(UTC).isoformat(timespec="seconds")
    # A full disk, or a file of another user, must not keep the journal from being opened.
    with contextlib.suppress(OSError):
        os.fchmod(held, 0o600)  # one of an older build is readable by others
        os.pwrite(held, f"{os.getpid():>10d} {since}\n".encode(), _HOLDER_AT)
    return held


def _holder(held: int) -> str:
    """Return `` (pid N, since TIME)``; nothing where the lock file does not say."""
    words = os.pread(held, _HOLDER_SIZE, _HOLDER_AT).decode("ascii", "replace").split()
    return f" (pid {words[0]}, since {words[1]})" if len(words) == _HOLDER_WORDS else ""


def forget_acknowledged(path: Path) -> None:
    """Empty the notes of a journal whose file is gone."""
    for note in _notes(path):
        with note.open("r+b") as opened:
            opened.write(b" " * _HOLDER_AT)


def lost_end(connection: sqlite3.Connection, path: Path) -> str | None:
    """Return a sentence that names acknowledged events missing at the end; None if there are none.

    Notes about another file (another inode) are ignored: the file was replaced on purpose.
    """
    state = file_state(str(path))
    known = {note: _acknowledged(note) for note in _notes(path)}
    for note, (seq, inode) in known.items():
        last = last_seq(connection, int(note.suffix[1:]))
        if state is not None and inode == state.inode and last < seq:
            return (
                f"the journal ends with event {last}, but {seq} were acknowledged: restore "
                f"{path.name} and {path.name}-wal, or remove {note.name} to go on without them"
            )
    return None


def last_seq(connection: sqlite3.Connection, stream: int) -> int:
    """Return the number of a stream's last event; 0 where there is none."""
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'events'").fetchone()
    if known is None:
        return 0
    question = "SELECT max(seq) FROM events WHERE stream = ?"
    last: int | None = connection.execute(question, (stream,)).fetchone()[0]
    return last or 0


def _notes(path: Path) -> list[Path]:
    found = path.parent.glob(f"{glob.escape(path.name)}.lock.*")
    return [note for note in found if note.suffix[1:].isdecimal()]


def _acknowledged(note: Path) -> tuple[int, int]:
    with contextlib.suppress(ValueError, OSError):
        seq, inode = map(int, note.read_bytes()[:_HOLDER_AT].strip(b"\0").split())
        return seq, inode
    return 0, 0


def _damaged(how: str) -> JournalUnavailable:
    return JournalUnavailable(f"the database file is damaged ({how}): restore it from a backup")
