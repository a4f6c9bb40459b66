"""The page tells what was found, misses as misses."""

import json
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.image import imread

from inference_server.training.evaluate.page import write_page
from inference_server.training.evaluate.results import CaseResults, Results
from tests.inference_server.training.evaluate.evaluations import (
    QUICK,
    series_of,
    strong_case,
    strong_panel,
    strong_results,
)

PICTURES = ("equity", "drawdown", "gains", "shuffle", "placebo", "reliability", "multiplier")


def weak_results() -> Results:
    """Take the strong case, its served policy hardly better than smoothed Kelly long/short."""
    panel = strong_panel()
    noise = np.random.default_rng(7).standard_normal(800)
    wobble = noise + 0.05 * np.random.default_rng(8).standard_normal(800)
    policies = {**panel.policies, "rl": series_of(1.02, wobble)}
    case = replace(strong_case(), main=replace(panel, policies=policies))
    return replace(strong_results(), cases={"long_flat": strong_case(), "long_short": case})


@pytest.fixture(scope="module")
def strong(tmp_path_factory: pytest.TempPathFactory) -> Path:
    docs = tmp_path_factory.mktemp("docs")
    assert write_page(strong_results(), docs, QUICK) == {"long_flat": 1.0, "long_short": 1.0}
    return docs


def read_json(docs: Path) -> Any:
    return json.loads((docs / "evidence" / "results.json").read_text())


def test_a_strong_evaluation_says_so_and_misses_nothing(strong: Path) -> None:
    page = (strong / "evidence.md").read_text()
    assert "**Long/flat: alpha = 1.**" in page
    assert "MISSED" not in page
    assert "No must gate was missed." in page
    assert "30 trials" in page


def test_a_miss_is_printed_in_the_table_in_the_summary_and_among_the_failures(
    tmp_path: Path,
) -> None:
    assert write_page(weak_results(), tmp_path, QUICK) == {"long_flat": 1.0, "long_short": 0.0}
    page = (tmp_path / "evidence.md").read_text()
    row = "| Sharpe gain over smoothed Kelly | 0.020 ["
    [line] = [line for line in page.splitlines() if line.startswith(row)]
    assert line.endswith("| **MISSED** |")
    assert "**Long/short: alpha = 0.**" in page
    assert "- Long/short: Sharpe gain over smoothed Kelly: 0.020 [" in page
    assert "No must gate was missed." not in page


def test_what_was_not_run_is_named_so_and_draws_no_picture(tmp_path: Path) -> None:
    results = Results(
        created="2023-01-01",
        model_version="bare",
        trials=0,
        cases={"long_flat": CaseResults(main=strong_panel())},
    )
    assert write_page(results, tmp_path, QUICK) == {"long_flat": 0.0, "long_short": 0.0}
    page = (tmp_path / "evidence.md").read_text()
    assert "**Long/short: alpha = 0.** Not run." in page
    assert page.count("This was not run.") == 3
    drawn = {path.name for path in (tmp_path / "evidence").glob("*.png")}
    assert drawn == {"equity_long_flat.png", "drawdown_long_flat.png", "gains_long_flat.png"}


def test_every_picture_is_a_png_that_the_page_shows(strong: Path) -> None:
    page = (strong / "evidence.md").read_text()
    for case in ("long_flat", "long_short"):
        for name in PICTURES:
            link = f"evidence/{name}_{case}.png"
            assert f"]({link})" in page
            content = (strong / link).read_bytes()
            assert content.startswith(b"\x89PNG\r\n\x1a\n")
            width, height = struct.unpack(">II", content[16:24])
            assert width >= 900
            assert height >= 400


def test_pictures_stand_on_white_in_any_theme(strong: Path) -> None:
    for path in (strong / "evidence").glob("*.png"):
        image = imread(path)
        corners = image[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert np.all(corners == 1.0), path.name


def test_the_json_holds_the_same_gates_and_gains_as_the_page(strong: Path) -> None:
    page, content = (strong / "evidence.md").read_text(), read_json(strong)
    case = content["cases"]["long_flat"]
    assert case["alpha"] == 1.0
    for gate in case["gates"]:
        assert f"| {gate['name']} | {gate['text']} | {gate['must']} |" in page
    gain = case["main"]["gain_over_kelly_smoothed"]["rl"]
    assert f"{gain['gain']:.3f} [{gain['ci_low']:.3f}, {gain['ci_high']:.3f}]" in page
    assert [panel["cost_bps"] for panel in case["costs"]] == [2.0, 10.0]
    assert len(case["folds"]) == 4


def test_the_json_has_no_number_that_json_cannot_hold(tmp_path: Path) -> None:
    panel = strong_panel()
    rising = replace(panel.policies["kelly"], returns=(0.001,) * 799 + (0.002,))
    main = replace(panel, policies={**panel.policies, "kelly": rising})
    results = replace(
        strong_results("long_flat"), cases={"long_flat": replace(strong_case(), main=main)}
    )
    write_page(results, tmp_path, QUICK)
    kelly = read_json(tmp_path)["cases"]["long_flat"]["main"]["policies"]["kelly"]
    assert kelly["sortino"] is None
    assert kelly["sharpe"] > 0.0


def test_the_page_has_a_table_per_cost_and_every_section(strong: Path) -> None:
    page = (strong / "evidence.md").read_text()
    for cost in ("2 bps", "5 bps", "10 bps"):
        assert f"stocks, 2003-01-01 to 2005-03-10, {cost}:" in page
    for title in (
        "What was done", "The gates", "Policies", "By fold", "Is it chance", "Other universes",
        "Phase 2 alone", "Transformer minus linear", "The multiplier", "Volatility head",
        "Hit probability", "Overfitting", "What failed", "How to read the figures",
    ):  # fmt: skip
        assert page.count(f"## {title}\n") == 1


def test_remarks_stand_in_their_sections(strong: Path) -> None:
    page = (strong / "evidence.md").read_text()
    ablation = page.split("## Transformer minus linear\n")[1].split("\n## ")[0]
    assert "Nothing was distilled." in ablation
    assert "A wider net did worse." in page.split("## What failed\n")[1]


def test_every_row_of_a_table_has_the_cells_of_its_header(strong: Path) -> None:
    blocks = (strong / "evidence.md").read_text().split("\n\n")
    tables = [block.splitlines() for block in blocks if block.startswith("|")]
    assert len(tables) == 20
    for lines in tables:
        assert len({line.count("|") for line in lines}) == 1


def test_the_same_evaluation_writes_the_same_files(strong: Path, tmp_path: Path) -> None:
    write_page(strong_results(), tmp_path, QUICK)
    for path in sorted(strong.rglob("*.*")):
        assert (tmp_path / path.relative_to(strong)).read_bytes() == path.read_bytes(), path.name
