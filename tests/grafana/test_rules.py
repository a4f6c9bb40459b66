"""Alerts: they parse, fire and stay quiet as they should, and lead to a runbook."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import promql_parser
import pytest

from tests.grafana.rulebook import ROOT, RULE_FILES, TEST_FILES, alerts, judged, rules

RUNBOOKS: Final = ROOT / "docs" / "runbooks.md"
SEVERITIES: Final = {"critical", "warning", "info"}


def promtool(*words: str | Path) -> None:
    program = shutil.which("promtool")
    assert program is not None, "promtool is missing: make system-packages"
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_every_rule_file() -> None:
    promtool("check", "rules", *RULE_FILES)


@pytest.mark.parametrize("file", TEST_FILES, ids=lambda file: file.stem)
def test_alerts_fire_and_stay_quiet_as_their_unit_tests_say(file: Path) -> None:
    promtool("test", "rules", file)


def test_each_alert_is_seen_firing_and_not_firing() -> None:
    wanted = {(name, fires) for name in alerts() for fires in (True, False)}
    assert judged() == wanted


@pytest.mark.parametrize("name", alerts())
def test_an_alert_has_a_severity_a_summary_and_a_runbook_of_its_own(name: str) -> None:
    alert = alerts()[name]
    assert alert["labels"]["severity"] in SEVERITIES
    assert alert["annotations"]["summary"]
    assert alert["annotations"]["description"]
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks.md#{name.lower()}"


def test_every_alert_has_a_heading_among_the_runbooks_and_no_heading_is_left_over() -> None:
    headings = re.findall(r"^## (\w+)$", RUNBOOKS.read_text("utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(alerts())


def test_every_expression_parses() -> None:
    for rule in rules():
        promql_parser.parse(rule["expr"])
