"""Which model is served: switching, keeping the old one, going back."""

import asyncio
import threading
from datetime import date

import pytest

from inference_server.errors import ModelRefused, NoPreviousModel, NotServing
from inference_server.model.card import ModelCard
from inference_server.model.loading import ServedModel
from inference_server.serving.switch import ModelSwitch, SwitchResult
from tests.inference_server.policies import ConstantPolicy


class Shelf:
    """A loader that remembers, and refuses what is not on it."""

    def __init__(self, *versions: str) -> None:
        self.versions = versions
        self.loads: list[str | None] = []
        self.most_at_once = 0
        self._at_once = 0
        self._counting = threading.Lock()

    def __call__(self, version: str | None) -> ServedModel:
        with self._counting:
            self.loads.append(version)
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            named = version or self.versions[0]
            if named not in self.versions:
                raise ModelRefused(f"{named} is not on the shelf")
            return ServedModel(_card(named), ConstantPolicy(0.0))
        finally:
            with self._counting:
                self._at_once -= 1


def _card(version: str) -> ModelCard:
    return ModelCard(
        version=version,
        kind="constant",
        created=date(2026, 11, 20),
        description="",
        alpha={"long_flat": 0.0, "long_short": 0.0},
        confidence={"long_flat": 0.0, "long_short": 0.0},
    )


async def test_nothing_is_served_before_the_first_load() -> None:
    switch = ModelSwitch(Shelf("v1"))
    assert not switch.loaded
    with pytest.raises(NotServing, match="no model is loaded"):
        _ = switch.current
    with pytest.raises(NoPreviousModel):
        await switch.roll_back()


async def test_a_reload_switches_and_keeps_the_old_one_for_a_rollback() -> None:
    switch = ModelSwitch(Shelf("v1", "v2"))
    assert await switch.reload() == SwitchResult(None, "v1", rolled_back=False)
    old = switch.current
    assert await switch.reload("v2") == SwitchResult("v1", "v2", rolled_back=False)
    assert switch.previous is old
    assert await switch.roll_back() == SwitchResult("v2", "v1", rolled_back=True)
    assert switch.current is old
    assert await switch.roll_back() == SwitchResult("v1", "v2", rolled_back=True)


async def test_the_version_of_the_previous_one_goes_back_without_loading() -> None:
    shelf = Shelf("v1", "v2")
    switch = ModelSwitch(shelf)
    await switch.reload()
    await switch.reload("v2")
    assert await switch.reload("v1") == SwitchResult("v2", "v1", rolled_back=True)
    assert shelf.loads == [None, "v2"]


async def test_a_version_that_replaces_itself_leaves_the_one_before_it() -> None:
    switch = ModelSwitch(Shelf("v1", "v2"))
    await switch.reload()
    await switch.reload("v2")
    before = switch.current
    await switch.reload("v2")
    assert switch.current is not before
    assert switch.previous is not None
    assert switch.previous.card.version == "v1"


async def test_a_refused_model_leaves_the_old_one_and_the_way_back() -> None:
    switch = ModelSwitch(Shelf("v1", "v2"))
    await switch.reload()
    await switch.reload("v2")
    current, previous = switch.current, switch.previous
    with pytest.raises(ModelRefused):
        await switch.reload("v3")
    assert (switch.current, switch.previous) == (current, previous)


async def test_reloads_wait_for_one_another() -> None:
    shelf = Shelf("v1", "v2", "v3")
    switch = ModelSwitch(shelf)
    versions = ["v1", "v2", "v3"] * 5
    switched = await asyncio.gather(*(switch.reload(version) for version in versions))
    assert shelf.most_at_once == 1
    assert [each.new_version for each in switched] == versions
    chain = [(each.old_version, each.new_version) for each in switched]
    assert [old for old, _ in chain[1:]] == [new for _, new in chain[:-1]]
