"""The gate table of both cases, and every one of its bounds."""

import pytest

from inference_server.training.evaluate.figures import measure_case
from inference_server.training.evaluate.gate_table import gate_rules, judge_case
from inference_server.training.evaluate.gates import Verdict, decide_alpha
from inference_server.training.evaluate.results import CASES, Case
from tests.inference_server.training.evaluate.evaluations import QUICK, strong_case

STRONG = measure_case(strong_case(), 30, QUICK).values

# gate (its first words), figure, last value that is enough, first that is not; for both cases
BOUNDS: list[tuple[str, str, float, float]] = [
    ("Sharpe gain over", "gain_low", 0.001, 0.0),
    ("Folds improved", "folds_improved_share", 0.75, 0.5),
    ("Folds improved", "folds", 4.0, 3.0),
    ("Drawdown at equal", "drawdown_ratio", 1.15, 1.16),
    ("Calmar ratio", "calmar_ratio", 1.05, 1.04),
    ("Shuffle test: joint", "shuffle_share_below", 0.96, 0.95),
    ("Shuffle test: joint", "shuffles", 50.0, 49.0),
    ("Shuffle test: mean", "shuffled_mean", 0.1, 0.11),
    ("Shuffle test: mean", "shuffled_mean", -0.1, -0.11),
    ("Drift-neutral", "neutral_gain", 0.15, 0.149),
    ("Drift-neutral", "neutral_gain_low", 0.001, 0.0),
    ("Sign-conditional", "placebo_p", 0.05, 0.051),
    ("Sign-conditional", "placebo_shifts", 200.0, 199.0),
    ("Gain kept", "delayed_share", 0.8, 0.79),
    ("Sharpe gain at 10 bps", "gain_10bps", 0.001, 0.0),
    ("Transformer minus", "transformer_gain_high", 0.0, -0.001),
    ("Volatility head: QLIKE", "qlike", 0.345, 0.346),
    ("Volatility head: QLIKE", "qlike_t_har", -2.01, -2.0),
    ("Volatility head: coverage", "coverage_lowest", 0.75, 0.749),
    ("Volatility head: coverage", "coverage_highest", 0.85, 0.851),
    ("Hit probability: calibration", "ece", 0.02, 0.0201),
    ("Hit probability: Brier", "brier_skill", 0.0, -0.0001),
    ("Not degenerate: standard", "multiplier_std", 0.2, 0.19),
    ("Not degenerate: correlation", "seeds_correlation", 0.979, 0.98),
    ("Second universe", "second_gain", 0.001, 0.0),
    ("Third universe", "third_gain", 0.001, 0.0),
]
AIMS: list[tuple[str, str, float, float]] = [
    ("Folds improved", "folds_improved_share", 1.0, 0.75),
    ("Drawdown at equal", "drawdown_ratio", 1.0, 1.01),
    ("Calmar ratio", "calmar_ratio", 1.3, 1.29),
    ("Shuffle test: joint", "shuffle_share_below", 1.0, 0.99),
    ("Drift-neutral", "neutral_gain", 0.35, 0.349),
    ("Sign-conditional", "placebo_p", 0.01, 0.011),
    ("Transformer minus", "transformer_gain_low", 0.001, 0.0),
    ("Volatility head: QLIKE", "qlike", 0.33, 0.331),
    ("Volatility head: coverage", "coverage_lowest", 0.78, 0.77),
    ("Volatility head: coverage", "coverage_highest", 0.82, 0.83),
    ("Hit probability: Brier", "brier_skill", 0.005, 0.0049),
    ("Second universe", "second_gain_low", 0.001, 0.0),
    ("Third universe", "third_gain_low", 0.001, 0.0),
]


def verdict_of(case: Case, gate: str, figure: str, value: float | None) -> Verdict:
    [found] = [
        each for each in judge_case(case, {**STRONG, figure: value}) if each.name.startswith(gate)
    ]
    return found.verdict


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("gate", "figure", "enough", "too_little"), BOUNDS)
def test_each_must_has_its_bound(
    case: Case, gate: str, figure: str, enough: float, too_little: float
) -> None:
    assert verdict_of(case, gate, figure, enough) != "missed"
    assert verdict_of(case, gate, figure, too_little) == "missed"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("gate", "figure", "enough", "too_little"), AIMS)
def test_each_aim_has_its_bound(
    case: Case, gate: str, figure: str, enough: float, too_little: float
) -> None:
    assert verdict_of(case, gate, figure, enough) == "aim"
    assert verdict_of(case, gate, figure, too_little) == "must"


@pytest.mark.parametrize(
    ("case", "must", "aim"), [("long_flat", 0.15, 0.25), ("long_short", 0.18, 0.35)]
)
def test_the_gain_asked_for_depends_on_the_case(case: Case, must: float, aim: float) -> None:
    gate = "Sharpe gain over"
    assert verdict_of(case, gate, "gain", must - 0.001) == "missed"
    assert verdict_of(case, gate, "gain", must) == "must"
    assert verdict_of(case, gate, "gain", aim - 0.001) == "must"
    assert verdict_of(case, gate, "gain", aim) == "aim"


def test_phase_2_alone_is_reported_and_aims_at_every_universe() -> None:
    assert verdict_of("long_flat", "Phase 2 alone", "phase2_worst_gain", -0.1) == "reported"
    assert verdict_of("long_flat", "Phase 2 alone", "phase2_worst_gain", 0.1) == "aim"
    assert verdict_of("long_flat", "Phase 2 alone", "phase2_worst_gain", None) == "missed"


def test_a_transformer_that_is_not_served_may_be_worse_and_is_reported() -> None:
    worse = {**STRONG, "transformer_gain_low": -0.3, "transformer_gain_high": -0.1}
    assert decide_alpha(judge_case("long_flat", worse)) == 0.0
    gates = judge_case("long_flat", worse, serves_transformer=False)
    assert [gate.verdict for gate in gates if gate.name.startswith("Transformer")] == ["reported"]
    assert decide_alpha(gates) == 1.0


@pytest.mark.parametrize("case", CASES)
def test_every_figure_that_a_gate_reads_is_one_that_is_measured(case: Case) -> None:
    for rule in gate_rules(case):
        read = {condition.figure for condition in (*rule.must, *rule.aim)}
        assert read | set(rule.shown_figures()) <= set(STRONG)


@pytest.mark.parametrize("case", CASES)
def test_a_strong_case_meets_every_gate_and_each_missing_figure_closes_it(case: Case) -> None:
    assert decide_alpha(judge_case(case, STRONG)) == 1.0
    for rule in gate_rules(case):
        for figure in rule.shown_figures():
            assert decide_alpha(judge_case(case, {**STRONG, figure: None})) == 0.0, figure


@pytest.mark.parametrize("case", CASES)
def test_nothing_run_means_nothing_met(case: Case) -> None:
    assert {gate.verdict for gate in judge_case(case, {})} == {"missed"}
