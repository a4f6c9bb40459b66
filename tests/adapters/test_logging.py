"""Log lines are JSON with the ids of request and decision; secrets are in none of them."""

import io
import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from app.adapters.logging import configure_level, configure_logging
from app.commands.starter import example_batch
from tests.adapters.notify.hook_server import hook_server, wait_until
from tests.postgres import PostgresCluster
from tests.served_himari import serving
from tests.spoken_himari import free_port

PASSWORD = b"s3cret"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    written = io.StringIO()
    handlers, level = logging.root.handlers[:], logging.root.level
    configure_logging("INFO", written)
    yield written
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_both_kinds_of_loggers_write_the_same_lines_with_the_ids(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r", decision_id="d", trace_id="t"):
        structlog.get_logger("ours").warning("told", number=1)
        logging.getLogger("theirs").warning("told %d", 2)
    ids = {"request_id": "r", "decision_id": "d", "trace_id": "t"}
    ours, theirs = lines(stream)
    assert ours.items() >= (ids | {"event": "told", "number": 1, "logger": "ours"}).items()
    assert theirs.items() >= (ids | {"event": "told 2", "logger": "theirs"}).items()


def test_a_traceback_shows_no_values(stream: io.StringIO) -> None:
    def fail(key: str) -> None:
        raise RuntimeError(len(key))

    secret = "c4n4ry"
    try:
        fail(secret)
    except RuntimeError:
        structlog.get_logger("ours").exception("failed")
    assert "RuntimeError: 6" in lines(stream)[0]["exception"]
    assert "c4n4ry" not in stream.getvalue()


def test_the_level_may_change_and_the_talkative_stay_quiet(stream: io.StringIO) -> None:
    configure_level("DEBUG")
    for name in ("apprise", "urllib3", "httpcore", "httpx", "requests", "opentelemetry.exporter"):
        logging.getLogger(f"{name}.below").info("https://me:c4n4ry@host")
    structlog.get_logger("ours").debug("heard")
    configure_level("WARNING")
    structlog.get_logger("ours").info("not heard")
    assert [line["event"] for line in lines(stream)] == ["heard"]


def test_the_password_of_the_database_is_told_nowhere_when_it_fails(
    postgres_cluster: PostgresCluster,
    postgres_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    with hook_server() as hooks:
        for name, value in {
            "PORT": str(free_port()),
            "DATABASE_URL": postgres_url,
            "LOG_LEVEL": "DEBUG",
            "NOTIFY__WEBHOOK_URLS": hooks.url,
            "NOTIFY__WEBHOOK_SECRET": "whsec_" + "c4n4ry" * 6,
        }.items():
            monkeypatch.setenv(f"HIMARI_{name}", value)
        with serving() as served:

            def status() -> int:
                batch = example_batch(time.time_ns())
                return httpx.post(f"{served.url}/allocate", json=batch, timeout=30.0).status_code

            assert status() == 200
            postgres_cluster.administer("ALTER DATABASE journal ALLOW_CONNECTIONS false")
            postgres_cluster.end_sessions()
            wait_until(lambda: status() == 503, "the journal cannot be written")
            # the webhook tells it too
            told = hooks.wait_for(1)[0]
            state = httpx.get(f"{served.url}/state", timeout=30.0).content
            postgres_cluster.administer("ALTER DATABASE journal ALLOW_CONNECTIONS true")
            wait_until(lambda: status() == 200, "it is written again")
            hooks.wait_for(2)
    kinds = [json.loads(got.body)["type"] for got in hooks.got]
    assert kinds == ["journal.failing", "journal.restored"]
    log = served.log.read_bytes()
    assert b"journal cannot be written" in log
    for place in (log, state, told.body):
        assert PASSWORD not in place
