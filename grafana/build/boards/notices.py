"""Row of the operator's dashboard: delivery of notices and reload of settings."""

from typing import Final

from grafana.build.board import Row
from grafana.build.boards.states import WINDOW, WRONG
from grafana.build.panel import Panel, Query, Threshold

_WHAT: Final = ("sent", "retried", "failed", "dropped")
NOTICES: Final = Row(
    "Notices and settings",
    (
        Panel(
            "Notices", "What became of webhooks and messages; failed and dropped reached nobody.",
            "ops",
            tuple(
                Query(
                    f"sum by (channel) (rate(himari_l3_notifications_{what}_total[{WINDOW}]))",
                    f"{what} {{{{channel}}}}",
                )
                for what in _WHAT
            ),
            low=0,
        ),
        Panel(
            "Settings read while running", "By what came of them, an hour.", "short",
            (Query(
                "sum by (outcome) (increase(himari_l3_settings_reloads_total[1h]))", "{{outcome}}"
            ),),
            low=0,
        ),
        Panel(
            "Settings refused", "Whether the file as it is cannot be used; the old ones hold.",
            "none",
            (Query("himari_l3_settings_refused"),), kind="stat", names=WRONG, width=4,
        ),
        Panel(
            "Settings that wait", "Changed ones that hold from the next restart on.", "short",
            (Query("himari_l3_settings_need_restart"),),
            kind="stat", thresholds=(Threshold(1, "orange"),), width=4,
        ),
    ),
)  # fmt: skip
