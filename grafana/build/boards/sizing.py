"""Dashboard of the trader: how positions are sized."""

from typing import Final

from grafana.build.board import Board, Row
from grafana.build.boards.states import WINDOW, quantiles, rate
from grafana.build.panel import Panel, Query, Threshold

_PORTFOLIO: Final = Row(
    "Portfolio",
    (
        Panel(
            "Gross and net",
            "Sum of sizes, longs less shorts, and Phase 2's gross beside them.",
            "currencyUSD",
            (
                Query("himari_l3_ensemble_weight_total_usd", "gross {{instance}}"),
                Query("himari_l3_net_usd", "net {{instance}}"),
                Query("himari_l3_baseline_total_usd", "Phase 2 gross {{instance}}"),
            ),
        ),
        Panel(
            "Utilization",
            "Gross over portfolio value; the default limit is 80 %.",
            "percent",
            (Query("himari_l3_ensemble_utilization_pct"),),
            thresholds=(Threshold(80, "orange"),), low=0,
        ),
        Panel(
            "Predicted volatility",
            "Of the targets and of what was held, over the horizon of claims; beside them the "
            "expected shortfall of the targets at 95 %.",
            "percentunit",
            (
                Query("himari_l3_book_volatility", "targets {{instance}}"),
                Query("himari_l3_book_current_volatility", "held {{instance}}"),
                Query("himari_l3_book_es_95", "shortfall {{instance}}"),
            ),
            low=0,
        ),
        Panel(
            "Portfolio value",
            "As the last batch gave it; a sudden step is a feed that is wrong.",
            "currencyUSD",
            (Query("himari_l3_portfolio_value_usd"),),
            low=0,
        ),
        Panel(
            "Turnover of the last decision",
            "Absolute trades it asks for: what it costs to follow.",
            "currencyUSD",
            (Query("himari_l3_turnover_usd"),),
            low=0,
        ),
        Panel(
            "Open positions and strategies",
            "Symbols with a target other than zero, and strategies with a share.",
            "short",
            (
                Query("himari_l3_open_positions", "positions {{instance}}"),
                Query("himari_l3_ensemble_strategies", "strategies {{instance}}"),
            ),
            low=0,
        ),
        Panel(
            "Symbols of an answer",
            "Median and 99th percentile: how large the batches are.",
            "short",
            quantiles("himari_l3_decision_symbols"),
            low=0,
        ),
    ),
)  # fmt: skip
_STRATEGIES: Final = Row(
    "Strategies",
    (
        Panel(
            "Share of each strategy",
            "Of the gross allocation; beyond 50 names the rest is `other`.",
            "percentunit",
            (Query("himari_l3_ensemble_weight_current > 0", "{{strategy_id}}"),),
            kind="stack", low=0, high=1, width=12,
        ),
        Panel(
            "Largest drift of a share",
            "Relative to its slow average; above 20 % it is in the answer's `drifted_strategies`.",
            "percent",
            (Query("himari_l3_ensemble_weight_drift_pct"),),
            thresholds=(Threshold(20, "orange"),), low=0, width=6,
        ),
        Panel(
            "Drifted strategies",
            "How many shares moved by more than the alert.",
            "short",
            (Query("himari_l3_ensemble_drifted_strategies"),),
            thresholds=(Threshold(1, "orange"),), low=0, width=6,
        ),
    ),
)  # fmt: skip
_STAGES: Final = Row(
    "Stages of a size",
    (
        Panel(
            "Mean Kelly size",
            "Of directional signals, before every other stage; the cap is 50 %.",
            "percentunit",
            (Query("himari_l3_kelly_fraction"),),
            thresholds=(Threshold(0.5, "orange"),), low=0,
        ),
        Panel(
            "Mean conformal scale",
            "1 takes volatilities at their word; below, claims were too small.",
            "percentunit",
            (Query("himari_l3_conformal_scale_factor"),),
            low=0, high=1,
        ),
        Panel(
            "Mean of Phase 2 over Phase 1",
            "What limits and correlations leave of a size; 1 is all.",
            "percentunit",
            (Query("himari_l3_correlation_penalty_mean"),),
            low=0, high=1,
        ),
    ),
)  # fmt: skip
_TRAFFIC: Final = Row(
    "Batches and outcomes",
    (
        Panel(
            "Since the last decision",
            "Longer than your batches' interval: nobody asks.",
            "s",
            (Query("time() - (himari_l3_last_decision_timestamp_seconds > 0)"),),
            low=0,
        ),
        Panel(
            "Warnings and rejected signals",
            "Of answers; both say what the batch lacked.",
            "ops",
            (
                Query(f"sum(rate(himari_l3_warnings_total[{WINDOW}]))", "warnings"),
                Query(f"sum(rate(himari_l3_rejected_signals_total[{WINDOW}]))", "rejected"),
            ),
            low=0,
        ),
        Panel(
            "Signals in force",
            "Standing beside the next batch; 0 where `SIGNALS__STANDING` is off.",
            "short",
            (Query("himari_l3_standing_signals"),),
            low=0,
        ),
        Panel(
            "Outcomes",
            "Posted returns by what became of them: records and scales learn from nothing else.",
            "ops",
            tuple(
                Query(f"sum(rate(himari_l3_outcomes_{what}_total[{WINDOW}]))", what)
                for what in ("accepted", "duplicates", "rejected")
            ),
            low=0,
        ),
        Panel(
            "Decisions by who decided",
            "Policy or Phase 2, a second.",
            "reqps",
            (rate("himari_l3_position_decisions_total", "strategy_id"),),
            kind="stack", low=0,
        ),
        Panel(
            "Answers repeated",
            "For an `Idempotency-Key` that was there before: callers that retry.",
            "ops",
            (Query(f"sum(rate(himari_l3_idempotent_replays_total[{WINDOW}]))", "repeated"),),
            low=0,
        ),
    ),
)  # fmt: skip
BOARD: Final = Board(
    uid="himari-sizing",
    title="HIMARI: position sizing",
    description="What is put to work, by whom, and what each stage makes of it.",
    reader="trader",
    rows=(_PORTFOLIO, _STRATEGIES, _STAGES, _TRAFFIC),
)
