"""Queued entries as rows of the journal's tables."""

import logging
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import Table

from app.adapters.journal.schema import (
    ROLE_STRATEGY,
    ROLE_SYMBOL,
    checkpoints,
    decision_names,
    decisions,
    idempotency,
    outcomes,
)
from app.adapters.journal.writer import Entry, nothing
from app.core.errors import JournalUnavailable
from app.pipeline.ports import Event

# PostgreSQL refuses index rows above 2,704 bytes; two such texts of four-byte letters fit.
_MAX_TEXT = 256

_logger = logging.getLogger(__name__)
Row = tuple[Any, ...]


class Group:
    """Rows of a group, by table; each payload is encoded here, once."""

    def __init__(self, stream: int, entries: Sequence[Entry]) -> None:
        self._stream = stream
        self.events: list[Row] = []
        self.checkpoints: list[Row] = []
        self._decisions: list[Row] = []
        self._names: list[Row] = []
        self._outcomes: list[Row] = []
        self._answers: dict[tuple[str, str], Row] = {}
        self.newest_ns = 0
        for entry in entries:
            if entry.event is not None:
                self._add_event(entry, entry.event)
            elif entry.encode is not nothing:
                self._add_checkpoint(entry)

    def others(self) -> Iterator[tuple[Table, Sequence[Row]]]:
        """Yield the tables other than events that have rows, with those rows."""
        if self._decisions:
            yield decisions, self._decisions
            yield decision_names, self._names
        if self._outcomes:
            yield outcomes, self._outcomes
        if self._answers:
            yield idempotency, list(self._answers.values())
        if self.checkpoints:
            yield checkpoints, self.checkpoints

    def _add_event(self, entry: Entry, event: Event) -> None:
        if entry.payload is None:
            try:
                entry.payload = entry.encode()
            except Exception as error:
                msg = f"event {event.seq} ({event.kind}) has no payload: {type(error).__name__}"
                raise JournalUnavailable(msg) from error
        self.newest_ns = event.at_ns
        self.events.append((self._stream, event.seq, event.kind, event.at_ns, entry.payload))
        if event.decision is not None:
            self._add_decision(event)
        for decision_id, symbol in event.outcomes:
            pair = (storable(decision_id), storable(symbol))
            self._outcomes.append((*pair, self._stream, event.seq))
        if (answer := event.answer) is not None:
            key = (storable(answer.owner), storable(answer.key))
            row = (*key, answer.body_digest, answer.status, answer.body, answer.at_ns)
            self._answers.setdefault(key, row)

    def _add_decision(self, event: Event) -> None:
        if (index := event.decision) is None:
            return
        reason, version = index.fallback_reason, index.model_version
        self._decisions.append(
            (
                storable(index.decision_id),
                self._stream,
                event.seq,
                event.at_ns,
                storable(index.strategy),
                None if reason is None else storable(reason),
                index.mode,
                None if version is None else storable(version),
                index.settings_hash,
            )
        )
        place = (event.at_ns, self._stream, event.seq)
        self._names.extend((ROLE_SYMBOL, storable(name), *place) for name in index.symbols)
        self._names.extend((ROLE_STRATEGY, storable(name), *place) for name in index.strategies)

    def _add_checkpoint(self, entry: Entry) -> None:
        # A checkpoint only shortens a restart: one that cannot be made must not stop the events.
        try:
            entry.payload = entry.payload or entry.encode()
        except Exception:
            _logger.exception("checkpoint after event %d cannot be made", entry.seq)
            return
        self.checkpoints.append((self._stream, entry.seq, entry.payload))


def storable(name: str) -> str:
    """Return text as the indexed columns hold it: bounded, without NUL and lone surrogates.

    Both are legal in JSON and illegal in a database; searching uses the same form.
    """
    if len(name) > _MAX_TEXT:
        digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        name = f"{name[: _MAX_TEXT - len(digest) - 1]}~{digest}"
    if name.isascii() and "\x00" not in name:
        return name
    return name.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
