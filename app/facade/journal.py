"""A memory journal for programs that decide about thousands of symbols."""

from collections import deque
from typing import Any

from app.adapters.journal.memory import MemoryJournal
from app.pipeline.ports import Event


class BoundedJournal(MemoryJournal):
    """Keeps the last 1,000 decisions, and fewer when they are large.

    A decision about 1,000 symbols takes 1.6 MB, a thousand of them 1.6 GB.

    Parameters
    ----------
    max_symbols : int
        Symbols of all kept decisions together; the newest decision is always kept.
    """

    def __init__(self, max_symbols: int = 100_000) -> None:
        super().__init__()
        self._most = max_symbols
        self._kept: deque[tuple[str, int]] = deque()
        self._symbols = 0

    def append(self, event: Event) -> Any:
        """Append an event and drop the oldest decisions; see `MemoryJournal.append`."""
        done = super().append(event)
        if event.decision is not None:
            size = len(event.decision.symbols)
            with self._lock:
                self._kept.append((event.decision.decision_id, size))
                self._symbols += size
                while len(self._kept) > 1 and self._is_full():
                    oldest, size = self._kept.popleft()
                    self._symbols -= size
                    self._decisions.pop(oldest, None)
        return done

    def _is_full(self) -> bool:
        return self._symbols > self._most or len(self._kept) > self._max
