"""A running application, and a valid request to vary one thing of."""

from collections.abc import AsyncIterator, Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
import structlog

from app.api.request import examples
from tests.api.site import Site, build_site


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    """Keep log lines of expected errors out of the test report."""
    structlog.configure(processors=[structlog.testing.LogCapture()])
    yield
    structlog.reset_defaults()


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    built = build_site()
    async with built.client:
        yield built


@pytest.fixture
def site_with() -> Callable[..., Site]:
    return build_site


@pytest.fixture
def valid() -> dict[str, Any]:
    return deepcopy(examples.ALLOCATE)
