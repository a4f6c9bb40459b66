"""From daily series to figures."""

import math
from dataclasses import replace

import numpy as np
import pytest

from inference_server.training.evaluate.bootstrap import paired_gain
from inference_server.training.evaluate.figures import measure_case
from inference_server.training.evaluate.overfitting import deflated_sharpe, return_moments
from inference_server.training.evaluate.panel_figures import measure_panel
from inference_server.training.evaluate.panels import Panel
from inference_server.training.evaluate.results import CaseResults
from inference_server.training.evaluate.statistics import calmar, sharpe
from tests.inference_server.training.evaluate.evaluations import (
    QUICK,
    STRENGTH,
    series_of,
    strong_case,
    strong_panel,
)

STRONG = measure_case(strong_case(), 30, QUICK)


def with_policy(panel: Panel, name: str, strength: float) -> Panel:
    noise = np.random.default_rng(7).standard_normal(len(panel.dates))
    return replace(panel, policies={**panel.policies, name: series_of(strength, noise)})


def without(panel: Panel, *names: str) -> Panel:
    kept = {name: series for name, series in panel.policies.items() if name not in names}
    return replace(panel, policies=kept)


def values_of(case: CaseResults) -> dict[str, float | None]:
    return measure_case(case, 30, QUICK).values


def test_the_gain_is_that_of_the_served_policy_over_smoothed_kelly() -> None:
    panel = strong_panel()
    expected = paired_gain(panel.returns("rl"), panel.returns("kelly_smoothed"), params=QUICK)
    assert STRONG.values["gain"] == expected.gain == pytest.approx(1.4, abs=1e-4)
    assert STRONG.values["gain_low"] == expected.ci_low
    assert STRONG.values["gain_high"] == expected.ci_high


def test_folds_are_measured_on_their_own_days() -> None:
    assert STRONG.values["folds"] == STRONG.values["folds_improved"] == 4.0
    panel = strong_panel()
    assert STRONG.folds[2].policies["rl"].sharpe == pytest.approx(
        sharpe(panel.returns("rl")[400:600])
    )


def test_a_policy_that_helps_in_one_fold_alone_improves_one() -> None:
    panel = strong_panel()
    reference, served = panel.returns("kelly_smoothed"), panel.returns("kelly_smoothed") - 1e-4
    served[:200] = reference[:200] + 0.01
    rl = replace(panel.policies["rl"], returns=tuple(served.tolist()))
    case = replace(strong_case(), main=replace(panel, policies={**panel.policies, "rl": rl}))
    assert values_of(case)["folds_improved"] == 1.0
    assert values_of(case)["folds_improved_share"] == 0.25


def test_the_calmar_ratios_are_compared() -> None:
    panel = strong_panel()
    assert STRONG.values["calmar_ratio"] == pytest.approx(
        calmar(panel.returns("rl")) / calmar(panel.returns("kelly_smoothed"))
    )


@pytest.mark.parametrize(
    ("served", "reference", "ratio"), [(2.0, -1.0, math.inf), (-1.0, -1.5, 0.0), (1.0, 1.0, 1.0)]
)
def test_a_calmar_ratio_over_a_loss_is_infinite_for_a_gain_and_zero_for_a_loss(
    served: float, reference: float, ratio: float
) -> None:
    panel = with_policy(with_policy(strong_panel(), "rl", served), "kelly_smoothed", reference)
    assert values_of(replace(strong_case(), main=panel))["calmar_ratio"] == ratio


def test_the_placebo_p_counts_the_real_one_among_the_shifts() -> None:
    assert STRONG.values["placebo_p"] == pytest.approx(1.0 / 201.0)
    lucky = replace(strong_case(), placebo_gains=(5.0,) * 20 + (0.0,) * 180)
    assert values_of(lucky)["placebo_p"] == pytest.approx(21.0 / 201.0)


def test_the_shuffles_below_the_real_gain_are_a_share() -> None:
    mixed = replace(strong_case(), shuffled_gains=(2.0, 0.0, 0.1, -0.1))
    values = values_of(mixed)
    assert values["shuffle_share_below"] == 0.75
    assert values["shuffled_mean"] == pytest.approx(0.5)
    assert values["shuffles"] == 4.0


