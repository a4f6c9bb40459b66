"""What a gate says of figures."""

import math

import pytest

from inference_server.training.evaluate.gates import (
    Condition,
    Gate,
    GateRule,
    Verdict,
    decide_alpha,
    judge,
)

RULE = GateRule(
    "gain",
    "{gain:.2f} of {days:.0f}",
    (Condition("gain", ">=", 0.15), Condition("low", ">", 0.0, "interval above 0")),
    (Condition("gain", ">=", 0.25),),
)


@pytest.mark.parametrize(
    ("gain", "low", "verdict"),
    [
        (0.30, 0.1, "aim"),
        (0.25, 0.1, "aim"),
        (0.2499, 0.1, "must"),
        (0.15, 0.1, "must"),
        (0.1499, 0.1, "missed"),
        (0.30, 0.0, "missed"),
        (math.nan, 0.1, "missed"),
        (0.30, None, "missed"),
    ],
)
def test_the_verdict_follows_from_both_conditions(
    gain: float, low: float | None, verdict: Verdict
) -> None:
    assert judge(RULE, {"gain": gain, "low": low, "days": 5.0}).verdict == verdict


def test_a_gate_prints_its_conditions_and_its_value() -> None:
    gate = judge(RULE, {"gain": 0.2, "low": 0.1, "days": 5.0})
    assert gate == Gate("gain", ">= 0.15, interval above 0", ">= 0.25", 0.2, "0.20 of 5", "must")


@pytest.mark.parametrize("figures", [{}, {"gain": 0.3, "low": 0.1, "days": None}])
def test_what_was_not_run_is_missed_and_says_so(figures: dict[str, float | None]) -> None:
    gate = judge(RULE, figures)
    assert gate.text == "not run"
    assert gate.verdict == "missed"


def test_a_gate_without_conditions_is_reported_or_meets_its_aim() -> None:
    rule = GateRule("ablation", "{gain:.2f}", (), (Condition("gain", ">", 0.0),))
    assert judge(rule, {"gain": -0.2}).verdict == "reported"
    assert judge(rule, {"gain": 0.2}).verdict == "aim"
    assert judge(rule, {"gain": None}).verdict == "missed"
    assert judge(rule, {"gain": 0.2}).must == "reported"


def test_one_missed_gate_sets_alpha_to_zero() -> None:
    met = judge(RULE, {"gain": 0.2, "low": 0.1, "days": 5.0})
    missed = judge(RULE, {"gain": 0.1, "low": 0.1, "days": 5.0})
    assert decide_alpha((met, met)) == 1.0
    assert decide_alpha((met, missed)) == 0.0
    assert decide_alpha(()) == 0.0


def test_percent_is_printed_with_a_space() -> None:
    rule = GateRule("share", "{share:.0%}", (Condition("share", ">=", 0.8, "{sign} {bound:.0%}"),))
    gate = judge(rule, {"share": 0.9})
    assert (gate.text, gate.must) == ("90 %", ">= 80 %")
