"""A second process on the SQLite file of a running service."""

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from app.commands.starter import example_batch
from tests.served_himari import Served, serving
from tests.spoken_himari import Himari, clean_directory, free_port, himari

__all__ = ["clean_directory", "himari"]

STARTS = {
    "himari serve": ("-m", "app.cli", "serve"),
    "uvicorn": ("-m", "uvicorn", "app.main:app", "--port", "0"),
}


def decide(served: Served) -> str:
    batch = example_batch(time.time_ns())
    answer = httpx.post(f"{served.url}/allocate", json=batch, timeout=20.0)
    assert answer.status_code == 200
    return str(answer.json()["decision_id"])


def decisions_of(served: Served) -> list[str]:
    found = httpx.get(f"{served.url}/decisions", timeout=20.0).json()["decisions"]
    return [each["decision_id"] for each in found]


@pytest.mark.parametrize("start", STARTS)
def test_a_second_process_on_the_same_file_refuses_to_start_and_names_the_first(
    monkeypatch: pytest.MonkeyPatch, start: str
) -> None:
    with serving() as first:
        before = decide(first)
        monkeypatch.setenv("HIMARI_PORT", str(free_port()))
        second = subprocess.run(
            [sys.executable, *STARTS[start]], capture_output=True, timeout=60, check=False
        )
        said = (second.stdout + second.stderr).decode()
        assert second.returncode != 0
        assert f"the journal {Path('himari.db').resolve()} is written by another process" in said
        assert f"(pid {first.process.pid}, since 2" in said
        # the first goes on, and all that it decided is there
        after = decide(first)
        assert decisions_of(first) == [after, before]


def test_once_the_first_process_has_ended_a_second_goes_on_with_its_file(
    monkeypatch: pytest.MonkeyPatch, himari: Himari
) -> None:
    with serving() as first:
        before = decide(first)
        monkeypatch.setenv("HIMARI_PORT", str(free_port()))
        refused = himari("serve")
        assert refused.code == 1
        assert f"pid {first.process.pid}" in refused.err
        os.kill(first.process.pid, 9)
        first.process.wait(20.0)
        with serving() as second:
            assert decisions_of(second) == [before]
