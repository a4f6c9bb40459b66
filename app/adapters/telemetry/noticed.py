"""Counters of what was noticed: words of notices, market observations, why a policy abstained."""

from collections import Counter as Tally
from collections.abc import Iterable, Mapping
from typing import Any, Final

from prometheus_client import Counter

from app.adapters.telemetry.last_values import MAX_LABEL_VALUES, OTHER

# words of `notices` in answers, and of what `POST /outcomes` and `/market/*` refuse
WORDS: Final = (
    "price_missing", "price_last", "price_disbelieved", "price_confirmed", "value_disbelieved",
    "stamp_ahead", "not_newer", "no_room", "return_clipped", "outcome_refused", "outcome_clipped",
    "outcome_withdrawn", "claim_missing", "claim_cut", "sigma_missing", "prior_pairs", "set_apart",
    "left_standing", "lot", "minimum", "band", "span_without_positions", "limit_cut", "solver",
    "not_finite",
)  # fmt: skip
RESULTS: Final = ("accepted", "older", "ahead", "no_price", "disbelieved", "no_room")
# a posted observation that is refused for one of these is a notice as well
_WORD_OF_REASON: Final = {
    "disbelieved": "price_disbelieved",
    "ahead": "stamp_ahead",
    "no_room": "no_room",
}

_noticed = Counter(
    "himari_l3_noticed_total", "What was noticed of inputs and targets, by word (count)", ("what",)
)
NOTICED: Final = {word: _noticed.labels(word) for word in WORDS}
_observations = Counter(
    "himari_l3_market_observations_total",
    "Prices and returns posted to /market, by result (count)",
    ("result",),
)
OBSERVATIONS: Final = {result: _observations.labels(result) for result in RESULTS}
ABSTENTIONS: Final = Counter(
    "himari_l3_policy_abstained_total",
    "Rows that the policy abstained from, by its own reason (count)",
    ("reason",),
)
ABSTAINED: Final = {OTHER: ABSTENTIONS.labels(OTHER)}


def count_notices(notices: Iterable[Mapping[str, Any]]) -> None:
    """Count the notices of an answer by their word."""
    for word, amount in Tally(notice["what"] for notice in notices).items():
        NOTICED[word].inc(amount)


def count_observations(report: Mapping[str, Any]) -> None:
    """Count posted prices or returns by ``accepted`` and by the reasons of the ignored ones."""
    OBSERVATIONS["accepted"].inc(report["accepted"])
    for reason, amount in report["reasons"].items():
        OBSERVATIONS[reason].inc(amount)
        if reason in _WORD_OF_REASON:
            NOTICED[_WORD_OF_REASON[reason]].inc(amount)


def count_abstentions(reasons: Mapping[str, int]) -> None:
    """Count rows by why the policy abstained: the reason's words before its first colon."""
    for reason, amount in reasons.items():
        name = reason.partition(":")[0].strip() or OTHER
        if name not in ABSTAINED:
            if len(ABSTAINED) >= MAX_LABEL_VALUES:
                name = OTHER
            else:
                ABSTAINED[name] = ABSTENTIONS.labels(name)
        ABSTAINED[name].inc(amount)
