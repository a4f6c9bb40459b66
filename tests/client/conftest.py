"""A real service for the client, and a batch for it."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.client import AllocateRequest
from app.commands.starter import example_batch
from app.core.access import Role, hashed
from tests.client.keys import KEY, TRADER
from tests.served_himari import Served, serving
from tests.spoken_himari import free_port


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("service")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("HIMARI_")]:
            patch.delenv(name)
        patch.chdir(folder)
        patch.setenv("HIMARI_PORT", str(free_port()))
        trader = hashed("trader", frozenset({Role.TRADE}), TRADER).entry()
        patch.setenv("HIMARI_API_KEYS", f"{KEY},{trader}")
        with serving() as served:
            yield served


@pytest.fixture
def batch() -> AllocateRequest:
    made: AllocateRequest = example_batch(time.time_ns())  # type: ignore[assignment]
    return made
