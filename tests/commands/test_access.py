"""Who gets in at a service that was really started: addresses, keys, and what doctor says."""

import json
import os
import socket
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.commands.serve import is_loopback
from app.commands.starter import example_batch
from app.main import create_app
from app.settings import SettingsError, load_settings
from tests.served_himari import running, serving
from tests.spoken_himari import Himari, clean_directory, himari

__all__ = ["clean_directory", "himari"]

ANYWHERE = ["0.0.0.0", "::"]


def own_address() -> str:
    """Address of this machine on a network, as nobody is asked."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


@pytest.mark.parametrize("host", [*ANYWHERE, "192.0.2.7", "no-such-host.invalid"])
def test_serve_refuses_other_machines_without_a_key(
    himari: Himari, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("HIMARI_HOST", host)
    said = himari("serve")
    assert said.code == 1
    assert f"HIMARI_HOST is {host}, which other machines reach, and no API key is set" in said.err
    assert "himari keys new" in said.err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.1.2.3"])
def test_loopback_is_found_in_its_names_and_addresses(host: str) -> None:
    assert is_loopback(host)


def test_the_application_refuses_other_machines_where_no_command_could(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = own_address()
    himari("keys", "new", "desk")
    monkeypatch.setenv("HIMARI_HOST", "0.0.0.0")
    monkeypatch.setenv("HIMARI_KEYS_FILE", "himari.keys")
    port = os.environ["HIMARI_PORT"]
    with serving() as served, httpx.Client(trust_env=False) as client:
        for host in ("127.0.0.1", address):
            assert client.get(f"http://{host}:{port}/state").status_code == 401
            assert client.get(f"http://{host}:{port}/health/ready").status_code == 200
        assert "docs at /docs" in served.log.read_text("ascii")


def test_without_a_key_plain_uvicorn_on_every_address_serves_this_machine_alone() -> None:
    port, address = os.environ["HIMARI_PORT"], own_address()
    words = ("-m", "uvicorn", "app.main:app", "--host", "0.0.0.0", "--port", port)
    here = f"http://127.0.0.1:{port}"
    with running(here, *words), httpx.Client(trust_env=False) as client:
        assert client.get(f"{here}/state").status_code == 200
        through_a_proxy = {"X-Forwarded-For": "203.0.113.9"}
        rebound = {"Host": "sizing.example"}
        refused = [
            client.get(f"{here}/state", headers=through_a_proxy),
            client.get(f"{here}/decisions", headers=rebound),
            client.put(f"{here}/trading-state", json={"state": "HALTED"}, headers=rebound),
        ]
        if address != "127.0.0.1":
            refused.append(client.get(f"http://{address}:{port}/state"))
            for path in ("/health/live", "/metrics"):
                assert client.get(f"http://{address}:{port}{path}").status_code == 200
        assert client.get(f"{here}/metrics", headers={"Host": "service:8000"}).status_code == 200
        assert {answer.status_code for answer in refused} == {503}
        assert {answer.json()["type"] for answer in refused} == {"urn:himari:problem:no-key-set"}
        assert client.get(f"{here}/trading-state").json()["state"] == "ACTIVE"


def test_a_revoked_key_is_refused_within_two_seconds_and_a_new_one_let_in(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = himari("keys", "new", "desk").out.strip()
    monkeypatch.setenv("HIMARI_KEYS_FILE", "himari.keys")

    def status(key: str) -> int:
        headers = {"Authorization": f"Bearer {key}"}
        return client.get(f"{served.url}/state", headers=headers).status_code

    with serving() as served, httpx.Client(trust_env=False) as client:
        assert status(old) == 200
        himari("keys", "revoke", "desk")
        new = himari("keys", "new", "desk2", "--roles", "read").out.strip()
        deadline = time.monotonic() + 2.0
        while status(old) != 401:
            assert time.monotonic() < deadline
        assert status(new) == 200


def test_who_and_why_are_journalled_for_switch_reset_and_mode(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = himari("keys", "new", "risk", "--roles", "operate").out.strip()
    monkeypatch.setenv("HIMARI_KEYS_FILE", "himari.keys")
    acts = (
        ("PUT", "/trading-state", {"state": "HALTED", "flatten": True, "reason": "flood"}),
        ("PUT", "/circuit", {"mode": "forced_open", "reason": "review"}),
        ("POST", "/circuit/reset", {"reason": "mended"}),
    )
    with serving() as served, httpx.Client(trust_env=False) as client:
        for method, path, body in acts:
            headers = {"Authorization": f"Bearer {key}"}
            answer = client.request(method, served.url + path, json=body, headers=headers)
            assert answer.status_code == 200
        assert client.get(f"{served.url}/trading-state", headers=headers).json()["actor"] == "risk"
    with closing(sqlite3.connect("himari.db")) as journal:
        query = "SELECT kind, payload FROM events WHERE kind IN ('trading_state', 'operator')"
        events = [(kind, json.loads(payload)) for kind, payload in journal.execute(query)]
    assert [(kind, each["actor"], each["reason"]) for kind, each in events] == [
        ("trading_state", "risk", "flood"),
        ("operator", "risk", "review"),
        ("operator", "risk", "mended"),
    ]


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"KEYS_FILE": "nowhere.keys"}, "HIMARI_KEYS_FILE: nowhere.keys cannot be read"),
        ({"RL_CA_FILE": "nowhere.pem"}, "HIMARI_RL_CA_FILE: nowhere.pem cannot be read"),
        ({"SSL_CERTFILE": "nowhere.pem"}, "HIMARI_SSL_CERTFILE: nowhere.pem cannot be read"),
        ({"SSL_KEYFILE": "a.key"}, "ssl_keyfile needs ssl_certfile beside it"),
        ({"API_KEYS": "desk:trade:abc"}, "HIMARI_API_KEYS the hash of key desk must be 64"),
        ({"API_KEYS": "a:read:" + "0" * 64 + ",b:read:" + "0" * 64}, "one has two names"),
    ],
)
def test_settings_of_access_that_cannot_hold_refuse_to_start(
    himari: Himari, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"HIMARI_{name}", value)
    with pytest.raises(SettingsError) as caught:
        load_settings(check_files=True)
    assert sentence in str(caught.value)
    with pytest.raises(SettingsError):
        create_app()
    checked = [line for line in himari("doctor").out.splitlines() if line.startswith("FAIL")]
    assert any(sentence in line for line in checked)
    said = himari("serve")
    assert said.code == 1
    assert "himari: " in said.err


FILES_OF_THE_SERVER = {
    "KEYS_FILE": "nowhere.keys",
    "RL_CA_FILE": "nowhere.pem",
    "SSL_CERTFILE": "nowhere.pem",
}


def test_who_does_not_serve_needs_none_of_the_servers_files(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("batch.json").write_text(json.dumps(example_batch(time.time_ns())), "ascii")
    for name, value in FILES_OF_THE_SERVER.items():
        monkeypatch.setenv(f"HIMARI_{name}", value)
    assert himari("allocate", "batch.json", "--local").code == 0
    assert "cannot be read: unable to open database file" in himari("replay").err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((), "himari: HIMARI_SSL_CERTFILE: nowhere.pem cannot be trusted: "),
        (("--local",), "himari: CA file nowhere.pem cannot be used: "),
    ],
)
def test_a_file_that_a_caller_does_need_is_named_in_a_sentence(
    himari: Himari, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], sentence: str
) -> None:
    Path("batch.json").write_text(json.dumps(example_batch(time.time_ns())), "ascii")
    for name, value in FILES_OF_THE_SERVER.items():
        monkeypatch.setenv(f"HIMARI_{name}", value)
    monkeypatch.setenv("HIMARI_ENABLE_RL", "true")
    monkeypatch.setenv("HIMARI_RL_ENDPOINT", "https://127.0.0.1:9/predict")
    said = himari("allocate", "batch.json", *words)
    assert (said.code, said.err.startswith(sentence)) == (1, True), said.err


def test_a_certificate_file_without_a_certificate_trusts_nothing(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("batch.json").write_text(json.dumps(example_batch(time.time_ns())), "ascii")
    monkeypatch.setenv("HIMARI_SSL_CERTFILE", "batch.json")
    said = himari("allocate", "batch.json")
    assert "batch.json cannot be trusted: it holds no certificate" in said.err


def test_keys_that_contradict_each_other_refuse_to_start(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    himari("keys", "new", "desk")
    monkeypatch.setenv("HIMARI_KEYS_FILE", "himari.keys")
    monkeypatch.setenv("HIMARI_API_KEYS", "desk:read:" + "0" * 64)
    said = himari("serve")
    assert said.code == 1
    assert "himari.keys and HIMARI_API_KEYS together: key names must be unique" in said.err


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({}, "OK    access    no key is set: this machine alone is served"),
        ({"API_KEYS": "alpha"}, "OK    access    keys are asked for, without TLS"),
        ({"HOST": "0.0.0.0"}, "FAIL  access    HIMARI_HOST is 0.0.0.0 and no API key is set"),
        ({"HOST": "0.0.0.0", "API_KEYS": "alpha"}, "WARN  access    keys travel in clear text"),
        (
            {"API_KEYS": "a", "RL_API_KEY": "b", "RL_ENDPOINT": "http://192.0.2.1/predict"},
            "WARN  access    HIMARI_RL_API_KEY travels in clear text",
        ),
    ],
)
def test_doctor_says_who_gets_in(
    himari: Himari, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], line: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(f"HIMARI_{name}", value)
    assert line in himari("doctor").out


def test_doctor_warns_of_keys_that_nobody_reads(himari: Himari) -> None:
    himari("keys", "new", "desk")
    assert "WARN  access    himari.keys stands here but is not read" in himari("doctor").out
