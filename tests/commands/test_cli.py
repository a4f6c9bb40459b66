"""The command line: sentences for users, exit codes, and no tracebacks."""

import json
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.commands.allocate import answer_lines
from app.commands.starter import STARTER_BRAKES, config_lines, example_batch
from app.facade import Layer3Phase3Hybrid
from app.settings import Settings, load_settings
from tests.guide_server import GuideServer, guide_server
from tests.spoken_himari import Himari, clean_directory, himari

__all__ = ["clean_directory", "himari"]


@pytest.fixture
def server() -> Iterator[GuideServer]:
    with guide_server() as running:
        yield running


def written_batch(**changes: Any) -> str:
    batch = example_batch(time.time_ns()) | changes
    Path("batch.json").write_text(json.dumps(batch), "ascii")
    return "batch.json"


@contextmanager
def serving() -> Iterator[str]:
    """Run a `himari serve` of its own on the settings' port until the block ends."""
    url = f"http://127.0.0.1:{os.environ['HIMARI_PORT']}"
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "serve"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        deadline = time.monotonic() + 30.0
        while time.monotonic() < deadline and process.poll() is None:
            try:
                if httpx.get(f"{url}/health/ready", trust_env=False).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.05)
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=20.0)
        assert b"Traceback" not in errors


# -- the words -----------------------------------------------------------------------------------


def test_help_names_every_command_and_imports_none_of_them() -> None:
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    for name in ("serve", "allocate", "demo", "init", "doctor", "replay", "keys"):
        assert f"\n  {name} " in ended.stdout
    assert not any(name in ended.stderr for name in ("numpy", "sqlalchemy", "fastapi", "httpx"))


def test_an_unknown_word_is_a_usage_error(himari: Himari) -> None:
    said = himari("fly")
    assert said.code == 2
    assert "fly" in said.err


# -- init ----------------------------------------------------------------------------------------


