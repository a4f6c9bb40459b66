"""Queued entries that are not yet on disk, by the names under which a caller repeats them.

A write that failed stays queued while its caller gets the error and may send the same once more.
The database does not hold it yet, so queries of the database check here first.
"""

from collections import OrderedDict
from collections.abc import Iterable

from app.adapters.journal.rows import storable
from app.adapters.journal.writer import Entry

_Name = tuple[str, str, str]


class Unwritten:
    """Queued entries that hold outcomes or an answer; as bounded as the queue itself."""

    def __init__(self) -> None:
        self._entries: OrderedDict[_Name, Entry] = OrderedDict()

    def add(self, entry: Entry) -> None:
        """Add a queued entry, and drop those that are on disk by now."""
        # Entries are written in the order in which they came.
        while self._entries and next(iter(self._entries.values())).written:
            self._entries.popitem(last=False)
        for name in _names_of(entry):
            self._entries[name] = entry
            self._entries.move_to_end(name)

    async def outcomes_written(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Wait until what is queued of these (decision_id, symbol) pairs is on disk.

        Raises
        ------
        JournalUnavailable
            If it could not be written up to now.
        """
        await self._written(_outcome(pair) for pair in pairs)

    async def answer_written(self, owner: str, key: str) -> None:
        """Wait until an answer that is queued under an Idempotency-Key is on disk.

        Raises
        ------
        JournalUnavailable
            If it could not be written up to now.
        """
        await self._written([_answer(owner, key)])

    async def _written(self, names: Iterable[_Name]) -> None:
        found = (self._entries.get(name) for name in names)
        for entry in {id(each): each for each in found if each is not None}.values():
            await entry


def _names_of(entry: Entry) -> Iterable[_Name]:
    if (event := entry.event) is None:
        return
    yield from map(_outcome, event.outcomes)
    if event.answer is not None:
        yield _answer(event.answer.owner, event.answer.key)


def _outcome(pair: tuple[str, str]) -> _Name:
    return ("outcome", storable(pair[0]), storable(pair[1]))


def _answer(owner: str, key: str) -> _Name:
    return ("answer", storable(owner), storable(key))
