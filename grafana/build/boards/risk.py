"""Dashboard of the risk manager: use of limits, and coverage of claimed volatilities."""

from typing import Final

from grafana.build.board import Board, Row
from grafana.build.boards.belief import BELIEF
from grafana.build.boards.states import WINDOW, rate
from grafana.build.panel import Panel, Query, Threshold

_FULL: Final = (Threshold(90, "orange"), Threshold(100.001, "red"))
_USE: Final = "himari_l3_risk_budget_utilization_pct"
_LIMITS: Final = Row(
    "Limits",
    (
        Panel(
            "Trading state",
            "The kill switch over time.",
            "none",
            (Query("himari_l3_trading_state", "{{state}}"),),
            kind="states", names={0: ("", "text"), 1: ("in force", "blue")}, width=24,
        ),
        Panel(
            "Portfolio limit in use",
            "Gross of all over its limit as the cascade leaves it.",
            "percent",
            (Query(f'{_USE}{{level="portfolio"}}'),),
            thresholds=_FULL, low=0,
        ),
        Panel(
            "Strategy limits in use, the ten fullest",
            "Gross of a strategy over its limit.",
            "percent",
            (Query(f'topk(10, {_USE}{{level="strategy"}})', "{{identifier}}"),),
            kind="bars", thresholds=_FULL, low=0, high=100,
        ),
        Panel(
            "Position limits in use, the ten fullest",
            "Size of a symbol over its limit.",
            "percent",
            (Query(f'topk(10, {_USE}{{level="position"}})', "{{identifier}}"),),
            kind="bars", thresholds=_FULL, low=0, high=100,
        ),
        Panel(
            "Demands beyond a limit",
            "Signals that asked for more than a limit allows and were cut to it, by level.",
            "ops",
            (rate("himari_l3_risk_budget_violations_total", "level"),),
            thresholds=(Threshold(0.001, "yellow"),), low=0,
        ),
        Panel(
            "Limits that bind",
            "Limits that held a decision down, by level.",
            "ops",
            (rate("himari_l3_binding_limits_total", "level"),),
            low=0,
        ),
        Panel(
            "Largest use of any limit",
            "Above 100 % a limit is broken, which must never happen.",
            "percent",
            (Query(f"max({_USE})", "largest"),),
            kind="stat", thresholds=_FULL,
        ),
    ),
)  # fmt: skip
_HONEST: Final = Row(
    "Claims and correlations",
    (
        Panel(
            "Coverage of 90 % intervals",
            "Share of outcomes inside their interval, in all; nothing before one was judged.",
            "percentunit",
            (Query("himari_l3_conformal_coverage and himari_l3_conformal_judged_outcomes > 0"),),
            thresholds=(Threshold(0.855, "green"), Threshold(0.945, "orange")),
            base="orange", low=0.5, high=1,
        ),
        Panel(
            "Outcomes judged",
            "How many outcomes that coverage rests on; the alert wants 400.",
            "short",
            (Query("himari_l3_conformal_judged_outcomes"),),
            thresholds=(Threshold(400, "green"),), base="text", low=0,
        ),
        Panel(
            "Residuals refused",
            "Outcomes without usable prediction or volatility: they teach nothing.",
            "ops",
            (Query(f"sum(rate(himari_l3_conformal_refused_total[{WINDOW}]))", "refused"),),
            thresholds=(Threshold(0.001, "orange"),), low=0,
        ),
        Panel(
            "Correlation alerts",
            "Pairs of symbols newly above the alert correlation, an hour.",
            "short",
            (Query("sum(increase(himari_l3_correlation_alerts_total[1h]))", "pairs"),),
            thresholds=(Threshold(1, "yellow"),), low=0,
        ),
        Panel(
            "Solver fallbacks",
            "Decisions scaled down because the optimiser had no answer: safe, and worth a report.",
            "short",
            (Query("sum(increase(himari_l3_solver_fallbacks_total[1h]))", "decisions"),),
            thresholds=(Threshold(1, "orange"),), low=0,
        ),
        Panel(
            "Rejected signals",
            "No price, too old, from the future: strategies that are not sized.",
            "ops",
            (Query(f"sum(rate(himari_l3_rejected_signals_total[{WINDOW}]))", "rejected"),),
            thresholds=(Threshold(0.001, "yellow"),), low=0,
        ),
    ),
)  # fmt: skip
BOARD: Final = Board(
    uid="himari-risk",
    title="HIMARI: risk and limits",
    description=(
        "How full every limit is, what strains it, and whether claimed volatilities are honest."
    ),
    reader="risk manager",
    rows=(_LIMITS, BELIEF, _HONEST),
)
