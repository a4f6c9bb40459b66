"""Dashboard of the model's owner: RL against Phase 2."""

from typing import Final

from grafana.build.board import Board, Row
from grafana.build.boards.states import WINDOW, quantiles, rate
from grafana.build.panel import Panel, Query, Threshold

_KNOWN: Final = " and himari_l3_rl_advantage_known == 1"
_DECISIONS: Final = "himari_l3_position_decisions_total"
_SHARE: Final = Row(
    "Who decides",
    (
        Panel(
            "Phase 3 RL vs Fallback",
            "Decisions a second by the policy and by Phase 2, over five minutes.",
            "reqps",
            (
                Query(f"rate({_DECISIONS}{{strategy_id='rl'}}[5m])", "rl"),
                Query(f"rate({_DECISIONS}{{strategy_id='fallback'}}[5m])", "fallback"),
            ),
            low=0,
        ),
        Panel(
            "Share of decisions that used the policy",
            "Now, and since the service started.",
            "percentunit",
            (
                Query(
                    f'sum(rate({_DECISIONS}{{strategy_id="rl"}}[{WINDOW}])) '
                    f"/ (sum(rate({_DECISIONS}[{WINDOW}])) > 0)",
                    "now",
                ),
                Query("himari_l3_rl_usage_rate", "since start {{instance}}"),
            ),
            low=0, high=1,
        ),
        Panel(
            "Fallbacks by reason",
            "low_confidence is the model's own choice, the others are faults or settings.",
            "reqps",
            (rate("himari_l3_decision_fallbacks_total", "reason"),),
            kind="stack", low=0,
        ),
        Panel(
            "Abstentions by reason",
            "Rows that the policy abstained from, by its own reason; they get Phase 2's size.",
            "ops",
            (rate("himari_l3_policy_abstained_total", "reason"),),
            kind="stack", low=0,
        ),
        Panel(
            "Gross with and without the policy",
            "The last decision, and what Phase 2 alone would have allocated.",
            "currencyUSD",
            (
                Query("himari_l3_ensemble_weight_total_usd", "decided {{instance}}"),
                Query("himari_l3_baseline_total_usd", "Phase 2 {{instance}}"),
            ),
            low=0,
        ),
        Panel(
            "Policy asked",
            "Whether a policy is configured and asked at all.",
            "none",
            (Query("himari_l3_rl_enabled"),),
            low=0, high=1,
        ),
        Panel(
            "Time of asking the policy",
            "The stage `policy` of a decision; its deadline is a setting.",
            "ms",
            quantiles("himari_l3_decision_latency_ms", selector='{stage="policy"}'),
            low=0,
        ),
    ),
)  # fmt: skip
_PAYS: Final = Row(
    "Does it pay",
    (
        Panel(
            "Paired advantage",
            "Mean return with the policy less Phase 2's in the same decisions, with its interval: "
            "it pays when the lower end is above zero. Nothing while pairs are few.",
            "percentunit",
            (
                Query(f"himari_l3_rl_advantage_ci_high{_KNOWN}", "upper end"),
                Query(f"himari_l3_rl_advantage_mean{_KNOWN}", "mean"),
                Query(f"himari_l3_rl_advantage_ci_low{_KNOWN}", "lower end"),
            ),
            thresholds=(Threshold(0, "green"),), base="red", width=12,
        ),
        Panel(
            "Probability that the policy is better",
            "Share of bootstrap means above zero.",
            "percentunit",
            (Query(f"himari_l3_rl_probability_better{_KNOWN}"),),
            thresholds=(Threshold(0.5, "yellow"), Threshold(0.95, "green")), base="orange",
            low=0, high=1, width=6,
        ),
        Panel(
            "Pairs",
            "Decisions with outcomes in the comparison; it speaks from 20 on.",
            "short",
            (Query("himari_l3_rl_advantage_pairs"),),
            thresholds=(Threshold(20, "green"),), base="orange", low=0, width=6,
        ),
        Panel(
            "Mean return of a trade, unpaired",
            "Trades that used the policy, and those of Phase 2.",
            "percentunit",
            (
                Query("himari_l3_rl_mean_return", "rl"),
                Query("himari_l3_baseline_mean_return", "Phase 2"),
            ),
            width=12,
        ),
        Panel(
            "Sharpe of a trade, unpaired",
            "Mean over standard deviation, not annualised.",
            "none",
            (Query("himari_l3_rl_sharpe", "rl"), Query("himari_l3_baseline_sharpe", "Phase 2")),
            width=12,
        ),
    ),
)  # fmt: skip
_MODEL: Final = Row(
    "The model",
    (
        Panel(
            "Version that answers",
            "As the service sees it; `none` before the first answer.",
            "none",
            (Query("himari_l3_model_info", "{{version}}"),),
            kind="name", width=6,
        ),
        Panel(
            "Version that is served",
            "As the inference server says.",
            "none",
            (Query("himari_inference_model_info", "{{version}} ({{kind}})"),),
            kind="name", width=6,
        ),
        Panel(
            "Age of the model",
            "Since the day it was made.",
            "s",
            (Query("himari_inference_model_age_sec"),),
            kind="stat",
            thresholds=(Threshold(60 * 86_400, "orange"), Threshold(90 * 86_400, "red")),
            width=4,
        ),
        Panel(
            "Loaded",
            "Since the inference server took it into memory.",
            "s",
            (Query("himari_inference_model_loaded_sec"),),
            kind="stat", width=4,
        ),
        Panel(
            "First seen",
            "Since the service first got an answer of it.",
            "s",
            (Query("himari_l3_model_seen_sec"),),
            kind="stat", width=4,
        ),
        Panel(
            "Rows by what became of them",
            "Sized, or why not, as the inference server counts them.",
            "ops",
            (Query(
                f"sum by (result, reason) (rate(himari_inference_rows_total[{WINDOW}]))",
                "{{result}} {{reason}}",
            ),),
            kind="stack", low=0, width=12,
        ),
        Panel(
            "Reloads",
            "Of the model, an hour, by what became of them.",
            "short",
            (Query(
                "sum by (result) (increase(himari_inference_reloads_total[1h]))", "{{result}}"
            ),),
            low=0, width=12,
        ),
    ),
)  # fmt: skip
BOARD: Final = Board(
    uid="himari-policy",
    title="HIMARI: RL versus fallback",
    description="Who decides, whether the policy pays, and which model answers.",
    reader="model owner",
    rows=(_SHARE, _PAYS, _MODEL),
)
