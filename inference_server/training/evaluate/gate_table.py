"""The gates of each case: the bounds that must be met, and those that are aimed at."""

from typing import Final

from inference_server.training.evaluate.figures import Figures
from inference_server.training.evaluate.gates import Condition, Gate, GateRule, judge
from inference_server.training.evaluate.results import Case

GAIN_MUST: Final[dict[Case, float]] = {"long_flat": 0.15, "long_short": 0.18}
GAIN_AIM: Final[dict[Case, float]] = {"long_flat": 0.25, "long_short": 0.35}


def gate_rules(case: Case, *, serves_transformer: bool = True) -> tuple[GateRule, ...]:
    """Return the rules of all gates of one case.

    Parameters
    ----------
    case : {"long_flat", "long_short"}
    serves_transformer : bool
        If the linear policy is served, Transformer minus linear is reported and decides nothing:
        the better of the two is then what the other gates judge.
    """
    return (
        *_gain_rules(case),
        *_chance_rules(),
        *_execution_rules(),
        _ablation_rule(serves_transformer=serves_transformer),
        *_head_rules(),
        *_multiplier_rules(),
        *_universe_rules(),
    )


def judge_case(
    case: Case, figures: Figures, *, serves_transformer: bool = True
) -> tuple[Gate, ...]:
    """Return the outcome of every gate of a case."""
    rules = gate_rules(case, serves_transformer=serves_transformer)
    return tuple(judge(rule, figures) for rule in rules)


def _above_zero(figure: str) -> Condition:
    return Condition(f"{figure}_low", ">", 0.0, "95 % interval above 0")


def _gain_shown(figure: str) -> str:
    return f"{{{figure}:.3f}} [{{{figure}_low:.3f}}, {{{figure}_high:.3f}}]"


def _gain_rules(case: Case) -> tuple[GateRule, ...]:
    return (
        GateRule(
            "Sharpe gain over smoothed Kelly",
            _gain_shown("gain"),
            (Condition("gain", ">=", GAIN_MUST[case]), _above_zero("gain")),
            (Condition("gain", ">=", GAIN_AIM[case]),),
        ),
        GateRule(
            "Folds improved",
            "{folds_improved:.0f} of {folds:.0f}",
            (
                Condition("folds_improved_share", ">=", 0.75, "3 of 4"),
                Condition("folds", ">=", 4.0, ""),
            ),
            (Condition("folds_improved_share", ">=", 1.0, "4 of 4"),),
        ),
        GateRule(
            "Drawdown at equal volatility, over smoothed Kelly's",
            "{drawdown_ratio:.2f}x",
            (Condition("drawdown_ratio", "<=", 1.15, "{sign} {bound:g}x"),),
            (Condition("drawdown_ratio", "<=", 1.0, "{sign} {bound:g}x"),),
        ),
        GateRule(
            "Calmar ratio, over smoothed Kelly's",
            "{calmar_ratio:.2f}x",
            (Condition("calmar_ratio", ">=", 1.05, "{sign} {bound:g}x"),),
            (Condition("calmar_ratio", ">=", 1.3, "{sign} {bound:g}x"),),
        ),
    )


def _chance_rules() -> tuple[GateRule, ...]:
    return (
        GateRule(
            "Shuffle test: joint shuffles of time that gain less than the real one",
            "{shuffle_share_below:.1%} of {shuffles:.0f}",
            (
                Condition("shuffle_share_below", ">", 0.95, "{sign} {bound:.0%}"),
                Condition("shuffles", ">=", 50.0, "of {bound:g} or more"),
            ),
            (Condition("shuffle_share_below", ">=", 1.0, "all"),),
        ),
        GateRule(
            "Shuffle test: mean gain on shuffled time",
            "{shuffled_mean:.3f}",
            (
                Condition("shuffled_mean", ">=", -0.1, "within +-0.10"),
                Condition("shuffled_mean", "<=", 0.1, ""),
            ),
        ),
        GateRule(
            "Drift-neutral Sharpe gain",
            _gain_shown("neutral_gain"),
            (Condition("neutral_gain", ">=", 0.15), _above_zero("neutral_gain")),
            (Condition("neutral_gain", ">=", 0.35),),
        ),
        GateRule(
            "Sign-conditional placebo, p",
            "{placebo_p:.3f} of {placebo_shifts:.0f} shifts",
            (
                Condition("placebo_p", "<=", 0.05),
                Condition("placebo_shifts", ">=", 200.0, "{bound:g} shifts"),
            ),
            (Condition("placebo_p", "<=", 0.01),),
        ),
    )


