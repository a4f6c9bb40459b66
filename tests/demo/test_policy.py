"""RL mode of the demo: the service and the real inference server, each in a process of its own."""

import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from app.demo.play import PlayedRun, Terms, play
from app.demo.policy import PolicyFigures, compare_with_phase2
from app.demo.report import Report, format_report
from app.demo.scenario import Scenario, prepare_scenario
from app.demo.session import DemoOptions, play_all
from app.demo.summary import equity_of, first_difference, summarise, summarise_equity
from app.history.prices import load_stock_prices
from tests.demo.days import SCENARIO
from tests.demo.fake_service import FakeService, client_of
from tests.inference_server.model.graphs import Linear, write_multiplier

CARD = {"version": "v7", "kind": "multiplier", "alpha": {"long_flat": 1.0, "long_short": 0.0}}


@pytest.fixture
def crash() -> Scenario:
    """Give six days of March 2020."""
    panel = load_stock_prices()
    first = panel.between(date(2020, 3, 6), None).start
    return prepare_scenario(panel, slice(first, first + 6))


def in_rl_mode(
    scenario: Scenario, store: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[tuple[PlayedRun, ...], PolicyFigures]:
    monkeypatch.setenv("HIMARI_INFERENCE_MODEL_DIR", str(store))
    runs, card = play_all(scenario, DemoOptions())
    return runs, compare_with_phase2(runs[0], runs[1], card)


def report_of(
    scenario: Scenario, runs: tuple[PlayedRun, ...], figures: PolicyFigures
) -> tuple[str, Report]:
    report = Report(
        scenario=scenario,
        runs=tuple(summarise(run) for run in runs),
        equal_weight=summarise_equity(equity_of(runs[0])),
        cost_bps=5.0,
        rebalance_span=10.0,
        phase2_difference=None,
        policy=figures,
    )
    return format_report(report), report


def test_an_accepted_model_moves_targets_from_the_first_day_and_breaks_no_limit(
    crash: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_multiplier(tmp_path, Linear(b=-1.0), version="smaller-1")
    runs, figures = in_rl_mode(crash, tmp_path, monkeypatch)
    phase2, rl, _, dead = runs
    assert first_difference(phase2, dead) is None
    counted = summarise(rl)
    assert counted.decisions == {"rl": 6}
    assert rl.abstained == {}
    assert counted.violations == ()
    assert counted.utilization_pct_mean < summarise(phase2).utilization_pct_mean
    assert (figures.version, figures.unchanged) == ("smaller-1", 0)
    assert figures.sharpe_gain is not None
    text, report = report_of(crash, runs, figures)
    assert report.passed
    assert "model smaller-1 (multiplier)" in text
    assert "Of 6 decisions 6 were rl, 0 fell back." in text


def test_a_model_that_was_not_accepted_abstains_every_day_and_the_report_says_so(
    crash: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut = {"long_flat": 0.0, "long_short": 0.0}
    write_multiplier(tmp_path, Linear(b=-1.0), alpha=shut, confidence=shut)
    runs, figures = in_rl_mode(crash, tmp_path, monkeypatch)
    assert first_difference(runs[0], runs[1]) is None
    text, _ = report_of(crash, runs, figures)
    assert "Its multiplier is served for: no case (alpha is 0)." in text
    assert "Of 6 decisions 0 were rl, 6 fell back (low_confidence 6)." in text
    assert "abstained on 6 days: not accepted: long_flat did not pass its report" in text


def run_of(service: FakeService) -> PlayedRun:
    with client_of(service) as client:
        return play(client, SCENARIO, "run", terms=Terms())


def test_a_policy_that_answers_phase_2_changed_nothing_and_gained_nothing() -> None:
    phase2, policy = run_of(FakeService()), run_of(FakeService(mode="mock"))
    figures = compare_with_phase2(phase2, policy, CARD)
    assert figures.unchanged == len(policy.days)
    assert (figures.sharpe_gain, figures.ci_low, figures.ci_high) == (0.0, 0.0, 0.0)
    assert figures.alpha == CARD["alpha"]


def test_without_the_bootstrap_the_gain_is_missing_and_the_report_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "arch", None)
    phase2, policy = run_of(FakeService()), run_of(FakeService(mode="mock"))
    figures = compare_with_phase2(phase2, policy, CARD)
    assert (figures.sharpe_gain, figures.ci_low, figures.ci_high) == (None, None, None)
    text, report = report_of(SCENARIO, (phase2, policy), figures)
    assert report.passed
    assert "  No Sharpe gain: intervals of the gain need the package arch" in text
    assert max(map(len, text.splitlines())) <= 110


def test_a_policy_that_earned_more_every_day_has_a_gain_above_zero() -> None:
    phase2 = run_of(FakeService())
    days = tuple(
        replace(day, equity_usd=day.equity_usd * 1.001**number)
        for number, day in enumerate(phase2.days)
    )
    final = phase2.final_equity_usd * 1.001 ** len(days)
    figures = compare_with_phase2(phase2, replace(phase2, days=days, final_equity_usd=final), CARD)
    assert figures.sharpe_gain is not None
    assert figures.ci_low is not None
    assert figures.sharpe_gain > figures.ci_low > 0.0


def test_equity_that_never_moves_has_no_gain() -> None:
    phase2 = run_of(FakeService())
    flat = replace(
        phase2,
        days=tuple(replace(day, equity_usd=1e5) for day in phase2.days),
        final_equity_usd=1e5,
    )
    assert np.ptp(equity_of(flat)) == 0.0
    assert compare_with_phase2(phase2, flat, CARD).sharpe_gain is None
