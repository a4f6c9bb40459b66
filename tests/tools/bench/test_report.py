"""The report of the measurements: what is missed is shown as missed."""

import json
from pathlib import Path

from tests.tools.bench import breaker
from tests.tools.bench.report import write_report
from tests.tools.bench.rows import Row, interleaved_medians


def test_a_figure_beyond_its_target_is_missed_and_one_at_it_is_met() -> None:
    assert Row("s", "n", 2.0, "us", at_most=2.0).met is True
    assert Row("s", "n", 2.1, "us", at_most=2.0).met is False
    assert Row("s", "n", 59.0, "times", at_least=60.0).met is False
    assert Row("s", "n", 59.0, "times").met is None


def test_the_page_names_command_machine_and_every_missed_target(tmp_path: Path) -> None:
    rows = [
        Row("Speed", "fast enough", 1.0, "ms", at_most=2.0),
        Row("Speed", "too slow", 3.0, "ms", at_most=2.0),
    ]
    page = write_report(rows, ["memory"], "python -m tests.tools.bench", tmp_path / "results.md")
    text = page.read_text("utf-8")
    assert "1 of 2 targets met." in text
    assert "| too slow | 3 ms | <= 2 | **missed** |" in text
    assert "`python -m tests.tools.bench` on" in text
    assert "Left out in this run: memory." in text
    document = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert [row["met"] for row in document["rows"]] == [True, False]
    assert document["machine"]["packages"]["numpy"]


def test_actions_take_turns_and_the_first_turn_only_warms_up() -> None:
    calls: list[str] = []
    actions = [lambda: calls.append("a"), lambda: calls.append("b")]
    medians = interleaved_medians(actions, rounds=2, calls=(1, 2))
    assert "".join(calls) == "abb" * 3
    assert all(median >= 0.0 for median in medians)


def test_the_breakers_measurement_gives_a_row_for_each_way() -> None:
    rows = list(breaker.measure(1))
    assert len(rows) == 5
    assert sum(row.met is not None for row in rows) == 4
