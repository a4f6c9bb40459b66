"""Row of the risk manager's dashboard: which prices, values, stamps and outcomes were doubted."""

from typing import Final

from grafana.build.board import Row
from grafana.build.boards.states import WINDOW
from grafana.build.panel import Panel, Query, Threshold


def _noticed(*words: str) -> tuple[Query, ...]:
    """Return the query for the rate of some notices, by word."""
    chosen = f'what=~"{"|".join(words)}"'
    rate = f"rate(himari_l3_noticed_total{{{chosen}}}[{WINDOW}])"
    return (Query(f"sum by (what) ({rate})", "{{what}}"),)


BELIEF: Final = Row(
    "Prices, values and outcomes that are doubted",
    (
        Panel(
            "Disbelieved prices and values",
            "Too far from the last believed one. A value that is not believed lets nothing grow.",
            "ops",
            _noticed("price_disbelieved", "price_confirmed", "value_disbelieved"),
            thresholds=(Threshold(0.001, "orange"),), low=0,
        ),
        Panel(
            "Set apart and left standing",
            "Positions without a price that were kept, and those kept against their own signal.",
            "ops",
            _noticed("set_apart", "left_standing"),
            thresholds=(Threshold(0.001, "orange"),), low=0,
        ),
        Panel(
            "Stamps ahead of the clock",
            "Signals and observations refused because their time lies in the future.",
            "ops",
            _noticed("stamp_ahead"),
            thresholds=(Threshold(0.001, "yellow"),), low=0,
        ),
        Panel(
            "Outcomes refused, clipped, withdrawn",
            "Beyond 20 volatilities an outcome teaches nothing, from 5 on it counts as 5.",
            "ops",
            _noticed("outcome_refused", "outcome_clipped", "outcome_withdrawn"),
            low=0,
        ),
        Panel(
            "Prices missing or older",
            "Symbols priced at the last known price, or not at all.",
            "ops",
            _noticed("price_missing", "price_last", "not_newer", "no_room"),
            low=0,
        ),
        Panel(
            "Posted prices and returns",
            "What became of the observations of `/market`, by result.",
            "ops",
            (Query(
                "sum by (result) "
                f"(rate(himari_l3_market_observations_total[{WINDOW}]))",
                "{{result}}",
            ),),
            kind="stack", low=0,
        ),
    ),
)  # fmt: skip