def test_init_writes_a_configuration_that_loads_as_the_defaults_with_brakes_to_begin_with(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = himari("init")
    assert said.code == 0
    assert "HIMARI_CONFIG_FILE=himari.yaml himari serve" in said.out
    monkeypatch.delenv("HIMARI_PORT")
    monkeypatch.setenv("HIMARI_CONFIG_FILE", "himari.yaml")
    read = load_settings().model_dump()
    assert read.pop("config_file") == "himari.yaml"
    default = Settings().model_dump()
    del default["config_file"]
    brakes = {name: value for name, (value, _) in STARTER_BRAKES.items()}
    assert read == default | {"brakes": default["brakes"] | brakes}


def test_the_configuration_explains_every_setting_in_ascii() -> None:
    lines = list(config_lines())
    named = {line.strip().partition(":")[0] for line in lines if not line.strip().startswith("#")}
    assert Settings.model_fields.keys() - {"config_file"} <= named
    assert all(line.isascii() and "None" not in line.partition(":")[2] for line in lines if line)


def test_init_does_not_overwrite_unless_forced(himari: Himari) -> None:
    himari("init")
    Path("himari.yaml").write_text("portfolio_value: 5\n", "ascii")
    said = himari("init")
    assert said.code == 1
    assert said.err == (
        "himari: himari.yaml and batch.json exist already; overwrite with --force\n"
    )
    assert Path("himari.yaml").read_text("ascii") == "portfolio_value: 5\n"
    assert himari("init", "--force").code == 0
    assert "portfolio_value: 100000.0" in Path("himari.yaml").read_text("ascii")


def test_init_writes_random_keys_that_nobody_else_may_read(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [himari("init", name) for name in ("one", "two")]
    files = [Path(name) / ".env" for name in ("one", "two")]
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600, 0o600]
    lines = [
        dict(line.split("=") for line in path.read_text("ascii").splitlines() if line[0] != "#")
        for path in files
    ]
    keys = {key for found in lines for key in found.values()}
    assert len(keys) == 8
    assert all(len(key) > 40 and key not in each.out + each.err for key in keys for each in said)
    assert lines[0]["HIMARI_RL_API_KEY"] == lines[0]["HIMARI_INFERENCE_API_KEY"]
    for name, value in lines[0].items():
        monkeypatch.setenv(name, value)
    assert len(load_settings().key_ring().keys) == 1


@pytest.mark.parametrize("words", [("init",), ("init", "--force")])
def test_init_never_replaces_keys(himari: Himari, words: tuple[str, ...]) -> None:
    Path(".env").write_text("HIMARI_API_KEYS=in-use\n", "ascii")
    said = himari(*words)
    assert said.code == 0
    assert "kept .env" in said.out
    assert Path(".env").read_text("ascii") == "HIMARI_API_KEYS=in-use\n"


# -- allocate ------------------------------------------------------------------------------------


def test_a_batch_is_sized_in_process_without_a_service(himari: Himari) -> None:
    said = himari("allocate", written_batch(), "--local")
    assert said.code == 0
    assert "strategy fallback (rl_disabled), mode fallback" in said.out
    assert "BTC-USD " in said.out
    assert "of 100,000.00" in said.out
    assert not list(Path().glob("*.db"))


def test_settings_of_the_environment_hold_in_process_too(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_MAX_POSITION_PCT", "0.01")
    answer = json.loads(himari("allocate", written_batch(), "--local", "--json").out)
    assert max(answer["allocations"].values()) <= 1_000.0 + 0.1
    assert {limit["limit"] for limit in answer["binding_limits"]} == {"position"}


def test_the_state_that_a_new_journal_begins_with_is_not_that_of_a_batch_in_process(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_TRADING_STATE_AT_FIRST", "HALTED")
    answer = json.loads(himari("allocate", written_batch(), "--local", "--json").out)
    assert answer["trading_state"] == "ACTIVE"
    assert answer["allocations"]


def test_a_broken_batch_is_told_field_by_field(himari: Himari) -> None:
    batch = example_batch(5)
    batch["signals"][0]["confidence"] = 1.5
    batch["signals"][1]["action"] = "FLY"
    said = himari("allocate", written_batch(**batch), "--local")
    assert said.code == 1
    assert "signals.0.confidence must be <= 1, was 1.5" in said.err
    assert "signals.1.action must be one of STRONG_BUY" in said.err


def test_a_file_that_is_not_there_is_a_sentence(himari: Himari) -> None:
    said = himari("allocate", "nowhere.json", "--local")
    assert (said.code, said.err) == (
        1,
        "himari: nowhere.json cannot be read: No such file or directory\n",
    )


def test_without_a_service_the_ways_out_are_named(himari: Himari) -> None:
    said = himari("allocate", written_batch())
    assert said.code == 1
    assert "himari serve" in said.err
    assert "--local" in said.err


def test_an_answer_that_is_not_json_is_a_sentence(himari: Himari, server: GuideServer) -> None:
    url = server.endpoint.removesuffix("/predict")
    said = himari("allocate", written_batch(), "--url", url)
    assert said.code == 1
    assert "answered 404 without JSON; is it the service?" in said.err


def test_the_table_shows_limits_rejections_and_warnings_in_ascii() -> None:
    with Layer3Phase3Hybrid(max_position_pct=0.01) as hybrid:
        batch = example_batch(time.time_ns())
        batch["signals"][0]["symbol"] = "\u00c4-USD"
        answer = hybrid.process_signals(batch["signals"], {}, {"ETH-USD": 2250.0, "X": 1.0})
    text = "\n".join(answer_lines(answer.to_dict()))
    assert text.isascii()
    assert r"rejected: signal 0 \xc4-USD: no usable price" in text
    assert "limit: position ETH-USD at 1,000.00 USD" in text
    assert "warning: cascade indicator funding_rate was not given" in text


def test_a_position_that_is_set_apart_has_no_price_in_the_table() -> None:
    row = {"symbol": "SOL-USD", "target_quantity": 3.5, "trade_quantity": 0.0}
    nulls = dict.fromkeys(("target_usd", "weight", "trade_usd", "price", "price_age_sec"))
    with Layer3Phase3Hybrid() as hybrid:
        answer = hybrid.process_signals([], {}, {}).to_dict()
    lines = list(answer_lines({**answer, "positions": [{**row, **nulls, "set_apart": True}]}))
    assert lines[2].split() == ["SOL-USD", "no", "price", "-", "-", "3.5", "0"]


# -- serve, and what asks it ---------------------------------------------------------------------


def test_a_service_answers_keeps_its_decisions_and_replays_them(himari: Himari) -> None:
    with serving():
        assert "OK    port      the service runs at" in himari("doctor").out
        answer = json.loads(himari("allocate", written_batch(), "--json").out)
        himari("allocate", written_batch(), "--dry-run")
        busy = himari("serve")
    said = himari("replay")
    assert busy.code == 1
    assert "Address already in use" in busy.err
    assert said.code == 0
    place, counted = said.out.splitlines()
    assert place == f"journal {Path('himari.db').resolve()}"
    assert "1 decisions compared, 1 equal, 0 different" in counted
    assert himari("replay", "--decision", answer["decision_id"], "--limit", "1").code == 0
    unknown = himari("replay", "--decision", "unknown")
    assert unknown.code == 1
    assert "no decision unknown in stream 0" in unknown.err


def test_serve_refuses_unusable_settings_and_journals_in_sentences(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_MAX_POSITON_PCT", "0.1")
    assert himari("serve").err == (
        "himari: HIMARI_MAX_POSITON_PCT is not a known setting; the nearest is "
        "HIMARI_MAX_POSITION_PCT\n"
    )
    monkeypatch.delenv("HIMARI_MAX_POSITON_PCT")
    monkeypatch.setenv("HIMARI_DATABASE_URL", "sqlite:///nowhere/himari.db")
    said = himari("serve")
    assert said.code == 1
    assert "nowhere of the journal does not exist" in said.err


# -- replay --------------------------------------------------------------------------------------


def test_a_decision_that_was_tampered_with_is_a_difference(himari: Himari) -> None:
    url = "sqlite:///journal.db"
    with Layer3Phase3Hybrid(database_url=url) as hybrid:
        hybrid.process_signals(example_batch(5)["signals"], {}, {"BTC-USD": 1.0, "ETH-USD": 2.0})
    with closing(sqlite3.connect("journal.db")) as connection, connection:
        ((seq, payload),) = connection.execute(
            "SELECT seq, payload FROM events WHERE kind = 'decision'"
        ).fetchall()
        data = json.loads(payload)
        data["answer"]["total_allocated_usd"] += 1.0
        changed = json.dumps(data).encode()
        connection.execute("UPDATE events SET payload = ? WHERE seq = ?", (changed, seq))
    said = himari("replay", "--database-url", url)
    assert said.code == 1
    assert "1 decisions compared, 0 equal, 1 different" in said.out
    assert "total_allocated_usd: journalled" in said.out


def test_a_journal_that_is_not_there_is_a_sentence_and_is_not_made(himari: Himari) -> None:
    said = himari("replay")
    assert said.code == 1
    assert said.out == f"journal {Path('himari.db').resolve()}\n"
    assert "the journal cannot be read" in said.err
    assert "--database-url" in said.err
    assert not Path("himari.db").exists()


@pytest.mark.parametrize(
    ("words", "place"),
    [
        ((), "postgresql://me:***@127.0.0.1:9/journal"),
        (("--stream", "3"), "postgresql://me:***@127.0.0.1:9/journal, stream 3"),
    ],
)
def test_a_replay_says_which_stream_of_which_database_it_reads_and_no_secret_of_the_url(
    himari: Himari, words: tuple[str, ...], place: str
) -> None:
    url = "postgresql://me:c4n4ry@127.0.0.1:9/journal?sslpassword=c4n4ry"
    said = himari("replay", "--database-url", url, *words)
    assert said.code == 1
    assert said.out == f"journal {place}\n"
    assert "c4n4ry" not in said.err


def test_a_url_of_no_journal_is_refused_in_a_sentence(himari: Himari) -> None:
    said = himari("replay", "--database-url", "mysql://me:c4n4ry@db/journal")
    assert (said.code, said.out) == (1, "")
    assert "the journal's URL must be sqlite:///FILE" in said.err
    assert "c4n4ry" not in said.err
