"""``himari doctor``: what is wrong is named, with the way to mend it."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.adapters.journal.sql import SqlJournal
from tests.guide_server import GuideServer, guide_server
from tests.spoken_himari import Himari, clean_directory, free_port, himari

__all__ = ["clean_directory", "himari"]


@pytest.fixture
def server() -> Iterator[GuideServer]:
    with guide_server() as running:
        yield running


def test_doctor_finds_a_healthy_place_and_leaves_it_as_it_is(himari: Himari) -> None:
    said = himari("doctor")
    assert said.code == 0
    assert [line[:4] for line in said.out.splitlines()] == ["OK  "] * 6
    assert list(Path().iterdir()) == []


def test_doctor_names_each_unusable_setting_and_the_nearest_name(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_KELLY_FRACTION", "7")
    monkeypatch.setenv("HIMARI_ENABEL_RL", "true")
    said = himari("doctor")
    assert said.code == 1
    assert "FAIL  settings  HIMARI_KELLY_FRACTION must be less than or equal to 1" in said.out
    assert "HIMARI_ENABEL_RL is not a known setting; the nearest is HIMARI_ENABLE_RL" in said.out
    assert "mend: correct it" in said.out


def test_doctor_warns_of_a_configuration_that_nobody_reads(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    himari("init")
    said = himari("doctor")
    assert said.code == 0
    assert "WARN  settings  himari.yaml stands here but is not read" in said.out
    monkeypatch.setenv("HIMARI_CONFIG_FILE", "himari.yaml")
    assert "OK    settings  mode fallback, file himari.yaml" in himari("doctor").out


def test_doctor_says_when_another_program_has_the_port(
    himari: Himari, server: GuideServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_PORT", str(server.port))
    said = himari("doctor")
    assert said.code == 1
    assert "Address already in use; mend: set HIMARI_PORT to a free one" in said.out


@pytest.mark.parametrize(
    ("reply", "found", "mend"),
    [
        ((500, b""), "bad_status", "check the path of HIMARI_RL_ENDPOINT"),
        ((200, b"<html>"), "invalid_prediction", "make it answer position_pct in [-1, 1]"),
        ((200, b'{"position_pct": NaN}'), "invalid_prediction", "make it answer position_pct"),
    ],
)
def test_doctor_says_what_is_wrong_with_the_policy_server(
    himari: Himari,
    server: GuideServer,
    monkeypatch: pytest.MonkeyPatch,
    reply: tuple[int, bytes],
    found: str,
    mend: str,
) -> None:
    server.status, server.body = reply
    monkeypatch.setenv("HIMARI_ENABLE_RL", "true")
    monkeypatch.setenv("HIMARI_RL_ENDPOINT", server.endpoint)
    said = himari("doctor")
    assert said.code == 1
    (line,) = [line for line in said.out.splitlines() if line.startswith("FAIL")]
    assert f"{server.endpoint}: {found}" in line
    assert f"mend: {mend}" in line


def test_doctor_asks_the_policy_server_once(
    himari: Himari, server: GuideServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_ENABLE_RL", "true")
    monkeypatch.setenv("HIMARI_RL_ENDPOINT", server.endpoint)
    said = himari("doctor")
    assert said.code == 0
    assert f"OK    policy    {server.endpoint} answers, model v1.0" in said.out
    assert len(server.asked) == 1
    monkeypatch.setenv("HIMARI_RL_ENDPOINT", "http://127.0.0.1:9/predict")
    dead = himari("doctor")
    assert dead.code == 1
    assert "connection_error" in dead.out
    assert "mend: start the policy server there" in dead.out


def test_doctor_says_when_the_journal_is_of_a_newer_program(himari: Himari) -> None:
    async def made() -> None:
        journal = SqlJournal("sqlite:///himari.db")
        await journal.open()
        await journal.close()

    asyncio.run(made())
    assert "opens and is of this program's schema" in himari("doctor").out
    with closing(sqlite3.connect("himari.db")) as connection, connection:
        connection.execute("UPDATE journal_version SET version_num = 'ffff'")
    said = himari("doctor")
    assert said.code == 1
    assert "newer" in said.out
    assert "mend: run the newer program" in said.out


def test_doctor_says_when_the_journal_has_nowhere_to_be(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_DATABASE_URL", "sqlite:///nowhere/himari.db")
    assert "is missing or cannot be written; mend: make it writable" in himari("doctor").out
    Path("himari.db").write_bytes(b"no database at all, whatever its name says" * 100)
    monkeypatch.setenv("HIMARI_DATABASE_URL", "sqlite:///himari.db")
    said = himari("doctor")
    assert said.code == 1
    assert "file is not a database" in said.out


def test_doctor_does_not_print_passwords(himari: Himari, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    monkeypatch.setenv("HIMARI_DATABASE_URL", f"postgresql://himari:s3cret@127.0.0.1:{port}/db")
    said = himari("doctor")
    assert said.code == 1
    assert "FAIL  journal" in said.out
    assert "s3cret" not in said.out + said.err
