"""Tables of the journal, and the migration from any older schema to this one.

``place`` packs a stream and its seq into one integer: the cursor of ``GET /decisions`` across
several streams. In stream 0, the only one of a single process, it equals the seq.
"""

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
)

from app.core.errors import JournalUnavailable

# Apart from alembic's default, so that a PostgreSQL database can be shared with other programs.
VERSION_TABLE = "journal_version"
SEQ_BITS = 40
MAX_STREAMS = 1024
ROLE_SYMBOL = 0
ROLE_STRATEGY = 1

# alembic keeps the context of a running migration in a module, one for the whole process.
_one_migration = threading.Lock()

# SQLite writes each page that a commit touches to its log, which is most of a commit's cost:
# without rowids a table is one tree instead of two.
metadata = MetaData()

events = Table(
    "events",
    metadata,
    Column("stream", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "seq"),
    sqlite_with_rowid=False,
)

decisions = Table(
    "decisions",
    metadata,
    Column("decision_id", Text, primary_key=True),
    Column("stream", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("strategy", Text, nullable=False),
    Column("fallback_reason", Text),
    Column("mode", Text, nullable=False),
    Column("model_version", Text),
    Column("settings_hash", Text, nullable=False),
    # Few values of either: filtering within the order of time beats two more trees to write.
    Index("decisions_by_time", "at_ns", "stream", "seq", "strategy", "fallback_reason"),
    sqlite_with_rowid=False,
)

# Symbols and strategy ids share one table: one statement and one tree fewer on each commit.
decision_names = Table(
    "decision_names",
    metadata,
    Column("role", SmallInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("stream", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("role", "name", "at_ns", "stream", "seq"),
    sqlite_with_rowid=False,
)

outcomes = Table(
    "outcomes",
    metadata,
    Column("decision_id", Text, nullable=False),
    Column("symbol", Text, nullable=False),
    Column("stream", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("decision_id", "symbol"),
    sqlite_with_rowid=False,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("owner", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("body_digest", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    PrimaryKeyConstraint("owner", "key"),
    Index("idempotency_by_time", "at_ns"),
    sqlite_with_rowid=False,
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("stream", Integer, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    PrimaryKeyConstraint("stream", "seq"),
)


def migrate(connection: Connection) -> None:
    """Bring the schema to this program's version, inside the caller's transaction.

    Raises
    ------
    JournalUnavailable
        If the database was written by a newer program.
    """
    config = Config()
    folder = str(Path(__file__).parent / "migrations")
    config.set_main_option("script_location", folder.replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    found = context.get_current_revision()
    head = scripts.get_current_head()
    if found == head:
        return
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        msg = (
            f"the journal has schema version {found}, newer than {head}, the newest this program "
            "knows: run the program that wrote it, or a later one"
        )
        raise JournalUnavailable(msg)
    config.attributes["connection"] = connection
    with _one_migration:
        command.upgrade(config, "head")


def stream_taken(stream: int | None) -> JournalUnavailable:
    """Return the error for a stream that another process holds (None: no stream is free)."""
    if stream is None:
        return JournalUnavailable(f"all {MAX_STREAMS} streams of the journal are held already")
    return JournalUnavailable(f"stream {stream} of the journal is held by another process")
