"""Sites without keys and with them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from tests.console.feed import Desk
from tests.console.site import Site, running_site, scripted_policy
from tests.fakes import FakeClock


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Keep log lines of expected refusals out of the test report."""
    structlog.configure(processors=[structlog.testing.LogCapture()])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def open_site(tmp_path: Path) -> AsyncIterator[Site]:
    async with running_site(tmp_path, policy=scripted_policy()) as site:
        yield site


@pytest.fixture
async def keyed_site(tmp_path: Path) -> AsyncIterator[Site]:
    async with running_site(tmp_path, keyed=True) as site:
        yield site


@pytest.fixture
def batch() -> dict[str, Any]:
    """Make a batch of several strategies and symbols, at the clock's time."""
    return Desk().batch(FakeClock().now_ns())
