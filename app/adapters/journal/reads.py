"""Queries of the journal, each one SELECT over SQLAlchemy Core."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Select,
    and_,
    false,
    func,
    literal,
    select,
    true,
    tuple_,
)

from app.adapters.journal.rows import storable
from app.adapters.journal.schema import (
    ROLE_STRATEGY,
    ROLE_SYMBOL,
    SEQ_BITS,
    checkpoints,
    decision_names,
    decisions,
    events,
    idempotency,
    outcomes,
)
from app.pipeline.ports import DecisionQuery, StoredAnswer, StoredEvent, StreamTail

_MAX_INTEGER = 2**63 - 1
# SQLite before 3.32 takes at most 999 variables.
_IDS_AT_ONCE = 500

_StoredRows = Select[tuple[int, int, str, int, bytes]]
_stored = (events.c.stream, events.c.seq, events.c.kind, events.c.at_ns, events.c.payload)


def place_of(stream: int, seq: int) -> int:
    """Pack stream and seq into the one integer that pages through decisions."""
    return (stream << SEQ_BITS) | seq


def split_place(place: int) -> tuple[int, int]:
    """Return the stream and seq that ``place_of`` packed."""
    return place >> SEQ_BITS, place & ((1 << SEQ_BITS) - 1)


def events_after(connection: Connection, stream: int, seq: int, limit: int) -> list[StoredEvent]:
    """Return the events of one stream with a larger seq, ascending."""
    found = connection.execute(
        select(*_stored)
        .where(events.c.stream == stream, events.c.seq > clamped(seq))
        .order_by(events.c.seq)
        .limit(max(0, clamped(limit)))
    )
    return [StoredEvent(row.seq, row.kind, row.at_ns, row.payload) for row in found]


def events_of(
    connection: Connection, stream: int, kinds: Sequence[str], span: tuple[int, int]
) -> list[StoredEvent]:
    """Events of some kinds in one stream with a seq in [low, high), newest first."""
    low, high = map(clamped, span)
    found = connection.execute(
        select(*_stored)
        .where(events.c.stream == stream, events.c.seq >= low, events.c.seq < high)
        .where(events.c.kind.in_(kinds))
        .order_by(events.c.seq.desc())
    )
    return [StoredEvent(row.seq, row.kind, row.at_ns, row.payload) for row in found]


def other_streams(connection: Connection, own: int, kinds: Sequence[str]) -> list[StreamTail]:
    """Return the end of every stream but one's own: newest checkpoint, events of kinds after it."""
    tails = []
    for stream in _streams(connection):
        if stream == own:
            continue
        checkpoint = latest_checkpoint(connection, stream)
        after = 0 if checkpoint is None else checkpoint[0]
        found = connection.execute(
            select(*_stored)
            .where(events.c.stream == stream, events.c.seq > after, events.c.kind.in_(kinds))
            .order_by(events.c.seq)
        )
        stored = [StoredEvent(row.seq, row.kind, row.at_ns, row.payload) for row in found]
        tails.append(StreamTail(stream, checkpoint, stored))
    return tails


def _streams(connection: Connection) -> Iterator[int]:
    """Yield the streams that hold an event, ascending; one look into the primary key for each."""
    stream = -1
    while True:
        following = connection.scalar(
            select(func.min(events.c.stream)).where(events.c.stream > stream)
        )
        if following is None:
            return
        stream = following
        yield stream


def latest_checkpoint(connection: Connection, stream: int) -> tuple[int, bytes] | None:
    """Read the newest checkpoint of one stream."""
    row = connection.execute(
        select(checkpoints.c.seq, checkpoints.c.payload)
        .where(checkpoints.c.stream == stream)
        .order_by(checkpoints.c.seq.desc())
        .limit(1)
    ).one_or_none()
    return None if row is None else (row.seq, row.payload)


def decision(connection: Connection, decision_id: str) -> StoredEvent | None:
    """Find the event of one decision, from any stream."""
    row = connection.execute(
        select(*_stored)
        .join_from(decisions, events, _same_place(decisions, events))
        .where(decisions.c.decision_id == storable(decision_id))
    ).one_or_none()
    return None if row is None else _placed(row)


