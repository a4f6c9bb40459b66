"""Whether a SQLite file is still the whole journal: damage, truncation, a lost end.

SQLite keeps no checksums of its pages, and drops a write-ahead log that it cannot read without a
word. So what it finds damaged is remembered until a whole check is clean, and the last event that
was acknowledged is noted beside the file, in the one that holds the stream's lock.
"""

import contextlib
import glob
import os
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError

from app.core.errors import JournalUnavailable

# Larger journals than this reads are looked at in part: the start must not take minutes.
START_CHECK_SEC: Final = 1.0
_STEPS_BETWEEN_LOOKS: Final = 10_000
_PRIMARY: Final = 0xFF
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@dataclass(frozen=True, slots=True)
class FileState:
    """What tells a file from another, and its size in bytes."""

    device: int
    inode: int
    size: int


def file_state(name: str) -> FileState | None:
    """Look at a file; None where there is none."""
    try:
        found = os.stat(name)  # noqa: PTH116 - on each commit, and a third of Path.stat's cost
    except FileNotFoundError:
        return None
    return FileState(found.st_dev, found.st_ino, found.st_size)


def is_damage(error: BaseException) -> bool:
    """Whether SQLite says that what it read is not, or no longer, a sound database."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
    code: int = getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return code & _PRIMARY in _DAMAGE


def refuse_read_only(connection: sqlite3.Connection) -> None:
    """Write nothing, as a write; a lock of somebody else passes, want of permission does not.

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
    """Let SQLite check the structure of the whole file.

    Parameters
    ----------
    connection : sqlite3.Connection
    within_sec : float, seconds, optional
        Give up after so long.

    Returns
    -------
    bool
        Whether everything was looked at.

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
    """Note the last acknowledged event beside the journal; what kill -9 leaves, is there.

    Not synced, so after a power loss it may be older than the journal, which does no harm.
    """
    # The event is on disk whatever becomes of the note: a full disk must not undo that.
    with contextlib.suppress(OSError):
        os.pwrite(held, b"%020d %020d\n" % (seq, inode), 0)


def forget_acknowledged(path: Path) -> None:
    """Void the notes of a journal that is there no more."""
    for note in _notes(path):
        os.truncate(note, 0)


def lost_end(connection: sqlite3.Connection, path: Path) -> str | None:
    """Say which acknowledged events a journal has lost from its end; None where there are none.

    A file that was put in the place of the noted one has lost nothing: somebody chose it.
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
    """Read the number of a stream's last event; 0 where there is none."""
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
        seq, inode = map(int, note.read_bytes().split())
        return seq, inode
    return 0, 0


def _damaged(how: str) -> JournalUnavailable:
    return JournalUnavailable(f"the database file is damaged ({how}): restore it from a backup")
