"""SQL text of the writer, made once, in the driver's own placeholders."""

from collections.abc import Callable
from functools import cache

from sqlalchemy import Table, bindparam, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect, make_url

from app.adapters.journal.schema import idempotency

ANSWERS_KEPT_NS = 24 * 3600 * 10**9
PURGE_ROWS = 500
# SQLite took 999 variables before 3.32; psycopg keeps only statements of up to 50 parsed.
_MAX_VALUES = {"sqlite": 600, "postgresql": 50}
_EVENT = "SELECT kind, at_ns, payload FROM events WHERE stream = ? AND seq = ?"
_OLD_CHECKPOINTS = (
    "DELETE FROM checkpoints WHERE stream = ? AND seq NOT IN "
    "(SELECT seq FROM checkpoints WHERE stream = ? ORDER BY seq DESC LIMIT 2)"
)
_OLD_ANSWERS = (
    "DELETE FROM idempotency WHERE (owner, key) IN "
    "(SELECT owner, key FROM idempotency WHERE at_ns < ? ORDER BY at_ns LIMIT ?)"
)


class Statements:
    """The writer's SQL in the dialect of one database.

    Parameters
    ----------
    dialect : str
        SQLAlchemy's name: ``sqlite`` or ``postgresql``.
    """

    def __init__(self, dialect: str) -> None:
        self._max_values = _MAX_VALUES[dialect]
        self._dialect: Dialect
        self._into: Callable[[Table], sqlite.Insert | postgresql.Insert]
        if dialect == "sqlite":
            mark = "?"
            self._dialect = sqlite.dialect(paramstyle="qmark")
            self._into = sqlite.insert
        else:
            mark = "%s"
            psycopg: Callable[..., Dialect] = make_url("postgresql+psycopg://").get_dialect()
            self._dialect = psycopg(paramstyle="format")
            self._into = postgresql.insert
        self.event = _EVENT.replace("?", mark)
        self.old_checkpoints = _OLD_CHECKPOINTS.replace("?", mark)
        self.old_answers = _OLD_ANSWERS.replace("?", mark)
        self.insert = cache(self._insert)

    def rows_at_once(self, table: Table, waiting: int) -> int:
        """Return how many rows to insert next: a power of two, so few statements are made."""
        most = min(waiting, self._max_values // len(table.columns))
        return 1 << (most.bit_length() - 1)

    def _insert(self, table: Table, rows: int) -> str:
        """Return an INSERT of ``rows`` rows that replaces only answers older than 24 h."""
        names = table.columns.keys()
        statement = self._into(table).values(
            [
                {name: bindparam(f"{name}_{i}", type_=table.c[name].type) for name in names}
                for i in range(rows)
            ]
        )
        if table is idempotency:
            statement = statement.on_conflict_do_update(
                index_elements=list(table.primary_key),
                set_={name: statement.excluded[name] for name in names},
                where=text(f"idempotency.at_ns < excluded.at_ns - {ANSWERS_KEPT_NS}"),
            )
        else:
            statement = statement.on_conflict_do_nothing()
        return str(statement.compile(dialect=self._dialect))
