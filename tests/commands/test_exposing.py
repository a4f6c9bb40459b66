"""The server of docs/exposing-a-model.md is started as it stands there, and decides."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.commands.starter import example_batch
from tests.served_himari import Served, running, serving
from tests.spoken_himari import Himari, clean_directory, free_port, himari

__all__ = ["clean_directory", "himari"]

PAGE = Path(__file__).parents[2] / "docs" / "exposing-a-model.md"
KEY = "notebook-tests-key"


def server_code() -> str:
    (code,) = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text("ascii"), re.DOTALL | re.MULTILINE
    )
    return str(code)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Served]:
    live = '\n\n@app.get("/health/live")\ndef live() -> None: ...\n'
    (tmp_path / "serve_model.py").write_text(server_code() + live, "ascii")
    monkeypatch.setenv("MODEL_KEY", KEY)
    port = free_port()
    words = ("-m", "uvicorn", "serve_model:app", "--port", str(port), "--log-level", "warning")
    with running(f"http://127.0.0.1:{port}", *words) as served:
        yield served


def test_a_notebooks_model_moves_sizes_and_nobody_else_may_ask_it(
    notebook: Served, himari: Himari, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIMARI_ENABLE_RL", "true")
    monkeypatch.setenv("HIMARI_RL_ENDPOINT", f"{notebook.url}/predict")
    monkeypatch.setenv("HIMARI_RL_MODEL_VERSION", "notebook-1")
    monkeypatch.setenv("HIMARI_RL_API_KEY", KEY)
    monkeypatch.setenv("HIMARI_RL_HEADERS", '{"ngrok-skip-browser-warning": "1"}')
    for item in ("policy", "policy-hop", "timeouts", "version"):
        said = himari("doctor", "--production", "--only", item)
        assert said.out.startswith("yes"), said.out
    with serving() as served:
        answer = httpx.post(f"{served.url}/allocate", json=example_batch(time.time_ns())).json()
        assert (answer["strategy"], answer["model_version"]) == ("rl", "notebook-1")
        assert answer["allocations"] != answer["baseline_allocations"]
    monkeypatch.setenv("HIMARI_RL_API_KEY", "another")
    refused = himari("doctor", "--production", "--only", "policy")
    assert refused.code == 1
    assert "bad_status" in refused.out
    assert httpx.post(f"{notebook.url}/predict", json={"action": "BUY"}).status_code == 401


def test_the_items_that_the_page_names_exist(himari: Himari) -> None:
    for item in re.findall(r"--only ([a-z-]+)", PAGE.read_text("ascii")):
        assert "must be one of" not in himari("doctor", "--only", item).err
