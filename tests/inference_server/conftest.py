"""Servers over ASGI: the shipped model, and one that tests steer."""

import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
import structlog

from tests.inference_server.folders import write_model
from tests.inference_server.policies import EchoPolicy
from tests.inference_server.site import build_app, running


@pytest.fixture(autouse=True)
def own_logging() -> Iterator[None]:
    """Put back what an application changes in the process's logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Name a folder for models; without it the shipped ones are served."""
    return tmp_path / "models"


@pytest.fixture
def echo() -> EchoPolicy:
    """Make the policy of the kind ``echo``."""
    return EchoPolicy()


@pytest.fixture
async def site(store: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the shipped model over ASGI."""
    async with running(build_app(store)) as client:
        yield client


@pytest.fixture
async def echo_site(store: Path, echo: EchoPolicy) -> AsyncIterator[httpx.AsyncClient]:
    """Serve a model that tests steer, over ASGI; runs have at most 4 rows, 16 may wait."""
    write_model(store, kind="echo")
    app = build_app(store, echo, max_batch_rows=4, queue_rows=16, max_rows_per_request=12)
    async with running(app) as client:
        yield client
