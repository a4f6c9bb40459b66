"""Home dashboard of Grafana: the state of all, and links to the other dashboards."""

from typing import Final

from grafana.build.board import Board, Row
from grafana.build.boards.states import CIRCUIT, UP, WINDOW
from grafana.build.panel import Panel, Query, Threshold

BOARD: Final = Board(
    uid="himari-home",
    title="HIMARI: home",
    description="Is all well, and where to look next.",
    reader="everybody",
    rows=(
        Row(
            "Now",
            (
                Panel(
                    "Servers",
                    "Whether Prometheus reaches the allocation service and the inference server.",
                    "none",
                    (Query('up{job=~"himari.*"}', "{{job}}"),),
                    kind="stat", names=UP, width=6,
                ),
                Panel(
                    "Alerts firing",
                    "Alerts of this service that fire now, those for information left out.",
                    "none",
                    (Query(
                        'count(ALERTS{alertname=~"Himari.+",alertstate="firing",severity!="info"})'
                        " or vector(0)",
                        "alerts",
                    ),),
                    kind="stat", thresholds=(Threshold(1, "red"),), width=6,
                ),
                Panel(
                    "Trading state",
                    "The kill switch: ACTIVE, REDUCING or HALTED.",
                    "none",
                    (Query("himari_l3_trading_state == 1", "{{state}}"),),
                    kind="name", width=6,
                ),
                Panel(
                    "Mode",
                    "Whether decisions are Phase 2's alone, a mock's or a real policy's.",
                    "none",
                    (Query("himari_l3_mode == 1", "{{mode}}"),),
                    kind="name", width=6,
                ),
                Panel(
                    "Circuit",
                    "State of the circuit to the policy; open means that decisions are Phase 2's.",
                    "none",
                    (Query("himari_l3_circuit_breaker_state"),),
                    kind="stat", names=CIRCUIT, width=6,
                ),
                Panel(
                    "Decisions",
                    "Decisions a second, of all instances.",
                    "reqps",
                    (Query(f"sum(rate(himari_l3_position_decisions_total[{WINDOW}]))", "all"),),
                    kind="stat", width=6,
                ),
                Panel(
                    "Slow decisions",
                    "Share of decisions over 250 ms in five minutes; the promise is 1 % at most.",
                    "percentunit",
                    (Query("himari:decisions_slow:ratio_rate5m", "{{job}}"),),
                    kind="stat",
                    thresholds=(Threshold(0.01, "orange"), Threshold(0.144, "red")),
                    width=6,
                ),
                Panel(
                    "Portfolio limit in use",
                    "Gross allocation as a share of the portfolio's limit.",
                    "percent",
                    (Query('himari_l3_risk_budget_utilization_pct{level="portfolio"}'),),
                    kind="stat",
                    thresholds=(Threshold(90, "orange"), Threshold(100.001, "red")),
                    width=6,
                ),
            ),
        ),
        Row(
            "Last hour",
            (
                Panel(
                    "Decisions by who decided",
                    "Policy or Phase 2; a step to fallback has its reasons on the RL dashboard.",
                    "reqps",
                    (Query(
                        "sum by (strategy_id) "
                        f"(rate(himari_l3_position_decisions_total[{WINDOW}]))",
                        "{{strategy_id}}",
                    ),),
                    kind="stack", low=0, width=12,
                ),
                Panel(
                    "Gross allocation",
                    "What the last decision put to work, and what Phase 2 alone would have.",
                    "currencyUSD",
                    (
                        Query("himari_l3_ensemble_weight_total_usd", "decided {{instance}}"),
                        Query("himari_l3_baseline_total_usd", "Phase 2 {{instance}}"),
                    ),
                    low=0, width=12,
                ),
            ),
        ),
    ),
    lists_boards=True,
)  # fmt: skip
