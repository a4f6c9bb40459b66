"""Run the journal's migrations on the connection that ``journal_schema.migrate`` holds."""

from alembic import context

from app.adapters.journal.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
