"""Dashboards: made from code, complete, without overlap, and every expression parses."""

import subprocess
import sys
from itertools import combinations
from typing import Any

import promql_parser
import pytest
from grafana_foundation_sdk.models import units

from grafana.build.boards import BOARDS
from grafana.build.families import SERVICE, Family
from grafana.build.metrics_page import UnreadMetrics, metrics_page
from tests.grafana.drawn import dashboards, expressions, panels
from tests.grafana.rulebook import ROOT
from tests.tools.dashboards.typecheck import RECORD, digest

DATASOURCE = {"type": "prometheus", "uid": "himari-prometheus"}
UNITS = {value for name, value in vars(units).items() if name[0].isupper()}


def test_what_is_committed_is_what_the_code_makes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "grafana.build", "--check"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr


def test_no_dashboard_is_left_over_and_uids_are_the_files_names() -> None:
    assert set(dashboards()) == {board.file for board in BOARDS}
    assert all(f"himari-{name}" == content["uid"] for name, content in dashboards().items())


def test_the_home_dashboard_is_where_the_stack_looks_for_it() -> None:
    assert "/dashboards/home.json" in (ROOT / "docker-compose.yml").read_text("utf-8")
    assert "home" in dashboards()


@pytest.mark.parametrize("name", dashboards())
def test_a_dashboard_can_be_provisioned_and_leads_to_the_others(name: str) -> None:
    content = dashboards()[name]
    assert "__inputs" not in content
    assert "himari" in content["tags"]
    assert content["description"]
    (link,) = content["links"]
    assert (link["type"], link["tags"]) == ("dashboards", ["himari"])


@pytest.mark.parametrize("name", dashboards())
def test_every_panel_has_unit_description_and_the_one_datasource(name: str) -> None:
    for panel in panels(dashboards()[name]):
        assert panel["description"].endswith("."), panel["title"]
        if panel["type"] == "dashlist":
            continue
        assert panel["datasource"] == DATASOURCE
        assert panel["targets"]
        assert all(target["datasource"] == DATASOURCE for target in panel["targets"])
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]


@pytest.mark.parametrize("name", dashboards())
def test_ids_are_unique_and_no_panel_lies_on_another(name: str) -> None:
    drawn = dashboards()[name]["panels"]
    assert len({panel["id"] for panel in drawn}) == len(drawn)
    for one, other in combinations(drawn, 2):
        assert not overlap(one["gridPos"], other["gridPos"]), (one["title"], other["title"])
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in drawn)


def overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
    below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
    return not (beside or below)


def test_every_expression_parses() -> None:
    assert len(expressions()) > 100
    for _, _, expression in expressions():
        promql_parser.parse(expression.replace("$__rate_interval", "1m"))


def test_the_guides_two_queries_are_on_one_panel() -> None:
    (panel,) = (
        panel
        for panel in panels(dashboards()["policy"])
        if panel["title"] == "Phase 3 RL vs Fallback"
    )
    assert [target["expr"] for target in panel["targets"]] == [
        "rate(himari_l3_position_decisions_total{strategy_id='rl'}[5m])",
        "rate(himari_l3_position_decisions_total{strategy_id='fallback'}[5m])",
    ]


@pytest.mark.parametrize(
    ("name", "panel", "value"),
    [
        ("home", "Slow decisions", 0.01),
        ("risk", "Portfolio limit in use", 90),
        ("risk", "Coverage of 90 % intervals", 0.855),
        ("regime", "Cascade risk", 0.8),
        ("policy", "Paired advantage", 0),
        ("health", "Failures in a row", 5),
        ("health", "Lag", 1),
    ],
)
def test_a_limit_or_target_is_drawn_where_there_is_one(name: str, panel: str, value: float) -> None:
    assert value in marks(name, panel)


def marks(name: str, title: str) -> list[Any]:
    (panel,) = (panel for panel in panels(dashboards()[name]) if panel["title"] == title)
    return [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]


@pytest.mark.parametrize("name", dashboards())
def test_the_record_of_the_type_check_is_of_what_is_committed(name: str) -> None:
    page = RECORD.read_text("utf-8")
    assert "Verdict: well typed." in page
    assert digest(name) in page, "python -m tests.tools.dashboards.typecheck writes it anew"


def test_a_family_that_nobody_reads_is_refused_by_name() -> None:
    lonely = Family(SERVICE, "himari_l3_lonely_total", "counter", "Told to nobody (count)", ())
    with pytest.raises(UnreadMetrics, match="himari_l3_lonely_total"):
        metrics_page([lonely])


def test_the_page_says_who_reads_a_family_and_by_which_alert() -> None:
    state = Family(SERVICE, "himari_l3_trading_state", "gauge", "Kill switch (code)", ("state",))
    slow = Family(SERVICE, "himari_l3_decision_latency_ms", "histogram", "Time (ms)", ("stage",))
    page = metrics_page([state, slow])
    assert "risk manager (himari-risk); alert HimariHalted |" in page
    assert "alert HimariLatencyBudgetBurnsFast, HimariLatencyBudgetBurnsSlowly |" in page