def test_a_delay_that_costs_half_the_gain_keeps_half() -> None:
    late = with_policy(strong_panel("late"), "rl", 1.7)
    values = values_of(replace(strong_case(), delayed=late))
    assert values["delayed_share"] == pytest.approx(0.5, abs=1e-3)


def test_nothing_is_kept_of_a_gain_that_was_none() -> None:
    case = replace(strong_case(), main=with_policy(strong_panel(), "rl", 0.5))
    assert values_of(case)["delayed_share"] == 0.0


def test_the_cost_gate_reads_ten_basis_points() -> None:
    dear = with_policy(strong_panel(cost_bps=10.0), "rl", 1.1)
    values = values_of(replace(strong_case(), costs=(strong_panel(cost_bps=2.0), dear)))
    assert values["gain_10bps"] == pytest.approx(0.1, abs=1e-4)
    assert values_of(replace(strong_case(), costs=()))["gain_10bps"] is None


def test_the_ablation_takes_the_transformer_even_where_the_linear_policy_is_served() -> None:
    panel = with_policy(with_policy(strong_panel(), "rl", STRENGTH["linear"]), "transformer", 1.5)
    values = values_of(replace(strong_case(), main=panel))
    assert values["transformer_gain"] == pytest.approx(-0.3, abs=1e-4)


def test_without_a_policy_named_transformer_the_served_one_is_it() -> None:
    values = values_of(replace(strong_case(), main=without(strong_panel(), "transformer")))
    assert values["transformer_gain"] == pytest.approx(0.6, abs=1e-4)


def test_phase_2_is_judged_by_its_worst_universe() -> None:
    poor = with_policy(strong_panel("nyse"), "equal_weight", 1.25)
    values = values_of(replace(strong_case(), third_universe=poor))
    assert values["phase2_worst_gain"] == pytest.approx(-0.25, abs=1e-4)
    silent = without(strong_panel("more"), "vol_target")
    case = replace(strong_case(), other_universes=(silent,))
    assert values_of(case)["phase2_worst_gain"] is None


def test_the_main_panel_is_not_counted_among_the_other_universes() -> None:
    assert [each.panel.name for each in STRONG.universes] == ["etfs", "nyse"]


def test_universes_are_told_apart_though_their_numbers_are_equal() -> None:
    values = values_of(
        replace(strong_case(), third_universe=with_policy(strong_panel("nyse"), "rl", 1.2))
    )
    assert values["second_gain"] == pytest.approx(1.4, abs=1e-4)
    assert values["third_gain"] == pytest.approx(0.2, abs=1e-4)


def test_the_deflated_ratio_counts_all_trials_and_takes_the_spread_of_those_tested() -> None:
    moments = return_moments(strong_panel().returns("rl"))
    variance = float(np.var([0.9, 1.0, 1.1], ddof=1)) / 252.0
    assert STRONG.values["dsr"] == deflated_sharpe(moments, 30, variance)
    assert measure_case(strong_case(), 1, QUICK).trials == 3


def test_what_was_not_run_has_no_figure() -> None:
    values = values_of(CaseResults(main=without(strong_panel(), "linear", "transformer")))
    empty = {name for name, value in values.items() if value is None}
    assert {
        "shuffled_mean", "placebo_p", "neutral_gain", "delayed_share", "gain_10bps",
        "transformer_gain", "qlike", "ece", "brier_skill", "multiplier_std", "second_gain",
        "third_gain", "dsr", "pbo",
    } <= empty  # fmt: skip
    assert values["gain"] is not None


def test_a_panel_without_the_reference_has_tables_but_no_gains() -> None:
    figures = measure_panel(without(strong_panel(), "kelly_smoothed"), QUICK)
    assert (figures.gains, figures.benchmark_gains, figures.drawdowns) == ({}, {}, {})
    assert figures.policies["rl"].sharpe == pytest.approx(2.4, abs=1e-4)
