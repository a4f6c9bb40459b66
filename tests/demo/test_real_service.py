"""The demo against the service itself: a few real days through the crash of March 2020."""

from datetime import date
from pathlib import Path

import orjson

from app.demo import DemoOptions, run


def test_days_of_the_crash_pass_through_the_service_without_a_violation(tmp_path: Path) -> None:
    assert run(DemoOptions(start=date(2020, 3, 9), days=7, out=tmp_path)) == 0
    figures = orjson.loads((tmp_path / "report.json").read_bytes())
    phase2, mock, dead = figures["runs"]
    assert phase2["decisions"] == {"fallback: rl_disabled": 7}
    assert mock["modes"] == {"mock": 7}
    assert dead["decisions"] == {"fallback: timeout": 5, "fallback: circuit_open": 2}
