"""Switch the served model, keep the one before it, and roll back to it.

A request takes the model once and keeps it, so a switch falls between requests and every answer
is of one version.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from inference_server.errors import NoPreviousModel, NotServing
from inference_server.model.loading import ServedModel

Loader = Callable[[str | None], ServedModel]


@dataclass(frozen=True, slots=True)
class SwitchResult:
    """The versions before and after a switch, and whether it was a rollback."""

    old_version: str | None
    new_version: str
    rolled_back: bool


class ModelSwitch:
    """The current model and the one before it.

    Parameters
    ----------
    load : callable
        Takes a version, or None for the store's current one; runs in a thread of its own.
    """

    def __init__(self, load: Loader) -> None:
        self._load = load
        self._switching = asyncio.Lock()
        self._current: ServedModel | None = None
        self._previous: ServedModel | None = None

    @property
    def current(self) -> ServedModel:
        """The model that is served.

        Raises
        ------
        NotServing
            If none was ever loaded.
        """
        if self._current is None:
            raise NotServing("no model is loaded")
        return self._current

    @property
    def previous(self) -> ServedModel | None:
        """The model that a rollback goes back to."""
        return self._previous

    @property
    def loaded(self) -> bool:
        """Whether a model is loaded."""
        return self._current is not None

    async def reload(self, version: str | None = None) -> SwitchResult:
        """Load a version and switch to it; the version of the previous model is rolled back to.

        Raises
        ------
        ModelRefused
            The version was refused; the old model stays.
        """
        async with self._switching:
            previous = self._previous
            if previous is not None and version == previous.card.version:
                return self._switch_to(previous, rolled_back=True)
            return self._switch_to(await asyncio.to_thread(self._load, version))

    async def roll_back(self) -> SwitchResult:
        """Go back to the previous model, which is still in memory.

        Raises
        ------
        NoPreviousModel
            If there is none.
        """
        async with self._switching:
            if self._previous is None:
                raise NoPreviousModel("no model was served before this one")
            return self._switch_to(self._previous, rolled_back=True)

    def _switch_to(self, model: ServedModel, *, rolled_back: bool = False) -> SwitchResult:
        old = self._current
        # a version that replaces itself leaves the one before it for a rollback
        if old is not None and old.card.version != model.card.version:
            self._previous = old
        self._current = model
        return SwitchResult(old.card.version if old else None, model.card.version, rolled_back)
