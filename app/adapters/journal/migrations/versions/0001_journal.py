"""The journal's first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table of the journal."""
    _create_events()
    _create_decisions()
    _create_outcomes()
    _create_idempotency()


def downgrade() -> None:
    """Drop every table of the journal."""
    for table in (
        "checkpoints",
        "idempotency",
        "outcomes",
        "decision_names",
        "decisions",
        "events",
    ):
        op.drop_table(table)


def _place() -> tuple[sa.Column[int], sa.Column[int]]:
    return (
        sa.Column("stream", sa.Integer, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        *_place(),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream", "seq"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoints",
        *_place(),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream", "seq"),
    )


def _create_decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Text, primary_key=True),
        *_place(),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("fallback_reason", sa.Text),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text),
        sa.Column("settings_hash", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    when = ["at_ns", "stream", "seq"]
    op.create_index("decisions_by_time", "decisions", [*when, "strategy", "fallback_reason"])
    op.create_table(
        "decision_names",
        sa.Column("role", sa.SmallInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        *_place(),
        sa.PrimaryKeyConstraint("role", "name", *when),
        sqlite_with_rowid=False,
    )


def _create_outcomes() -> None:
    op.create_table(
        "outcomes",
        sa.Column("decision_id", sa.Text, nullable=False),
        sa.Column("symbol", sa.Text, nullable=False),
        *_place(),
        sa.PrimaryKeyConstraint("decision_id", "symbol"),
        sqlite_with_rowid=False,
    )


def _create_idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("body_digest", sa.Text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("owner", "key"),
        sqlite_with_rowid=False,
    )
    op.create_index("idempotency_by_time", "idempotency", ["at_ns"])
