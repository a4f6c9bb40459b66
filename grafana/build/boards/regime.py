"""Dashboard of the quant: regimes and the cascade."""

from typing import Final

from grafana.build.board import Board, Row
from grafana.build.boards.states import rate
from grafana.build.panel import Panel, Query, Threshold

_CASCADE_THRESHOLDS: Final = (
    Threshold(0.4, "yellow"),
    Threshold(0.6, "orange"),
    Threshold(0.8, "red"),
)
_REGIME: Final = Row(
    "Regime",
    (
        Panel(
            "Regime of the last batch",
            "The most defensive regime among its symbols.",
            "none",
            (Query("himari_l3_current_regime", "{{regime}}"),),
            kind="states", names={0: ("", "text"), 1: ("in force", "blue")}, width=24,
        ),
        Panel(
            "Symbols by regime",
            "How many symbols of the last batch are in which regime.",
            "short",
            (Query("sum by (regime) (himari_l3_regime_symbols)", "{{regime}}"),),
            kind="stack", low=0,
        ),
        Panel(
            "Transitions",
            "Confirmed changes of a symbol's regime, an hour.",
            "short",
            (Query("sum(increase(himari_l3_regime_transitions_total[1h]))", "transitions"),),
            low=0,
        ),
        Panel(
            "False flips",
            "Candidates abandoned before their confirmation, an hour: noise that was kept out.",
            "short",
            (Query("sum(increase(himari_l3_regime_false_flips_total[1h]))", "false flips"),),
            low=0,
        ),
    ),
)  # fmt: skip
_CASCADE: Final = Row(
    "Cascade",
    (
        Panel(
            "Cascade risk",
            "Above 0.4, 0.6 and 0.8 sizes and limits are halved, quartered, zero.",
            "none",
            (Query("himari_l3_cascade_risk_score"),),
            thresholds=_CASCADE_THRESHOLDS, low=0, high=1,
        ),
        Panel(
            "What it is made of",
            "Part of each indicator in the score.",
            "none",
            (Query("himari_l3_cascade_risk_components", "{{component}}"),),
            kind="stack", low=0, high=1,
        ),
        Panel(
            "Recommendations",
            "Decisions by what the cascade recommended.",
            "reqps",
            (rate("himari_l3_cascade_recommendations_total", "recommendation"),),
            kind="stack", low=0,
        ),
    ),
)  # fmt: skip
BOARD: Final = Board(
    uid="himari-regime",
    title="HIMARI: regime and cascade",
    description="Which regime holds, how steady it is, and how near a liquidation cascade.",
    reader="quant",
    rows=(_REGIME, _CASCADE),
)