def matching_decisions(connection: Connection, query: DecisionQuery) -> list[StoredEvent]:
    """Return matching decision events of all streams, newest first; both times are inclusive."""
    driver, found = _named(query)
    if query.since_ns is not None:
        found = found.where(driver.c.at_ns >= clamped(query.since_ns))
    if query.until_ns is not None:
        found = found.where(driver.c.at_ns <= clamped(query.until_ns))
    if query.before_seq is not None:
        found = found.where(_before(connection, clamped(query.before_seq), driver))
    rows = connection.execute(
        found.join(events, _same_place(driver, events))
        .order_by(driver.c.at_ns.desc(), driver.c.stream.desc(), driver.c.seq.desc())
        .limit(max(0, clamped(query.limit)))
    )
    return [_placed(row) for row in rows]


def known_outcomes(
    connection: Connection, pairs: Sequence[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return which of the (decision_id, symbol) pairs are journalled, in any stream."""
    forms = {pair: (storable(pair[0]), storable(pair[1])) for pair in pairs}
    ids = sorted({decision_id for decision_id, _ in forms.values()})
    found: set[tuple[str, str]] = set()
    for start in range(0, len(ids), _IDS_AT_ONCE):
        rows = connection.execute(
            select(outcomes.c.decision_id, outcomes.c.symbol).where(
                outcomes.c.decision_id.in_(ids[start : start + _IDS_AT_ONCE])
            )
        )
        found.update((row.decision_id, row.symbol) for row in rows)
    return {pair for pair, form in forms.items() if form in found}


def stored_answer(
    connection: Connection, owner: str, key: str, not_before_ns: int
) -> StoredAnswer | None:
    """Find the answer of an Idempotency-Key, unless it is older than that."""
    row = connection.execute(
        select(idempotency).where(
            idempotency.c.owner == storable(owner),
            idempotency.c.key == storable(key),
            idempotency.c.at_ns >= clamped(not_before_ns),
        )
    ).one_or_none()
    if row is None:
        return None
    return StoredAnswer(owner, key, row.body_digest, row.status, row.body, row.at_ns)


def clamped(number: int) -> int:
    """Return the nearest 64-bit integer, which compares alike with every stored one."""
    return max(-_MAX_INTEGER, min(_MAX_INTEGER, number))


def _named(query: DecisionQuery) -> tuple[FromClause, _StoredRows]:
    """Return the first table, in order of time, and the SELECT that joins the others to it."""
    names = [
        (role, storable(name))
        for role, name in ((ROLE_SYMBOL, query.symbol), (ROLE_STRATEGY, query.strategy_id))
        if name is not None
    ]
    equal = [
        (column, storable(value))
        for column, value in (
            (decisions.c.strategy, query.strategy),
            (decisions.c.fallback_reason, query.fallback_reason),
        )
        if value is not None
    ]
    tables: list[FromClause] = [decision_names.alias(f"name_{i}") for i in range(len(names))]
    if equal or not names:
        tables.append(decisions)
    driver = tables[0]
    found = select(*_stored).select_from(driver)
    for table in tables[1:]:
        found = found.join(table, _same_place(driver, table) & (driver.c.at_ns == table.c.at_ns))
    for table, (role, name) in zip(tables, names, strict=False):
        found = found.where(table.c.role == role, table.c.name == name)
    return driver, found.where(*(column == value for column, value in equal))


def _before(connection: Connection, place: int, driver: FromClause) -> ColumnElement[bool]:
    """Return the condition for events older than a place; true after the newest event."""
    if place <= 0:
        return false()
    stream, seq = split_place(place)
    at_ns = connection.scalar(
        select(events.c.at_ns)
        .where(events.c.stream == stream, events.c.seq >= seq)
        .order_by(events.c.seq)
        .limit(1)
    )
    if at_ns is None:
        return true()
    bound = tuple_(literal(at_ns), literal(stream), literal(seq))
    return tuple_(driver.c.at_ns, driver.c.stream, driver.c.seq) < bound


def _same_place(left: FromClause, right: FromClause) -> ColumnElement[bool]:
    return and_(left.c.stream == right.c.stream, left.c.seq == right.c.seq)


def _placed(row: Any) -> StoredEvent:
    return StoredEvent(place_of(row.stream, row.seq), row.kind, row.at_ns, row.payload)
