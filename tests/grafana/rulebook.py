"""The rule files and their unit tests, as data."""

from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
RULE_FILES: Final = sorted((ROOT / "grafana" / "rules").glob("*.yml"))
TEST_FILES: Final = sorted((Path(__file__).parent / "rules").glob("*.yml"))


def rules() -> list[dict[str, Any]]:
    """Every rule, alerts and recorded ones."""
    files = [yaml.safe_load(file.read_text("utf-8")) for file in RULE_FILES]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Alerts by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def judged() -> set[tuple[str, bool]]:
    """Name of an alert, and whether some unit test sees it fire (or not fire)."""
    files = [yaml.safe_load(file.read_text("utf-8")) for file in TEST_FILES]
    return {
        (case["alertname"], bool(case["exp_alerts"]))
        for file in files
        for test in file["tests"]
        for case in test.get("alert_rule_test", ())
    }