def _execution_rules() -> tuple[GateRule, ...]:
    return (
        GateRule(
            "Gain kept when executed one day later",
            "{delayed_share:.0%}",
            (Condition("delayed_share", ">=", 0.8, "{sign} {bound:.0%}"),),
        ),
        GateRule(
            "Sharpe gain at 10 bps",
            "{gain_10bps:.3f}",
            (Condition("gain_10bps", ">", 0.0),),
        ),
    )


def _ablation_rule(*, serves_transformer: bool) -> GateRule:
    not_worse = Condition("transformer_gain_high", ">=", 0.0, "not significantly worse")
    return GateRule(
        "Transformer minus linear, Sharpe ratio",
        _gain_shown("transformer_gain"),
        (not_worse,) if serves_transformer else (),
        (_above_zero("transformer_gain"),),
    )


def _head_rules() -> tuple[GateRule, ...]:
    return (
        GateRule(
            "Volatility head: QLIKE, t against HAR",
            "{qlike:.3f}, t {qlike_t_har:.1f}",
            (
                Condition("qlike", "<=", 0.345),
                Condition("qlike_t_har", "<", -2.0, "t {sign} {bound:g}"),
            ),
            (Condition("qlike", "<=", 0.33),),
        ),
        GateRule(
            "Volatility head: coverage of the 80 % interval, folds",
            "{coverage_lowest:.3f} to {coverage_highest:.3f}",
            (
                Condition("coverage_lowest", ">=", 0.75, "0.75 to 0.85 in each"),
                Condition("coverage_highest", "<=", 0.85, ""),
            ),
            (
                Condition("coverage_lowest", ">=", 0.78, "0.78 to 0.82"),
                Condition("coverage_highest", "<=", 0.82, ""),
            ),
        ),
        GateRule(
            "Hit probability: calibration error (ECE)", "{ece:.4f}", (Condition("ece", "<=", 0.02),)
        ),
        GateRule(
            "Hit probability: Brier skill over the base rate",
            "{brier_skill:.2%}",
            (Condition("brier_skill", ">=", 0.0),),
            (Condition("brier_skill", ">=", 0.005, "{sign} {bound:.1%}"),),
        ),
    )


def _multiplier_rules() -> tuple[GateRule, ...]:
    return (
        GateRule(
            "Not degenerate: standard deviation of m",
            "{multiplier_std:.2f}",
            (Condition("multiplier_std", ">=", 0.2),),
        ),
        GateRule(
            "Not degenerate: correlation of m between seeds",
            "{seeds_correlation:.3f}",
            (Condition("seeds_correlation", "<", 0.98),),
        ),
    )


def _universe_rules() -> tuple[GateRule, ...]:
    return (
        GateRule(
            "Second universe (the ETFs), Sharpe gain",
            _gain_shown("second_gain"),
            (Condition("second_gain", ">", 0.0),),
            (_above_zero("second_gain"),),
        ),
        GateRule(
            "Third universe (a NYSE panel), Sharpe gain",
            _gain_shown("third_gain"),
            (Condition("third_gain", ">", 0.0),),
            (_above_zero("third_gain"),),
        ),
        GateRule(
            "Phase 2 alone: least gain over smoothed equal weight and volatility target",
            "{phase2_worst_gain:.3f}",
            (),
            (Condition("phase2_worst_gain", ">", 0.0, "> 0 in every universe"),),
        ),
    )
