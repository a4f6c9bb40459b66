"""Counters of what was noticed: label sets at the start, bounded, moved by their events."""

from collections.abc import Iterator

import pytest
from prometheus_client import REGISTRY

from app.adapters.telemetry import noticed
from app.adapters.telemetry.last_values import MAX_LABEL_VALUES
from app.adapters.telemetry.prometheus import PrometheusTelemetry
from tests.adapters.telemetry.views import sample, view_of


@pytest.fixture
def telemetry() -> PrometheusTelemetry:
    return PrometheusTelemetry()


@pytest.fixture
def no_reasons_yet() -> Iterator[None]:
    known = dict(noticed.ABSTAINED)
    yield
    for name in noticed.ABSTAINED.keys() - known.keys():
        del noticed.ABSTAINED[name]
        noticed.ABSTENTIONS.remove(name)


def test_every_word_and_every_result_has_its_series_at_the_start() -> None:
    assert len(set(noticed.WORDS)) == 25
    for word in noticed.WORDS:
        sample("himari_l3_noticed_total", what=word)
    for result in noticed.RESULTS:
        sample("himari_l3_market_observations_total", result=result)


def test_notices_of_a_decision_are_counted_by_word(telemetry: PrometheusTelemetry) -> None:
    words = {"set_apart": 2, "value_disbelieved": 1, "lot": 0}
    before = {word: sample("himari_l3_noticed_total", what=word) for word in words}
    notices = [
        {"what": word, "symbol": f"S{number}", "detail": "why"}
        for word, count in words.items()
        for number in range(count)
    ]
    telemetry.decided(view_of(notices=notices))
    after = {word: sample("himari_l3_noticed_total", what=word) for word in words}
    assert {word: after[word] - before[word] for word in words} == words


def test_a_notice_outside_of_a_decision_is_counted(telemetry: PrometheusTelemetry) -> None:
    before = sample("himari_l3_noticed_total", what="outcome_refused")
    telemetry.noticed("outcome_refused", 3)
    assert sample("himari_l3_noticed_total", what="outcome_refused") == before + 3


def test_posted_observations_are_counted_by_result(telemetry: PrometheusTelemetry) -> None:
    name, noted = "himari_l3_market_observations_total", "himari_l3_noticed_total"
    before = {result: sample(name, result=result) for result in noticed.RESULTS}
    doubted = sample(noted, what="price_disbelieved")
    reasons = {"older": 1, "ahead": 0, "no_price": 2, "disbelieved": 3, "no_room": 0}
    telemetry.market_observed({"accepted": 4, "ignored": 6, "reasons": reasons})
    after = {result: sample(name, result=result) for result in noticed.RESULTS}
    grown = {result: after[result] - before[result] for result in noticed.RESULTS}
    assert grown == {"accepted": 4} | reasons
    assert sample(noted, what="price_disbelieved") == doubted + 3


@pytest.mark.usefixtures("no_reasons_yet")
def test_reasons_of_one_kind_share_a_label(telemetry: PrometheusTelemetry) -> None:
    abstained = {"too little history: 0 of 250": 2, "too little history: 9 of 250": 1}
    telemetry.decided(view_of(policy={"abstained": abstained}))
    name = "himari_l3_policy_abstained_total"
    assert sample(name, reason="too little history") == 3.0


@pytest.mark.usefixtures("no_reasons_yet")
def test_reasons_stay_bounded_however_many_a_server_invents(
    telemetry: PrometheusTelemetry,
) -> None:
    others = sample("himari_l3_policy_abstained_total", reason="other")
    telemetry.decided(view_of(policy={"abstained": {f"reason {n}": 1 for n in range(200)}}))
    found = [
        one
        for family in REGISTRY.collect()
        if family.name == "himari_l3_policy_abstained"
        for one in family.samples
    ]
    assert len(found) == MAX_LABEL_VALUES
    assert sum(one.value for one in found) >= 200.0
    assert sample("himari_l3_policy_abstained_total", reason="other") > others
