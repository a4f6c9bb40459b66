"""The whole demo against a fake service in real processes."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import orjson
import pytest

from app.demo import DemoOptions, run
from app.processes.service import sigterm_as_exit
from tests.inference_server.folders import write_model

RUNS = ["Phase 2", "RL mode", "mock RL", "RL dead"]
MODES = ["fallback", "real", "mock", "real"]
FAKE = "tests.demo.fake_service:application"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def served_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the inference server a model of the tests' own."""
    write_model(tmp_path / "models")
    monkeypatch.setenv("HIMARI_INFERENCE_MODEL_DIR", str(tmp_path / "models"))


def options(folder: Path) -> DemoOptions:
    return DemoOptions(start=date(2020, 3, 9), days=12, out=folder, application=FAKE)


def test_a_demo_prints_its_report_writes_picture_and_figures_and_returns_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(options(tmp_path)) == 0
    text = capsys.readouterr().out
    assert text.isascii()
    assert max(map(len, text.splitlines())) <= 110
    assert "Phase 2's answers on all 12 days, equal to the last bit" in text
    assert "48 answers checked, no violation" in text
    assert "Of 12 decisions 0 were rl, 12 fell back (low_confidence 12)." in text
    assert "The policy decided nothing here: every target is Phase 2's." in text
    assert "abstained on 12 days: not accepted: long_flat did not pass its report" in text
    assert "Sharpe ratio +0.000 [+0.000, +0.000]" in text
    assert "RL mode against Phase 2, paired: nothing to compare, no decision was rl." in text
    assert str(tmp_path / "demo.png") in text
    assert (tmp_path / "demo.png").read_bytes().startswith(PNG)
    figures = orjson.loads((tmp_path / "report.json").read_bytes())
    assert figures["passed"] is True
    assert [each["name"] for each in figures["runs"]] == RUNS
    assert [next(iter(each["modes"])) for each in figures["runs"]] == MODES
    assert figures["policy"]["version"] == "v1"
    assert figures["runs"][0]["brakes"]["REDUCE_75%"] == 2


def test_a_demo_without_the_bootstrap_package_says_so_and_passes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "arch", None)
    assert run(options(tmp_path)) == 0
    text = capsys.readouterr().out
    assert "No Sharpe gain: intervals of the gain need the package arch" in text
    policy = orjson.loads((tmp_path / "report.json").read_bytes())["policy"]
    assert policy["sharpe_gain"] is None
    assert policy["why_no_gain"].endswith("pip install arch")


def test_a_service_that_does_not_start_returns_1_with_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(replace(options(tmp_path), application="no_such_module:app")) == 1
    assert "FAILED: the service ended before it was ready" in capsys.readouterr().err


def test_missing_prices_return_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "skfolio", None)
    assert run(options(tmp_path)) == 1
    assert "requirements/data.txt" in capsys.readouterr().err


def test_sigterm_unwinds_as_exit_143() -> None:
    with pytest.raises(SystemExit) as caught, sigterm_as_exit():
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.code == 143


def test_ctrl_c_stops_the_service_and_returns_130(tmp_path: Path) -> None:
    script = (
        "import signal, sys; from datetime import date; from pathlib import Path;"
        # a shell starts what it puts into the background with the signal ignored
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "from app.demo import DemoOptions, run;"
        f"sys.exit(run(DemoOptions(out=Path({str(tmp_path)!r}), application={FAKE!r})))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        # the bar appears when the first service is up
        while b"Phase 2" not in os.read(process.stderr.fileno(), 4096):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert b"no service is left running" in errors
