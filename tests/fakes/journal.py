"""A journal in memory that keeps every event as bytes and restores a service from them."""

from collections.abc import Awaitable

from app.adapters.journal.memory import MemoryJournal
from app.pipeline.ports import Event, StoredEvent


class FakeJournal(MemoryJournal):
    """A memory journal that gives its events back; payloads are encoded on append."""

    def __init__(self, events: list[StoredEvent] | None = None) -> None:
        super().__init__()
        self.events: list[StoredEvent] = [*(events or [])]

    def append(self, event: Event) -> Awaitable[None]:
        self.events.append(StoredEvent(event.seq, event.kind, event.at_ns, event.payload()))
        return super().append(event)

    async def events_after(self, seq: int, limit: int) -> list[StoredEvent]:
        return [event for event in self.events if event.seq > seq][:limit]
