"""The services that the matrix asks, started once."""

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.faults.batch import phase2_answer
from tests.faults.caller import Caller
from tests.faults.flapping import flapping_settings
from tests.faults.matrix import services_under_test
from tests.faults.service import Service, hosted

DEADLINE_SEC = 0.2


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
