"""``himari doctor --production``: yes, no with what to do, or not applicable, for each item."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.client import HimariClient
from app.commands.doctor_production import CHECKLIST
from app.commands.starter import example_batch
from app.core.access import Role, hashed
from tests.commands.stack_server import StackServer, stack_server
from tests.served_himari import serving
from tests.spoken_himari import Himari, clean_directory, free_port, himari

__all__ = ["clean_directory", "himari"]

KEY = "production-tests-key-of-an-operator"
TRADER = hashed("trader", [Role.TRADE], "another").entry()
PAGE = Path(__file__).parents[2] / "docs" / "production.md"
REAL = {"HIMARI_ENABLE_RL": "true"}


@pytest.fixture
def stack() -> Iterator[StackServer]:
    with stack_server() as running:
        yield running


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch, stack: StackServer) -> None:
    """Set what leaves nothing to say."""
    chosen = REAL | {
        "HIMARI_RL_ENDPOINT": f"{stack.url}/predict",
        "HIMARI_RL_MODEL_VERSION": "v1.0",
        "HIMARI_API_KEYS": f"{KEY},{TRADER}",
        "HIMARI_BRAKES__DAILY_LOSS_FROM": "0.05",
        "HIMARI_TRADING__MAX_SIGNAL_AGE_SEC": "3600",
    }
    for name, value in chosen.items():
        monkeypatch.setenv(name, value)


def answers(text: str) -> dict[str, str]:
    """Answer by subject."""
    row = re.compile(r"^(yes|no|not applicable) +([a-z-]+) ", re.MULTILINE)
    return {subject: answer for answer, subject in row.findall(text)}


def drilled(url: str) -> None:
    """Take the policy away for a batch, give it back, and tell what became of another."""
    with HimariClient(url, KEY) as client:
        batch = example_batch(time.time_ns())
        client.set_circuit_mode({"mode": "forced_open", "reason": "drill"})
        assert client.allocate(batch)["fallback_reason"] == "circuit_open"  # type: ignore[arg-type]
        client.set_circuit_mode({"mode": "auto", "reason": "drill over"})
        decided = client.allocate(batch)  # type: ignore[arg-type]
        assert decided["strategy"] == "rl"
        outcome = {"symbol": "BTC-USD", "realized_return": 0.01}
        client.record_outcomes([{"decision_id": decided["decision_id"], **outcome}])  # type: ignore[typeddict-item]


@pytest.mark.usefixtures("sound")
def test_a_place_that_lacks_nothing_is_all_yes(himari: Himari, stack: StackServer) -> None:
    stack_urls = [
        word
        for name in ("prometheus", "alertmanager", "grafana")
        for word in (f"--{name}-url", stack.url)
    ]
    with serving() as served:
        drilled(served.url)
        for path in Path().glob("himari.db*"):
            path.chmod(0o600)
        said = himari("doctor", "--production", *stack_urls)
    assert answers(said.out) == dict.fromkeys(CHECKLIST, "yes"), said.out
    assert said.out.endswith(f"{len(CHECKLIST)} yes, 0 no, 0 not applicable\n")
    assert said.code == 0
    assert KEY not in said.out


def test_a_fresh_place_is_told_what_to_do(himari: Himari) -> None:
    said = himari("doctor", "--production")
    assert said.code == 1
    found = answers(said.out)
    assert list(found) == list(CHECKLIST)
    assert [name for name, answer in found.items() if answer == "no"] == [
        "keys",
        "brakes",
        "stale",
        "alerts",
    ]
    assert all("; do: " in line for line in said.out.splitlines() if line.startswith("no "))
    assert list(Path().iterdir()) == []


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize(
    ("subject", "variables", "found"),
    [
        ("mode", {"HIMARI_USE_MOCK_RL": "true"}, "seeded stand-in"),
        ("breaker", {"HIMARI_CIRCUIT_BREAKER__ENABLED": "false"}, "the breaker is off"),
        ("breaker", {"HIMARI_CIRCUIT_BREAKER__FAILURE_THRESHOLD": "50"}, "50 failures"),
        ("breaker", {"HIMARI_CIRCUIT_BREAKER__MAX_TIMEOUT_SEC": "7200"}, "7200 s"),
        ("metrics", {"HIMARI_ENABLE_METRICS": "false"}, "metrics are off"),
        ("keys", {"HIMARI_API_KEYS": "changeme"}, "shorter than 32"),
        ("keys", {"HIMARI_API_KEYS": 8 * "abcd"}, "less than 10 different ones"),
        ("roles", {"HIMARI_API_KEYS": KEY}, "every key that trades may operate"),
        ("roles", {"HIMARI_API_KEYS": TRADER}, "nobody can halt"),
        ("callers", {"HIMARI_HOST": "0.0.0.0"}, "in clear text"),
        ("policy-hop", {"HIMARI_RL_ENDPOINT": "http://192.0.2.1:8888/predict"}, "in clear text"),
        ("limits", {"HIMARI_MAX_POSITION_PCT": "0.9"}, "order them"),
        ("limits", {"HIMARI_KELLY_FRACTION": "1"}, "HIMARI_KELLY_FRACTION to 0.5"),
        ("brakes", {"HIMARI_BRAKES__DAILY_LOSS_FROM": "0"}, "no brake"),
        ("stale", {"HIMARI_TRADING__MAX_SIGNAL_AGE_SEC": "0"}, "any age"),
        ("journal", {"HIMARI_DATABASE_URL": "sqlite:///nowhere/himari.db"}, "missing or cannot"),
        ("disk", {"HIMARI_DATABASE_URL": "sqlite:///nowhere/himari.db"}, "is missing"),
        ("durability", {"HIMARI_SYNCHRONOUS": "NORMAL"}, "may be lost"),
        ("policy", {"HIMARI_RL_ENDPOINT": "http://127.0.0.1:9/predict"}, "connection_error"),
        ("policy-health", {"HIMARI_RL_ENDPOINT": "http://127.0.0.1:9/predict"}, "not answer"),
        ("version", {"HIMARI_RL_MODEL_VERSION": ""}, "any model version counts"),
        ("timeouts", {"HIMARI_RL_TIMEOUT_SEC": "10"}, "callers wait 10 s"),
    ],
)
def test_an_item_that_is_amiss_is_a_no_with_what_to_do(
    himari: Himari,
    monkeypatch: pytest.MonkeyPatch,
    subject: str,
    variables: dict[str, str],
    found: str,
) -> None:
    assert himari("doctor", "--production", "--only", subject).code == 0
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    said = himari("doctor", "--production", "--only", subject)
    assert said.code == 1
    assert list(answers(said.out)) == [subject]
    assert found in said.out
    assert "; do: " in said.out


@pytest.mark.usefixtures("sound")
def test_what_only_a_running_service_tells_is_asked_of_it(himari: Himari) -> None:
    running = ["fallback", "comparison", "service", "trading"]
    for subject in running:
        assert answers(himari("doctor", "--only", subject).out) == {subject: "not applicable"}
    with serving() as served, HimariClient(served.url, KEY) as client:
        found = answers(himari("doctor", "--production").out)
        assert [found[subject] for subject in running] == ["no", "no", "yes", "yes"]
        client.set_trading_state({"state": "HALTED", "reason": "a drill"})
        halted = himari("doctor", "--only", "trading")
        assert halted.code == 1
        assert "a drill; do: PUT /trading-state" in halted.out


@pytest.mark.usefixtures("sound")
def test_a_key_that_cannot_be_read_here_is_given_by_option(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_API_KEYS", hashed("desk", [Role.OPERATE], KEY).entry())
    with serving():
        assert "with --api-key" in himari("doctor", "--only", "trading").out
        assert himari("doctor", "--only", "trading", "--api-key", KEY).out.startswith("yes")


@pytest.mark.parametrize(
    ("path", "subject", "option"),
    [
        ("/api/v1/query", "prometheus", "--prometheus-url"),
        ("/-/ready", "alerts", "--alertmanager-url"),
        ("/api/health", "dashboards", "--grafana-url"),
    ],
)
def test_what_watches_must_answer(
    himari: Himari, stack: StackServer, path: str, subject: str, option: str
) -> None:
    words = ("doctor", "--only", subject, option, stack.url)
    assert himari(*words).code == 0
    stack.answers[path] = (503, {})
    assert himari(*words).code == 1
    assert himari(*words[:-1], f"http://127.0.0.1:{free_port()}").code == 1


def test_prometheus_without_figures_of_ours_is_a_no(himari: Himari, stack: StackServer) -> None:
    stack.answers["/api/v1/query"] = (200, {"data": {"result": []}})
    said = himari("doctor", "--only", "prometheus", "--prometheus-url", stack.url)
    assert "add this service to its scrape_configs" in said.out


@pytest.mark.usefixtures("sound")
def test_a_policy_without_health_is_as_good(himari: Himari, stack: StackServer) -> None:
    del stack.answers["/health/ready"]
    assert "it has no GET /health/ready" in himari("doctor", "--only", "policy-health").out
    stack.answers["/health/ready"] = (503, {})
    assert "answers 503" in himari("doctor", "--only", "policy-health").out


def test_files_that_others_may_read_are_named(himari: Himari) -> None:
    himari("init")
    assert answers(himari("doctor", "--only", "files").out) == {"files": "yes"}
    Path(".env").chmod(0o640)
    said = himari("doctor", "--only", "files")
    assert said.code == 1
    assert "do: chmod 600 .env" in said.out


def test_a_clock_behind_our_own_files_is_a_no(himari: Himari) -> None:
    Path("himari.db").touch()
    assert himari("doctor", "--only", "clock").code == 0
    ahead = time.time() + 3600.0
    os.utime("himari.db", (ahead, ahead))
    assert "behind files written here" in himari("doctor", "--only", "clock").out


def test_a_disk_without_room_is_a_no(himari: Himari, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(total=100 * 10**9, free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert "1.0 GB free, 1% of the disk" in himari("doctor", "--only", "disk").out


def test_unusable_settings_are_the_one_answer(
    himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_KELLY_FRACTION", "7")
    said = himari("doctor", "--production")
    assert said.code == 1
    assert answers(said.out) == {"settings": "no"}


def test_an_item_that_does_not_exist_is_refused(himari: Himari) -> None:
    said = himari("doctor", "--only", "luck")
    assert said.code == 1
    assert "--only must be one of mode, breaker," in said.err


def test_the_page_has_every_item_in_order() -> None:
    row = re.compile(r"^\| `([a-z-]+)` \| [a-z]", re.MULTILINE)
    rows = [name for name in row.findall(PAGE.read_text("ascii")) if not name.startswith("--")]
    assert rows == list(CHECKLIST)
