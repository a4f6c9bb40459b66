"""The one view of prices of a decision, and the time of a batch."""

from dataclasses import replace

import pytest

from app.core.books.market import MarketBook
from app.core.decision.prices import PriceView, batch_time, view_prices
from app.core.params import BrakeParams, EngineParams
from tests.core.decision.batches import wish
from tests.strategies import NOW_NS, make_batch

PARAMS = EngineParams(brakes=BrakeParams(price_jump_from=0.2))
SECOND_NS = 10**9
MAX_AGE_NS = 345_600 * SECOND_NS


def viewed(given: dict[str, float], after_ns: int = SECOND_NS) -> PriceView:
    """View A so long after the market book learnt 100 USD."""
    market = MarketBook(PARAMS.market)
    market.observe_prices(NOW_NS, {"A": 100.0})
    report = market.observe_prices(NOW_NS + after_ns, given, jump_from=0.2)
    return view_prices("A", given, report, market, NOW_NS + after_ns, PARAMS)["A"]


def test_a_believed_price_of_the_batch_is_given_and_of_no_age() -> None:
    assert viewed({"A": 110.0}) == PriceView(110.0, "given", 0.0, 110.0, doubted=False, known=110.0)


def test_a_missing_price_is_the_last_one_with_its_age() -> None:
    assert viewed({}) == PriceView(100.0, "last", 1.0, None, doubted=False, known=100.0)


def test_a_doubted_price_gives_way_to_the_last_believed_one() -> None:
    assert viewed({"A": 130.0}) == PriceView(100.0, "last", 1.0, 130.0, doubted=True, known=100.0)


@pytest.mark.parametrize(("given", "doubted"), [({}, False), ({"A": 130.0}, True)])
def test_the_last_price_counts_up_to_its_greatest_age(
    given: dict[str, float], *, doubted: bool
) -> None:
    at_most = viewed(given, MAX_AGE_NS)
    assert (at_most.price, at_most.source, at_most.age_sec) == (100.0, "last", 345_600.0)
    beyond = viewed(given, MAX_AGE_NS + SECOND_NS)
    assert beyond == PriceView(None, "none", None, given.get("A"), doubted, 100.0)


def test_a_given_price_that_is_not_newer_is_used_and_not_doubted() -> None:
    assert viewed({"A": 110.0}, 0) == PriceView(
        110.0, "given", 0.0, 110.0, doubted=False, known=110.0
    )


def test_a_given_price_that_is_not_newer_is_doubted_where_it_is_too_far() -> None:
    assert viewed({"A": 130.0}, 0).doubted


def test_a_symbol_without_any_price_has_none() -> None:
    market = MarketBook(PARAMS.market)
    report = market.observe_prices(NOW_NS, {})
    views = view_prices("A", {}, report, market, NOW_NS, PARAMS)
    assert views == {"A": PriceView(None, "none", None, None, doubted=False, known=None)}


def test_a_symbol_that_found_no_room_is_viewed_at_its_given_price() -> None:
    params = replace(PARAMS, market=replace(PARAMS.market, max_symbols=1))
    market = MarketBook(params.market)
    given = {"A": 100.0, "B": 7.0}
    report = market.observe_prices(NOW_NS, given, first=["A"])
    assert report.no_room == ("B",)
    views = view_prices("AB", given, report, market, NOW_NS, params)
    assert (views["B"].price, views["B"].source) == (7.0, "given")


def test_the_time_of_a_batch_is_its_newest_stamp_and_without_signals_its_receipt() -> None:
    older, newer = (wish("one", "A", 0.1, timestamp_ns=NOW_NS + step) for step in (-9, 5))
    assert batch_time(make_batch(newer, older)) == NOW_NS + 5
    assert batch_time(make_batch()) == NOW_NS


def test_behind_a_door_the_time_of_a_batch_is_never_later_than_its_receipt() -> None:
    ahead = wish("one", "A", 0.1, timestamp_ns=NOW_NS + 5)
    behind = wish("one", "A", 0.1, timestamp_ns=NOW_NS - 5)
    assert batch_time(make_batch(ahead, stamps_until_ns=NOW_NS + 60)) == NOW_NS
    assert batch_time(make_batch(behind, stamps_until_ns=NOW_NS + 60)) == NOW_NS - 5
