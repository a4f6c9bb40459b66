"""What several rooms of tests ask for: databases to keep a journal in, and a quiet log."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.postgres import PostgresCluster, emptied_database, running_cluster


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def postgres_url(postgres_cluster: PostgresCluster) -> str:
    return emptied_database(postgres_cluster)


@pytest.fixture(params=["sqlite", "postgresql"])
def journal_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a database that does not exist yet, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def quiet_log() -> Iterator[None]:
    """Keep log lines of expected errors out of the test report."""
    structlog.configure(processors=[structlog.testing.LogCapture()])
    yield
    structlog.reset_defaults()
