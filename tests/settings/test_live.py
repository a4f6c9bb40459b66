"""A running service whose configuration file changes under it: a real file, a real process."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.commands.starter import example_batch
from tests.adapters.notify.hook_server import wait_until
from tests.served_himari import Served, serving
from tests.spoken_himari import Himari, clean_directory, himari

__all__ = ["clean_directory", "himari"]

YAML = "max_position_pct: {limit}\nmax_signals: {signals}\n"


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch) -> Path:
    path = Path("himari.yaml")
    path.write_text(YAML.format(limit=0.15, signals=50))
    monkeypatch.setenv("HIMARI_CONFIG_FILE", str(path))
    return path


@pytest.fixture
def served(
    file: Path,  # noqa: ARG001 - it has to be there first
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Served]:
    monkeypatch.setenv("HIMARI_ENABLE_RL", "true")
    monkeypatch.setenv("HIMARI_USE_MOCK_RL", "true")
    with serving() as running:
        yield running


def state_of(served: Served) -> Any:
    return httpx.get(f"{served.url}/state", timeout=20.0).json()


def reload_state(served: Served) -> Any:
    return state_of(served)["settings_reload"]


def decide(served: Served) -> Any:
    batch = example_batch(time.time_ns())
    answer = httpx.post(f"{served.url}/allocate", json=batch, timeout=20.0)
    assert answer.status_code == 200
    return answer.json()


def largest(answer: Any) -> float:
    return float(max(abs(each["weight"]) for each in answer["positions"]))


def change(file: Path, content: str) -> None:
    beside = file.with_name("beside.yaml")
    beside.write_text(content)
    beside.replace(file)


def test_a_changed_limit_holds_from_then_on_and_every_decision_replays(
    served: Served, file: Path, himari: Himari
) -> None:
    before = [decide(served) for _ in range(3)]
    was = state_of(served)["settings_hash"]
    change(file, YAML.format(limit=0.01, signals=50))
    during = 0
    while reload_state(served)["outcome"] is None:
        decide(served)
        during += 1
    after = [decide(served) for _ in range(3)]
    state = state_of(served)
    replayed = himari("replay")
    assert max(map(largest, before)) > 0.01
    assert max(map(largest, after)) <= 0.01 + 1e-9
    assert state["params"]["limits"]["max_position_pct"] == 0.01
    assert state["settings_hash"] != was
    assert state["settings_reload"]["applied"] == ["max_position_pct"]
    assert replayed.code == 0
    assert f"{6 + during} decisions" in replayed.out


def test_a_bad_file_changes_nothing_and_is_told_everywhere(served: Served, file: Path) -> None:
    was = state_of(served)["settings_hash"]
    change(file, "max_position_pct: 7\napi_keys: c4n4ry\n")
    wait_until(lambda: reload_state(served)["outcome"] == "refused", "the file is refused")
    state = state_of(served)
    metrics = httpx.get(f"{served.url}/metrics").text
    assert state["settings_hash"] == was
    assert "HIMARI_MAX_POSITION_PCT must be" in state["settings_reload"]["error"]
    assert 'himari_l3_settings_reloads_total{outcome="refused"} 1.0' in metrics
    assert "himari_l3_settings_refused 1.0" in metrics
    assert b"settings_refused" in served.log.read_bytes()
    change(file, "api_keys: [c4n4ry, 'unclosed\n")
    wait_until(
        lambda: "is not valid YAML" in reload_state(served)["error"], "another reason is shown"
    )
    assert "c4n4ry" not in str(state_of(served)) + served.log.read_text("utf-8")
    assert decide(served)["decision_id"]


def test_what_needs_a_restart_is_said_and_not_done(served: Served, file: Path) -> None:
    change(file, YAML.format(limit=0.15, signals=1) + "portfolio_value: 5000\n")
    wait_until(lambda: reload_state(served)["outcome"] is not None, "the file is read")
    assert reload_state(served)["applied"] == ["portfolio_value"]
    assert reload_state(served)["needs_restart"] == ["max_signals"]
    batch = example_batch(time.time_ns())
    batch.pop("portfolio_value", None)
    assert len(batch["signals"]) > 1
    answer = httpx.post(f"{served.url}/allocate", json=batch, timeout=20.0).json()
    assert answer["portfolio_value"] == 5000.0
    assert "himari_l3_settings_need_restart 1.0" in httpx.get(f"{served.url}/metrics").text
    assert b"settings_need_restart" in served.log.read_bytes()


def test_sighup_reads_the_settings_again_and_the_environment_still_wins(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_KELLY_FRACTION", "0.2")
    with serving() as served:
        was = state_of(served)["settings_hash"]
        change(file, YAML.format(limit=0.15, signals=50) + "kelly_fraction: 0.9\n")
        os.kill(served.process.pid, signal.SIGHUP)
        wait_until(lambda: reload_state(served)["outcome"] is not None, "the file is read")
        assert state_of(served)["settings_hash"] == was
        change(file, YAML.format(limit=0.1, signals=50) + "log_level: WARNING\n")
        os.kill(served.process.pid, signal.SIGHUP)
        wait_until(lambda: reload_state(served)["outcome"] == "applied", "the change is in force")
        assert reload_state(served)["applied"] == ["log_level", "max_position_pct"]
        served.process.send_signal(signal.SIGTERM)
        assert served.process.wait(20.0) in {0, -signal.SIGTERM}
