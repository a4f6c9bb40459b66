"""The services that the matrix asks, started once."""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.services import DEADLINE_SEC
from tests.tools.chaos.batch import phase2_answer
from tests.tools.chaos.caller import Caller
from tests.tools.chaos.flapping import flapping_settings
from tests.tools.chaos.matrix import services_under_test
from tests.tools.chaos.service import Service, hosted


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Service]]:
    folder: Path = tmp_path_factory.mktemp("services")
    flapping = {"flapping": flapping_settings(deadline_sec=0.06, wait_sec=0.05)}
    with hosted(folder, services_under_test(DEADLINE_SEC, "NORMAL") | flapping) as running:
        yield running


@pytest.fixture(scope="session")
def phase2() -> Mapping[str, Any]:
    return phase2_answer()


@pytest.fixture
async def plain(services: dict[str, Service]) -> AsyncIterator[tuple[Service, Caller]]:
    caller = services["plain"].caller()
    yield services["plain"], caller
    caller.close()
