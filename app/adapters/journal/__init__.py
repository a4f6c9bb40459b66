"""The journal: events on disk or in memory, behind the pipeline's ``Journal`` port.

``sql.py`` is the one that serves (SQLite or PostgreSQL), ``memory.py`` the one inside another
program. ``writer.py`` queues and writes in groups (``group.py``, ``rows.py``, ``statements.py``,
``unwritten.py``); ``stores.py``, ``sqlite.py`` and ``postgres.py`` hold connections; ``reads.py``
queries; ``schema.py`` and ``migrations/`` make the tables; ``file.py`` finds a damaged file.
"""
