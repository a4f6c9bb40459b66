"""A PostgreSQL cluster of the tests' own, and an empty database on it."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

_SERVER_OPTIONS = (
    "-c fsync=off -c full_page_writes=off -c max_connections=60 -c shared_buffers=16MB "
    "-c listen_addresses=127.0.0.1"
)
_DATABASE = "journal"


@dataclass(frozen=True)
class PostgresCluster:
    """A running server that trusts everybody on loopback."""

    port: int

    def url(self, database: str) -> str:
        return f"postgresql://himari:s3cret@127.0.0.1:{self.port}/{database}"

    def administer(self, *statements: str, database: str = "postgres") -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def end_sessions(self) -> None:
        """Cut every connection to the tests' database."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s",
                (_DATABASE,),
            )


def _binary(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    path = str(found[-1]) if found else shutil.which(name)
    if path is None:
        pytest.fail(f"{name} was not found: install the Debian package postgresql", pytrace=False)
    return path


def _as_owner(*command: str, folder: Path) -> None:
    """Run what PostgreSQL refuses to root as the user that the Debian package makes."""
    prefix = ("runuser", "-u", "postgres", "--") if os.geteuid() == 0 else ()
    log = folder / "commands.log"
    with log.open("ab") as output:
        done = subprocess.run(
            [*prefix, *command], cwd=folder, stdout=output, stderr=output, check=False
        )
    if done.returncode != 0:
        pytest.fail(f"{' '.join(command)} failed:\n{log.read_text()[-2000:]}", pytrace=False)


@contextmanager
def running_cluster() -> Iterator[PostgresCluster]:
    """Start a server with a database, and remove both at the end."""
    initdb, pg_ctl = _binary("initdb"), _binary("pg_ctl")
    # Not below pytest's own directory: that one is closed to the server's user.
    folder = Path(tempfile.mkdtemp(prefix="himari-pg-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    data = str(folder / "data")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    options = f"{_SERVER_OPTIONS} -p {port} -k {folder}"
    try:
        _as_owner(
            *(initdb, "-D", data, "-U", "himari", "--auth=trust", "--no-sync"),
            *("-E", "UTF8", "--locale=C"),
            folder=folder,
        )
        _as_owner(
            *(pg_ctl, "-D", data, "-l", f"{data}.log", "-w", "-o", options, "start"), folder=folder
        )
        cluster = PostgresCluster(port)
        cluster.administer(f"CREATE DATABASE {_DATABASE}")
        yield cluster
        _as_owner(pg_ctl, "-D", data, "-m", "immediate", "-w", "stop", folder=folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def emptied_database(cluster: PostgresCluster) -> str:
    """Empty the tests' database and return its URL."""
    # Emptying takes milliseconds, making a database half a second.
    cluster.end_sessions()
    cluster.administer(
        f"ALTER DATABASE {_DATABASE} ALLOW_CONNECTIONS true",
        f"ALTER DATABASE {_DATABASE} RESET ALL",
    )
    cluster.administer("DROP SCHEMA public CASCADE", "CREATE SCHEMA public", database=_DATABASE)
    return cluster.url(_DATABASE)
